/**
 * Can this cluster be backed up and restored into? One row per thing that must hold, each with what
 * was found, what is needed and what to do. Changes nothing but the phases of the vaults that it
 * probes. A row that cannot be asked says why, and hides no other.
 */
import type { Discovery } from '../domain/api-resource.ts';
import { type Cluster, isSupportedVersion, PUBLIC_NETWORK } from '../domain/cluster.ts';
import { BackupCentreError } from '../domain/errors.ts';
import { PRECHECKS, type PrecheckItem } from '../domain/precheck-item.ts';
import { maySeeVault, type Principal } from '../domain/principal.ts';
import { remedyOf } from '../domain/remedy.ts';
import type { Vault } from '../domain/vault.ts';
import type { ClusterClient } from '../ports/cluster-client.ts';
import type { StoredRow } from '../ports/record-store.ts';
import type { AppServices } from './app-services.ts';
import { bindingsOf } from './bind-vault.ts';
import { checkCloud } from './precheck-cloud.ts';
import { checkRights, unaskedRights } from './precheck-rights.ts';
import { type Answer, askRow, inTime } from './precheck-row.ts';
import { checkStorage } from './precheck-storage.ts';
import { probeVault } from './probe-vault.ts';
import { findCluster } from './register-cluster.ts';
import { ResourceIndex } from './resource-index.ts';
import { livingVaults } from './vault-catalogue.ts';

/** An API server that does not answer within this counts as unreachable, ms; callers wait for it. */
const ANSWER_MS_MAX = 8_000;
/** Vaults may lie in far regions, and a probe asks several questions in a row, ms. */
const PROBES_MS_MAX = 10_000;
/** Vaults probed at most. */
const VAULTS_MAX = 20;

/** The rows of a cluster. @throws NotFoundError the cluster is not registered */
export async function precheckCluster(
  services: AppServices,
  principal: Principal,
  clusterId: string,
): Promise<readonly PrecheckItem[]> {
  const { value: cluster } = await findCluster(services, principal, clusterId);
  const [ofCluster, ofVaults, ofCloud] = await Promise.all([
    checkCluster(services, cluster),
    checkVaults(services, principal, cluster),
    checkCloud(services, cluster),
  ]);
  const rows = [...ofCluster, ofVaults, ...ofCloud];
  return rows.sort((a, b) => PRECHECKS.indexOf(a.check) - PRECHECKS.indexOf(b.check));
}

async function checkCluster(
  services: AppServices,
  cluster: Cluster,
): Promise<readonly PrecheckItem[]> {
  const reached = await reach(services, cluster);
  if (reached instanceof BackupCentreError) {
    return await withoutServer(services, cluster, cluster.kubernetesVersion, reached);
  }
  const { client, version } = reached;
  try {
    const discovery = await discover(services, cluster, client);
    if (discovery instanceof BackupCentreError) {
      return await withoutServer(services, cluster, version, discovery);
    }
    const served = { client, index: new ResourceIndex(discovery) };
    const [storage, rights] = await Promise.all([
      checkStorage(services, cluster, served),
      checkRights(services.clock, client, discovery.resources),
    ]);
    return [
      {
        check: 'api_reachable',
        ok: true,
        found: `the API server answers, Kubernetes ${version}`,
        needed: 'an API server that answers',
        remedy: '',
      },
      versionRow(version),
      ...storage,
      ...rights,
    ];
  } finally {
    await client.close();
  }
}

/** The rows of a cluster whose API server does not answer. */
async function withoutServer(
  services: AppServices,
  cluster: Cluster,
  version: string,
  why: BackupCentreError,
): Promise<readonly PrecheckItem[]> {
  return [
    unreachable(cluster, why),
    versionRow(version),
    ...(await checkStorage(services, cluster, undefined)),
    ...unaskedRights(),
  ];
}

/** What is served, or why that cannot be told. */
async function discover(
  services: AppServices,
  cluster: Cluster,
  client: ClusterClient,
): Promise<Discovery | BackupCentreError> {
  try {
    return await inTime<Discovery | BackupCentreError>(
      services.clock,
      ANSWER_MS_MAX,
      client.discover(),
      () => silence(cluster),
    );
  } catch (error) {
    if (error instanceof BackupCentreError) return error;
    throw error;
  }
}

function silence(cluster: Cluster): BackupCentreError {
  return new BackupCentreError(
    'cluster_unreachable',
    `Cannot reach cluster ${cluster.id}: no answer within ${ANSWER_MS_MAX / 1000} s`,
  );
}

/** A client to an API server that has answered, or why there is none. */
async function reach(
  services: AppServices,
  cluster: Cluster,
): Promise<{ readonly client: ClusterClient; readonly version: string } | BackupCentreError> {
  const answer = connect(services, cluster);
  const first = await inTime(services.clock, ANSWER_MS_MAX, answer, () => silence(cluster));
  if (first instanceof BackupCentreError && first.code === 'cluster_unreachable') {
    // A client that comes too late has nobody else to close it, and its errors have no reader.
    void answer.then(
      async (result) => {
        if (!(result instanceof BackupCentreError)) await result.client.close();
      },
      () => undefined,
    );
  }
  return first;
}

async function connect(
  services: AppServices,
  cluster: Cluster,
): Promise<{ readonly client: ClusterClient; readonly version: string } | BackupCentreError> {
  let client: ClusterClient | undefined;
  try {
    client = await services.directory.connect(cluster);
    return { client, version: (await client.version()).replace(/^v/, '') };
  } catch (error) {
    await client?.close();
    if (error instanceof BackupCentreError) return error;
    throw error;
  }
}

function unreachable(cluster: Cluster, error: BackupCentreError): PrecheckItem {
  const network =
    cluster.network === PUBLIC_NETWORK
      ? ''
      : `; this was tried from the API function, runs use network ${cluster.network}`;
  return {
    check: 'api_reachable',
    ok: false,
    found: `${error.message}${network}`,
    needed: 'an API server that answers',
    remedy: remedyOf(error.code) ?? '',
  };
}

function versionRow(version: string): PrecheckItem {
  const ok = isSupportedVersion(version);
  return {
    check: 'kubernetes_version',
    ok,
    found: version === '' ? 'unknown' : version,
    needed: '1.16 or later',
    remedy: ok ? '' : (remedyOf('cluster_version_unsupported') ?? ''),
  };
}

/** The vaults that the cluster uses; before it uses one, those that the caller sees. */
async function checkVaults(
  services: AppServices,
  principal: Principal,
  cluster: Cluster,
): Promise<PrecheckItem> {
  return await askRow(services.clock, {
    check: 'oss_access',
    needed: 'a vault whose bucket can be written, read and deleted from',
    answerMsMax: PROBES_MS_MAX,
    ask: async () => {
      const rows = (await vaultsOf(services, principal, cluster)).slice(0, VAULTS_MAX);
      return vaultsAnswer(await Promise.all(rows.map((row) => probeVault(services, row))));
    },
    remedyOf: ({ code }) => remedyOf(code) ?? remedyOf('bucket_unavailable') ?? '',
  });
}

function vaultsAnswer(vaults: readonly Vault[]): Answer {
  if (vaults.length === 0) {
    return { found: 'there is no vault', remedy: 'Create a vault with POST /v1/vaults' };
  }
  const found = vaults
    .map(
      ({ spec, phase, message }) =>
        `${spec.name} (bucket ${spec.bucketName}): ${phase}` +
        (message === undefined ? '' : `, ${message}`),
    )
    .join('; ');
  if (vaults.every((vault) => vault.phase === 'Available')) return { found };
  return { found, remedy: remedyOf('bucket_unavailable') ?? '' };
}

async function vaultsOf(
  services: AppServices,
  principal: Principal,
  cluster: Cluster,
): Promise<readonly StoredRow<Vault>[]> {
  const living = (await livingVaults(services.records, services.accountId)).filter((row) =>
    maySeeVault(row.value, principal),
  );
  const bound = new Set((await bindingsOf(services.records, cluster.id)).map((b) => b.identity));
  const used = living.filter((row) => bound.has(row.value.identity));
  return used.length > 0 ? used : living;
}
