/** The chapters of the story that restore: the same cluster, beside the original, another region. */
import { type Manifest, until } from './kube-session.ts';
import { differences, isUsersObject, wasTouched } from './normalise-for-comparison.ts';
import { explain, NAMESPACES, type Scene } from './story-scene.ts';
import type { ApiReply, StoryTeller } from './story-steps.ts';
import { readVolumes, type VolumePlace } from './volume-bytes.ts';

const COPIES = { shop: 'shop-copy', 'shop-media': 'shop-media-copy' };
/** Temporary objects are gone soon after a claim is bound, ms. */
const LEFT_MS_MAX = 90_000;

/** Volumes of the first cluster. */
export function homeVolumes({ stack, homeId }: Scene): VolumePlace {
  return { storage: stack.storage, cluster: homeId };
}

/** Every volume's bytes are those of before. */
async function checkBytes(
  teller: StoryTeller,
  place: VolumePlace,
  given: { before: ReadonlyMap<string, string>; after: ReadonlyMap<string, Manifest> },
): Promise<void> {
  const found = await readVolumes(place, given.after);
  const wrong = [...given.before].filter(([claim, hash]) => found.get(claim) !== hash);
  teller.check(
    `${given.before.size} volumes hold the bytes of before`,
    wrong.length === 0,
    wrong.map(([claim]) => `${claim}: ${found.get(claim) ?? 'no volume'}`).join('; '),
  );
}

/** Everything comes back after the disaster, once. */
export async function restoreAtHome(
  scene: Scene,
  before: Map<string, Manifest>,
  bytes: ReadonlyMap<string, string>,
): Promise<void> {
  const { teller, api, stack, home, homeId } = scene;
  teller.chapter('5. Restore into the same cluster');
  const record = await restore(scene, homeId, 'comeback');
  teller.check('the restore is Completed', record.phase === 'Completed', explain(record));
  await stack.idle();
  const after = await home.readAll();
  const found = differences(before, after);
  const compared = [...before.values()].filter((o) => isUsersObject(o, before)).length;
  teller.check(
    `${compared} objects are as they were, the edit by hand included`,
    found.length === 0,
    found.join('; '),
  );
  await checkBytes(teller, homeVolumes(scene), { before: bytes, after });
  const replicas = (
    after.get('apps/v1 Deployment shop/web')?.spec as Record<string, unknown> | undefined
  )?.replicas;
  teller.check(
    'web has the four replicas that somebody set by hand',
    replicas === 4,
    String(replicas),
  );
  const { verification } = record as { verification?: { ok: boolean; checks: unknown[] } };
  teller.check(
    `the restored application lives (${verification?.checks.length ?? 0} checks)`,
    verification?.ok === true,
    JSON.stringify(verification),
  );
  await secondRestore(scene, after);
  await api.call('GET', `/v1/clusters/${homeId}/restores`);
}

async function secondRestore(scene: Scene, before: ReadonlyMap<string, Manifest>): Promise<void> {
  const { teller, stack, home, homeId } = scene;
  await stack.idle();
  const record = await restore(scene, homeId, 'comeback-again');
  const { created } = record.counts as Record<string, number>;
  teller.check(
    'a second restore creates nothing',
    record.phase === 'Completed' && created === 0,
    explain(record),
  );
  const after = await home.readAll();
  const touched = [...before].filter(
    ([key, o]) => isUsersObject(o, before) && wasTouched(o, after.get(key)),
  );
  teller.check(
    'and touches nothing, down to resource versions',
    touched.length === 0,
    touched.map(([k]) => k).join('; '),
  );
}

/** A copy in other namespaces of the same cluster; the original is not touched. */
export async function restoreBeside(
  scene: Scene,
  bytes: ReadonlyMap<string, string>,
): Promise<void> {
  const { teller, stack, home, homeId } = scene;
  teller.chapter('6. Restore under other names, beside the original');
  const before = await home.readAll();
  const record = await restore(scene, homeId, 'beside', {
    namespaces: Object.keys(COPIES),
    namespaceMapping: COPIES,
  });
  teller.check('the restore is Completed', record.phase === 'Completed', explain(record));
  await stack.idle();
  const copies = new Map(
    [...bytes].map(([claim, hash]) => {
      const [namespace = '', name = ''] = claim.split('/');
      return [`${COPIES[namespace as keyof typeof COPIES]}/${name}`, hash];
    }),
  );
  const after = await home.readAll();
  await checkBytes(teller, homeVolumes(scene), { before: copies, after });
  await checkBytes(teller, homeVolumes(scene), { before: bytes, after });
  const moved = [...before].filter(
    ([key, o]) => o.kind === 'PersistentVolumeClaim' && volumeOf(after.get(key)) !== volumeOf(o),
  );
  teller.check('the original keeps its volumes', moved.length === 0, moved.map(([k]) => k).join());
}

function volumeOf(claim: Manifest | undefined): unknown {
  return (claim?.spec as { volumeName?: string } | undefined)?.volumeName;
}

/** Disks go along as copies of their snapshots; files cannot. */
export async function restoreAway(
  scene: Scene,
  before: ReadonlyMap<string, Manifest>,
  bytes: ReadonlyMap<string, string>,
): Promise<void> {
  const { teller, api, stack, away, awayId } = scene;
  teller.chapter('7. Restore into the other cluster, in another region');
  await api.call('PUT', `/v1/clusters/${awayId}/vaults/shop-vault`);
  const refused = await restore(scene, awayId, 'move-all');
  const [error] = refused.errors as readonly { code: string }[];
  teller.check(
    'files cannot leave their region: refused before anything starts',
    refused.phase === 'Failed' && error?.code === 'cross_region_unsupported',
    explain(refused),
  );
  const kept = (o: Manifest): boolean =>
    o.metadata.namespace !== 'shop-media' && o.metadata.name !== 'shop-media';
  const found = [...(await away.readAll()).values()].filter((o) =>
    NAMESPACES.includes(o.metadata.namespace ?? ''),
  );
  teller.check('and nothing was created', found.length === 0, `${found.length} objects`);
  const record = await restore(scene, awayId, 'move', {
    namespaces: ['shop', 'shop-tools'],
    clusterScope: 'all',
  });
  teller.check(
    'the restore without them is Completed',
    record.phase === 'Completed',
    explain(record),
  );
  await stack.idle();
  const after = await away.readAll();
  const wanted = new Map([...before].filter(([, o]) => kept(o)));
  const missing = differences(wanted, after);
  teller.check('every other object is there as it was', missing.length === 0, missing.join('; '));
  const place = { storage: stack.storage, cluster: awayId };
  const disks = new Map([...bytes].filter(([claim]) => !claim.startsWith('shop-media/')));
  await checkBytes(teller, place, { before: disks, after });
}

/** Only the backup's own snapshots stay: no copy, no snapshot object, no pod of ours. */
export async function nothingLeft(scene: Scene, bytes: ReadonlyMap<string, string>): Promise<void> {
  const { teller, stack, home, away } = scene;
  const disks = [...bytes.keys()].filter((claim) => !claim.startsWith('shop-media/')).length;
  const left = async (): Promise<readonly string[]> => {
    const objects = [...(await home.readAll()), ...(await away.readAll())];
    const ours = objects.filter(
      ([, o]) => o.kind.startsWith('VolumeSnapshot') && o.kind !== 'VolumeSnapshotClass',
    );
    const pods = objects.filter(([, o]) => o.kind === 'Pod' && o.metadata.name.startsWith('bc-'));
    const snapshots = stack.storage.ecs.snapshots().length - disks;
    const more = snapshots === 0 ? [] : [`${snapshots} snapshots too many`];
    return [...ours.map(([key]) => key), ...pods.map(([key]) => key), ...more];
  };
  const deadline = Date.now() + LEFT_MS_MAX;
  let found = await left();
  while (found.length > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    found = await left();
  }
  teller.check(
    'nothing temporary is left, the snapshots stay',
    found.length === 0,
    found.join('; '),
  );
}

/** Deletes the backup, and looks in the clouds for what is left of it. */
export async function deleteBackup(
  { teller, api, stack, homeId }: Scene,
  objectsLeft: () => Promise<readonly string[]>,
): Promise<void> {
  teller.chapter('8. The backup is deleted');
  const path = `/v1/clusters/${homeId}/backups/friday`;
  await api.call('DELETE', path);
  await until('the backup is deleted', async () => {
    const answer = await api.call('GET', path).catch((error: unknown) => String(error));
    return typeof answer === 'string' && answer.includes('404');
  });
  const { ecs, hbr } = stack.storage;
  const left = [
    ...ecs.snapshots().map(({ snapshotId }) => snapshotId),
    ...hbr.snapshots().map(({ id }) => id),
    ...(await objectsLeft()),
  ];
  teller.check('no snapshot, no restore point, no file of it', left.length === 0, left.join('; '));
}

async function restore(
  { api, teller }: Scene,
  cluster: string,
  name: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<ApiReply> {
  const restores = `/v1/clusters/${cluster}/restores`;
  await api.call('POST', restores, { name, vault: 'shop-vault', backup: 'friday', ...more });
  const record = await api.finished(`${restores}/${name}`, teller.progress);
  const { created, skipped, failed, omitted } = record.counts as Record<string, number>;
  teller.say(
    `  ${name}: ${created} created, ${skipped} skipped, ${failed} failed, ${omitted} left to controllers`,
  );
  return record;
}
