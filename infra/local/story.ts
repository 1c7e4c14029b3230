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
import { startStack } from './start-stack.ts';
import {
  deleteBackup,
  homeVolumes,
  nothingLeft,
  restoreAtHome,
  restoreAway,
  restoreBeside,
} from './story-restores.ts';
import { explain, NAMESPACES, type Scene } from './story-scene.ts';
import { type ApiReply, ApiSession, StoryTeller } from './story-steps.ts';
import { fillVolumes } from './volume-bytes.ts';

const BUCKET = 'cnfs-oss-shop-backups';
/** A shop comes up within seconds; a laptop under load takes longer, ms. */
const LIVING_MS_MAX = 120_000;
const SAMPLE = new URL('../../infra/local/sample-application.yaml', import.meta.url);

/** Plays the whole story. */
async function play(scene: Scene): Promise<void> {
  const { teller } = scene;
  const oss = await prepare(scene);
  const application = await deploy(scene);
  const before = await application.read();
  const bytes = await fillVolumes(homeVolumes(scene), before);
  teller.say(`  ${bytes.size} volumes hold data`);
  await backUp(scene);
  await disaster(scene, application.created);
  await restoreAtHome(scene, before, bytes);
  await restoreBeside(scene, bytes);
  await restoreAway(scene, before, bytes);
  await nothingLeft(scene, bytes);
  await deleteBackup(scene, async () => {
    const query = { prefix: 'prod/backups/friday/', 'max-keys': '100' };
    oss.useBucket(BUCKET);
    const { objects } = await oss.listV2(query, {});
    return (objects ?? []).map(({ name }) => name);
  });
}

/** The vault and the clusters; returns how to look into the vault's bucket. */
async function prepare({ teller, api, stack, homeId, awayId }: Scene): Promise<OSS> {
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
  return oss;
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
  await untilLiving({ stack, home });
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

/**
 * Waits until every workload has its replicas and every disk hangs on a node: a backup takes no data
 * of a disk that was never attached.
 */
async function untilLiving({ stack, home }: Pick<Scene, 'stack' | 'home'>): Promise<void> {
  const deadline = Date.now() + LIVING_MS_MAX;
  for (;;) {
    await stack.idle();
    const behind = [...(await home.readAll())].filter(([, o]) => lacksReplicas(o));
    const loose = stack.storage.ecs.disks().filter(({ status }) => status !== 'In_use');
    if (behind.length === 0 && loose.length === 0) return;
    const missing = [...behind.map(([key]) => key), ...loose.map(({ diskId }) => diskId)].join(
      '; ',
    );
    if (Date.now() > deadline) throw new Error(`The shop does not come to life: ${missing}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function lacksReplicas({ kind, spec, status }: Manifest): boolean {
  if (kind !== 'Deployment' && kind !== 'StatefulSet') return false;
  const { replicas = 1 } = spec as { replicas?: number };
  const { readyReplicas = 0 } = (status ?? {}) as { readyReplicas?: number };
  return readyReplicas !== replicas;
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
  curl -H 'Authorization: Bearer ${stack.description.token}' ${stack.description.api}/v1/clusters/${homeCluster.id}/restores`);
