/**
 * `npm start [-- --exit]`: the story of a disaster on two clusters of one machine. Stays up afterwards;
 * with `--exit` it ends, with status 0 only if every check held.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import OSS from 'ali-oss';
import { KubeSession, type Manifest } from './kube-session.ts';
import { differences, isUsersObject } from './normalise-for-comparison.ts';
import { type LocalStack, startStack } from './start-stack.ts';
import { type ApiReply, ApiSession, StoryTeller } from './story-steps.ts';
import { fillVolumes, readVolumes, type VolumePlace } from './volume-bytes.ts';

const BUCKET = 'cnfs-oss-shop-backups';
const NAMESPACES = ['shop', 'shop-media', 'shop-tools'];
const COPIES = { shop: 'shop-copy', 'shop-media': 'shop-media-copy' };
const SAMPLE = new URL('../../infra/local/sample-application.yaml', import.meta.url);

interface Scene {
  readonly teller: StoryTeller;
  readonly api: ApiSession;
  readonly stack: LocalStack;
  readonly home: KubeSession;
  readonly away: KubeSession;
  readonly homeId: string;
  readonly awayId: string;
}

/** Plays the whole story. */
async function play(scene: Scene): Promise<void> {
  const { teller } = scene;
  await prepare(scene);
  const application = await deploy(scene);
  const before = await application.read();
  const bytes = await fillVolumes(homeVolumes(scene), before);
  teller.say(`  ${bytes.size} volumes hold data`);
  await backUp(scene);
  await disaster(scene, application.created);
  await restoreAtHome(scene, before, bytes);
  await restoreBeside(scene, bytes);
  await restoreAway(scene, before, bytes);
}

async function prepare({ teller, api, stack, homeId, awayId }: Scene): Promise<void> {
  teller.chapter('1. A vault and two clusters');
  const { accessKeyId, accessKeySecret, endpoints, region } = stack.description;
  const settings = { accessKeyId, accessKeySecret, endpoint: endpoints.oss, sldEnable: true };
  const oss = new OSS(settings);
  await oss.putBucket(BUCKET);
  const vault = await api.call('POST', '/v1/vaults', {
    name: 'shop-vault',
    bucketRegion: region,
    bucketName: BUCKET,
    bucketSubdirectory: 'prod',
    visibility: 'shared',
  });
  teller.check(
    `vault shop-vault in bucket ${BUCKET} is Available`,
    vault.phase === 'Available',
    String(vault.message),
  );
  for (const id of [homeId, awayId]) {
    const cluster = await api.call('POST', '/v1/clusters', { id });
    teller.check(
      `cluster ${id} is registered: Kubernetes ${String(cluster.kubernetesVersion)}, ${String(cluster.kinds)} kinds`,
      cluster.unreachable === undefined,
      String(cluster.unreachable),
    );
  }
}

async function deploy({
  teller,
  stack,
  home,
}: Scene): Promise<{ created: Manifest[]; read: () => Promise<Map<string, Manifest>> }> {
  teller.chapter('2. A shop is deployed, and edited by hand');
  const created = await home.create(readFileSync(SAMPLE, 'utf8'));
  await stack.idle();
  const edit = {
    metadata: { annotations: { note: 'scaled by hand on Friday' } },
    spec: { replicas: 4 },
  };
  await home.call(
    'PATCH',
    '/apis/apps/v1/namespaces/shop/deployments/web',
    edit,
    'application/merge-patch+json',
  );
  await stack.idle();
  const read = async (): Promise<Map<string, Manifest>> => {
    const all = await home.readAll();
    const mine = new Set(created.map((o) => `${o.kind} ${o.metadata.name}`));
    return new Map(
      [...all].filter(
        ([, o]) =>
          NAMESPACES.includes(o.metadata.namespace ?? '') ||
          mine.has(`${o.kind} ${o.metadata.name}`),
      ),
    );
  };
  const all = await read();
  const pods = [...all.values()].filter((o) => o.kind === 'Pod');
  teller.say(
    `  ${created.length} objects applied, ${all.size} in the cluster, ${pods.length} pods`,
  );
  return { created, read };
}

async function backUp({ teller, api, homeId }: Scene): Promise<void> {
  teller.chapter('3. Backup now');
  const backups = `/v1/clusters/${homeId}/backups`;
  await api.call('POST', backups, {
    name: 'friday',
    vault: 'shop-vault',
    namespaces: NAMESPACES,
    volumeBackup: true,
    retentionDays: 30,
  });
  const record = await api.finished(`${backups}/friday`, teller.progress);
  teller.check('the backup is Completed', record.phase === 'Completed', explain(record));
  const { objectsDone, bytesDone } = record.progress as Record<string, number>;
  teller.say(`  ${objectsDone} objects, ${bytesDone} bytes of YAML in the vault`);
  await api.call('POST', `${backups}/friday/verify`);
  const verified = await verification(api, `${backups}/friday`);
  teller.check(
    'read back from OSS, every hash is right',
    verified.ok === true,
    JSON.stringify(verified),
  );
}

async function verification(api: ApiSession, path: string): Promise<ApiReply> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const { verification } = await api.call('GET', path);
    if (typeof verification === 'object' && verification !== null) return verification as ApiReply;
    if (Date.now() > deadline) throw new Error(`${path} is not verified after two minutes`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function disaster({ teller, home }: Scene, created: readonly Manifest[]): Promise<void> {
  teller.chapter('4. Disaster: somebody deletes the shop');
  const clusterScoped = created.filter((o) => o.metadata.namespace === undefined);
  await home.wipe(NAMESPACES, clusterScoped);
  const left = [...(await home.readAll()).values()].filter((o) =>
    NAMESPACES.includes(o.metadata.namespace ?? ''),
  );
  teller.check('nothing of the shop is left', left.length === 0, `${left.length} objects`);
}

function homeVolumes({ stack, homeId }: Scene): VolumePlace {
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

async function restoreAtHome(
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
  const touched = [...before].filter(([key, o]) => {
    const now = after.get(key);
    return isUsersObject(o, before) && now?.metadata.resourceVersion !== o.metadata.resourceVersion;
  });
  teller.check(
    'and touches nothing, down to resource versions',
    touched.length === 0,
    touched.map(([k]) => k).join('; '),
  );
}

/** A copy in other namespaces of the same cluster; the original is not touched. */
async function restoreBeside(scene: Scene, bytes: ReadonlyMap<string, string>): Promise<void> {
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

async function restoreAway(
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

function explain(record: ApiReply): string {
  const { phase, message, errors } = record;
  return JSON.stringify({ phase, message, errors });
}

const { values } = parseArgs({
  options: {
    exit: { type: 'boolean', default: false },
    real: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const stateDir = mkdtempSync(join(tmpdir(), 'backup-centre-story-'));
const startedAt = Date.now();
const teller = new StoryTeller(process.stdout);
teller.say('Starting the centre: emulators, functions and two clusters');
const stack = await startStack({
  stateDir,
  clusters: 2,
  real: values.real,
  kubeconfigs: {},
  log: (line) => {
    if (values.verbose) process.stderr.write(`${line}\n`);
  },
});
const [homeCluster, awayCluster] = stack.description.clusters;
if (homeCluster === undefined || awayCluster === undefined)
  throw new Error('The story needs two clusters');
const home = new KubeSession(homeCluster.kubeconfig);
const away = new KubeSession(awayCluster.kubeconfig);
const api = new ApiSession(stack.description);

let ending = false;
/** Closes everything once; a signal may come while it does. */
async function end(status: number): Promise<void> {
  if (ending) return;
  ending = true;
  await home.close();
  await away.close();
  await stack.close();
  rmSync(stateDir, { recursive: true, force: true });
  process.exit(status);
}

let played = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void end(played ? 0 : 1));
}
try {
  await play({ teller, api, stack, home, away, homeId: homeCluster.id, awayId: awayCluster.id });
} catch (error) {
  teller.check(
    'the story went on to its end',
    false,
    error instanceof Error ? error.message : String(error),
  );
}
const held = teller.summary((Date.now() - startedAt) / 1000);
if (values.exit) await end(held ? 0 : 1);
played = true;
teller.say(`\nThe stack stays up until Ctrl-C. Try it:
  curl -H 'Authorization: Bearer ${stack.description.token}' ${stack.description.api}/v1/vaults/shop-vault/backups`);
