/**
 * First step: what is there to take? Kubernetes' version, the namespaces that the spec means, the kinds
 * that are served. Running it twice is safe: it only reads, and sets the record's fields as a whole.
 */
import type { ApiResource, Discovery } from '../../../domain/api-resource.ts';
import { groupResource } from '../../../domain/api-resource.ts';
import type { BackupRecord, BackupSpec } from '../../../domain/backup-record.ts';
import { isSupportedVersion } from '../../../domain/cluster.ts';
import { BackupCentreError } from '../../../domain/errors.ts';
import type { CoverageGap, Finding } from '../../../domain/finding.ts';
import { isJsonObject, type Json } from '../../../domain/json.ts';
import { isProtectedNamespace } from '../../../domain/protected-namespaces.ts';
import { type KindPlan, type KindRole, planKinds } from '../../../domain/selection.ts';
import { scanObject } from '../../../format/object-scan.ts';
import type { ClusterClient } from '../../../ports/cluster-client.ts';
import { type BackupServices, connectCluster } from '../../backup-services.ts';
import { RunJournal } from '../../run-journal.ts';
import type { Step, StepContext } from '../../step.ts';
import { feedLists } from './list-feed.ts';
import { withFindings } from './record-findings.ts';

/** Name of the step; its result is under it. */
const RESOLVE_STEP = 'resolve';

/** What later steps are told. */
export interface Resolved {
  readonly kubernetesVersion: string;
  readonly kinds: readonly KindPlan[];
  /** Whether every unprotected namespace was chosen. */
  readonly whole: boolean;
  /** Groups that discovery could not reach. */
  readonly gaps: readonly CoverageGap[];
}

/** The step. */
export function resolveStep(services: BackupServices): Step<BackupRecord> {
  return {
    name: RESOLVE_STEP,
    run: async (context) => {
      const { spec, cluster } = context.record();
      const journal = RunJournal.resume(context, services.clock);
      journal.log('info', `Backup ${spec.name} of cluster ${cluster} begins`);
      const client = await connectCluster(services, context.record());
      const version = await supportedVersion(client, cluster);
      const discovery = await client.discover();
      const namespaces = await resolveNamespaces(services, client, discovery, spec);
      const kinds = planKinds(spec, discovery.resources);
      const gaps = discoveryGaps(discovery, spec.resources);
      const warnings = [...namespaces.missing.map(missingNamespace), ...unserved(spec, discovery)];
      for (const gap of gaps) journal.log('warning', `Group ${gap.group}: ${gap.reason}`);
      for (const warning of warnings) journal.find('warning', warning);
      if (namespaces.chosen.length === 0) {
        await journal.flush();
        throw noNamespaces(spec);
      }
      journal.log('info', `${namespaces.chosen.length} namespaces, ${kinds.length} kinds`);
      await context.updateRecord((record) => ({
        ...withFindings(record, RESOLVE_STEP, { warnings }),
        phase: record.phase === 'New' ? 'InProgress' : record.phase,
        startedAtMs: record.startedAtMs ?? services.clock.now(),
        namespacesResolved: namespaces.chosen,
        coverageGaps: gaps,
      }));
      const result: Json = {
        kubernetesVersion: version,
        kinds: kinds.map(kindRow),
        whole: !isExclusion(spec) && spec.namespaces.includes('*'),
        gaps: gaps.map((gap) => ({ ...gap })),
        journal: { ...(await journal.flush()) },
      };
      return { kind: 'done', result };
    },
  };
}

/** The result of the step. */
export function resolvedOf(context: StepContext<BackupRecord>): Resolved {
  const result = context.results[RESOLVE_STEP];
  if (!isJsonObject(result) || !Array.isArray(result.kinds) || !Array.isArray(result.gaps)) {
    throw new BackupCentreError('internal', `Run ${context.run.id} has no result of resolve`);
  }
  return {
    kubernetesVersion: String(result.kubernetesVersion),
    kinds: (result.kinds as KindRow[]).map(kindPlan),
    whole: result.whole === true,
    gaps: result.gaps as CoverageGap[],
  };
}

async function supportedVersion(client: ClusterClient, cluster: string): Promise<string> {
  const version = await client.version();
  if (isSupportedVersion(version)) return version;
  throw new BackupCentreError(
    'cluster_version_unsupported',
    `Cannot back up cluster ${cluster}: it runs Kubernetes ${version}, 1.16 or later is needed`,
    { details: { found: version, needed: '1.16' } },
  );
}

type NamespaceWish = Pick<BackupSpec, 'namespaces' | 'namespaceSelection'>;

function isExclusion({ namespaceSelection }: NamespaceWish): boolean {
  return namespaceSelection === 'exclude';
}

interface Namespaces {
  readonly chosen: readonly string[];
  readonly missing: readonly string[];
}

async function resolveNamespaces(
  services: BackupServices,
  client: ClusterClient,
  discovery: Discovery,
  spec: NamespaceWish,
): Promise<Namespaces> {
  const wanted = spec.namespaces;
  const resource = discovery.resources.find((r) => groupResource(r) === 'namespaces');
  const living = resource === undefined ? [] : await livingNamespaces(services, client, resource);
  if (isExclusion(spec)) {
    // What was made since the plan was, is taken too.
    return { chosen: living.filter((name) => !wanted.includes(name)), missing: [] };
  }
  if (wanted.includes('*')) return { chosen: living, missing: [] };
  const found = new Set(living);
  return {
    chosen: [...new Set(wanted)].filter((name) => found.has(name)).sort(),
    missing: wanted.filter((name) => !found.has(name)),
  };
}

/** Unprotected namespaces that are not being deleted, sorted. */
async function livingNamespaces(
  services: BackupServices,
  client: ClusterClient,
  resource: ApiResource,
): Promise<readonly string[]> {
  const names = new Set<string>();
  const { clock } = services;
  for await (const event of feedLists({
    client,
    clock,
    tasks: [{ resource }],
    from: { task: 0 },
  })) {
    if (event.kind === 'gap') {
      throw new BackupCentreError(
        'cluster_access_denied',
        `Cannot list namespaces: ${event.reason}`,
      );
    }
    if (event.kind !== 'page') continue;
    for (const item of event.page.items) {
      const metadata = scanObject(item)?.metadata;
      const name = metadata?.name;
      if (typeof name !== 'string' || metadata?.deletionTimestamp !== undefined) continue;
      if (!isProtectedNamespace(name)) names.add(name);
    }
  }
  return [...names].sort();
}

function noNamespaces(spec: NamespaceWish): BackupCentreError {
  const names = spec.namespaces.join(', ');
  return new BackupCentreError(
    'no_namespaces',
    isExclusion(spec)
      ? `Cannot back up all namespaces but ${names}: get target namespace failed, there is no other`
      : `Cannot back up namespaces ${names}: get target namespace failed, none of them exists`,
  );
}

function missingNamespace(name: string): Finding {
  return {
    code: 'not_found',
    object: { apiVersion: 'v1', resource: 'namespaces', kind: 'Namespace', name },
    step: RESOLVE_STEP,
    message: `Cannot back up namespace ${name}: it does not exist or is being deleted`,
  };
}

/** Groups that could not be discovered, where the spec may mean a kind of theirs. */
function discoveryGaps(
  discovery: Discovery,
  resources: readonly string[] | undefined,
): readonly CoverageGap[] {
  const mayMatter = (group: string) =>
    resources === undefined || resources.some((r) => r.slice(r.indexOf('.') + 1) === group);
  return discovery.failures
    .filter((f) => mayMatter(f.group))
    .map(({ group, reason }) => ({ group, reason }));
}

/** Kinds that were served when the backup was asked for and are not now. */
function unserved(
  spec: { readonly resources?: readonly string[] },
  discovery: Discovery,
): readonly Finding[] {
  const served = new Set(discovery.resources.map(groupResource));
  return (spec.resources ?? [])
    .filter((name) => !served.has(name))
    .map((name) => ({
      code: 'unknown_resource',
      step: RESOLVE_STEP,
      message: `Cannot back up ${name}: the cluster does not serve it any more`,
    }));
}

/** A kind as the run's row keeps it: group, version, resource, kind, namespaced, role. */
type KindRow = readonly [string, string, string, string, boolean, KindRole];

function kindRow({ resource: r, role }: KindPlan): KindRow {
  return [r.group, r.version, r.resource, r.kind, r.namespaced, role];
}

function kindPlan([group, version, resource, kind, namespaced, role]: KindRow): KindPlan {
  const rest = { singular: '', shortNames: [], verbs: [], preferred: true };
  return { resource: { group, version, resource, kind, namespaced, ...rest }, role };
}
