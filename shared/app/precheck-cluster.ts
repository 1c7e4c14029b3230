/**
 * Can this cluster be backed up and restored into? One row per thing that must hold, each with what was
 * found, what is needed and what to do. Changes nothing but the phases of the vaults that it probes.
 */
import { type ApiResource, groupResource } from '../domain/api-resource.ts';
import { type Cluster, isSupportedVersion, PUBLIC_NETWORK } from '../domain/cluster.ts';
import { BackupCentreError } from '../domain/errors.ts';
import { maySeeVault, type Principal } from '../domain/principal.ts';
import { remedyOf } from '../domain/remedy.ts';
import type { Vault } from '../domain/vault.ts';
import type { ClusterClient } from '../ports/cluster-client.ts';
import type { StoredRow } from '../ports/record-store.ts';
import type { AppServices } from './app-services.ts';
import { bindingsOf } from './bind-vault.ts';
import { probeVault } from './probe-vault.ts';
import { findCluster } from './register-cluster.ts';
import { livingVaults } from './vault-catalogue.ts';

/** One row: `remedy` is empty where the row is fine. */
export interface PrecheckItem {
  readonly check:
    | 'api_reachable'
    | 'kubernetes_version'
    | 'rbac_read'
    | 'rbac_create'
    | 'oss_access';
  readonly ok: boolean;
  readonly found: string;
  readonly needed: string;
  readonly remedy: string;
}

/** An API server that does not answer within this counts as unreachable, ms; callers wait for it. */
const ANSWER_MS_MAX = 20_000;
/** Questions about rights at once. */
const REVIEWS_AT_ONCE = 8;
/** Missing rights named in a row; further ones are counted. */
const NAMED_MAX = 20;
/** Vaults probed at most. */
const VAULTS_MAX = 20;

/** A row about rights: which verbs it asks for. */
interface Rights {
  readonly check: 'rbac_read' | 'rbac_create';
  readonly verbs: readonly string[];
  readonly purpose: string;
}

const RIGHTS: readonly Rights[] = [
  { check: 'rbac_read', verbs: ['list', 'get'], purpose: 'to back them up' },
  { check: 'rbac_create', verbs: ['create'], purpose: 'to restore them' },
];

/** The rows of a cluster. @throws NotFoundError the cluster is not registered */
export async function precheckCluster(
  services: AppServices,
  principal: Principal,
  clusterId: string,
): Promise<readonly PrecheckItem[]> {
  const { value: cluster } = await findCluster(services, principal, clusterId);
  const [ofCluster, ofVaults] = await Promise.all([
    checkCluster(services, cluster),
    checkVaults(services, principal, cluster),
  ]);
  return [...ofCluster, ofVaults];
}

async function checkCluster(
  services: AppServices,
  cluster: Cluster,
): Promise<readonly PrecheckItem[]> {
  const reached = await reach(services, cluster);
  if (reached instanceof BackupCentreError) {
    return [
      unreachable(cluster, reached),
      versionRow(cluster.kubernetesVersion),
      ...RIGHTS.map((rights) => notAsked(rights)),
    ];
  }
  const { client, version } = reached;
  try {
    const { resources } = await client.discover();
    return [
      {
        check: 'api_reachable',
        ok: true,
        found: `the API server answers, Kubernetes ${version}`,
        needed: 'an API server that answers',
        remedy: '',
      },
      versionRow(version),
      ...(await Promise.all(RIGHTS.map((rights) => checkRights(client, resources, rights)))),
    ];
  } catch (error) {
    if (!(error instanceof BackupCentreError)) throw error;
    return [
      unreachable(cluster, error),
      versionRow(version),
      ...RIGHTS.map((rights) => notAsked(rights)),
    ];
  } finally {
    await client.close();
  }
}

/** A client to an API server that has answered, or why there is none. */
async function reach(
  services: AppServices,
  cluster: Cluster,
): Promise<{ readonly client: ClusterClient; readonly version: string } | BackupCentreError> {
  const over = new AbortController();
  const late = services.clock.sleep(ANSWER_MS_MAX, over.signal).then(
    () =>
      new BackupCentreError(
        'cluster_unreachable',
        `Cannot reach cluster ${cluster.id}: no answer within ${ANSWER_MS_MAX / 1000} s`,
      ),
    // The answer came first; nobody waits for this.
    () => new BackupCentreError('cancelled', 'The wait for an answer is over'),
  );
  const answer = connect(services, cluster);
  const first = await Promise.race([answer, late]);
  over.abort(new Error('Answered'));
  if (first instanceof BackupCentreError && first.code === 'cluster_unreachable') {
    // A client that comes too late has nobody else to close it.
    void answer.then((result) => {
      if (!(result instanceof BackupCentreError)) void result.client.close();
    });
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

function neededRights({ verbs, purpose }: Rights): string {
  return `${verbs.join(' and ')} on every kind, ${purpose}`;
}

function notAsked(rights: Rights): PrecheckItem {
  return {
    check: rights.check,
    ok: false,
    found: 'not known: the API server does not answer',
    needed: neededRights(rights),
    remedy: remedyOf('cluster_unreachable') ?? '',
  };
}

/** One question where everything is allowed, else one per kind and verb. */
async function checkRights(
  client: ClusterClient,
  resources: readonly ApiResource[],
  rights: Rights,
): Promise<PrecheckItem> {
  const missing = await missingRights(client, resources, rights.verbs);
  const named = missing.slice(0, NAMED_MAX).join(', ');
  const more = missing.length > NAMED_MAX ? ` and ${missing.length - NAMED_MAX} more` : '';
  const ok = missing.length === 0;
  return {
    check: rights.check,
    ok,
    found: ok ? 'allowed' : `not allowed: ${named}${more}`,
    needed: neededRights(rights),
    remedy: ok ? '' : (remedyOf('cluster_access_denied') ?? ''),
  };
}

/** `list secrets`, `get widgets.example.com`, sorted. */
async function missingRights(
  client: ClusterClient,
  resources: readonly ApiResource[],
  verbs: readonly string[],
): Promise<readonly string[]> {
  const whole = await Promise.all(verbs.map((verb) => client.mayI(verb, '*', '*')));
  if (whole.every(Boolean)) return [];
  const questions = resources
    .filter((r) => r.preferred && !r.resource.includes('/'))
    .flatMap((resource) =>
      verbs.filter((verb) => resource.verbs.includes(verb)).map((verb) => ({ verb, resource })),
    );
  const missing: string[] = [];
  const rest = questions.values();
  const ask = async (): Promise<void> => {
    for (const { verb, resource } of rest) {
      if (await client.mayI(verb, resource.group, resource.resource)) continue;
      missing.push(`${verb} ${groupResource(resource)}`);
    }
  };
  await Promise.all(Array.from({ length: REVIEWS_AT_ONCE }, ask));
  return missing.sort();
}

/** The vaults that the cluster uses; before it uses one, those that the caller sees. */
async function checkVaults(
  services: AppServices,
  principal: Principal,
  cluster: Cluster,
): Promise<PrecheckItem> {
  const rows = await vaultsOf(services, principal, cluster);
  const probed = await Promise.all(
    rows.slice(0, VAULTS_MAX).map((row) => probeVault(services, row)),
  );
  const bad = probed.filter((v) => v.phase !== 'Available');
  const ok = probed.length > 0 && bad.length === 0;
  const found = probed.map(
    ({ spec, phase, message }) =>
      `${spec.name} (bucket ${spec.bucketName}): ${phase}${message === undefined ? '' : `, ${message}`}`,
  );
  return {
    check: 'oss_access',
    ok,
    found: found.length === 0 ? 'there is no vault' : found.join('; '),
    needed: 'a vault whose bucket can be written, read and deleted from',
    remedy: ok
      ? ''
      : probed.length === 0
        ? 'Create a vault with POST /v1/vaults'
        : (remedyOf('bucket_unavailable') ?? ''),
  };
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
