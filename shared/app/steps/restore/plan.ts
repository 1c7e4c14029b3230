/**
 * Second step: which objects are created and in what order, and why the others are not. The backup's
 * bodies are read once, here, for what the catalogue does not hold; memory is a few words per object.
 * Running it twice is safe: nothing but the run's own chunks is written, the same ones again.
 */
import { BackupCentreError } from '../../../domain/errors.ts';
import { objectAt } from '../../../domain/json.ts';
import type { OwnerReference } from '../../../domain/kube-object.ts';
import { mappedNamespace } from '../../../domain/namespace-mapping.ts';
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import { readArchivedObjects } from '../../../format/archive-reader.ts';
import { parseExact } from '../../../format/exact-json.ts';
import { formatRestoreItems, type RestoreItemLine } from '../../../format/restore-items.ts';
import type { ClusterClient } from '../../../ports/cluster-client.ts';
import { connectCluster } from '../../backup-services.ts';
import { ResourceIndex } from '../../resource-index.ts';
import {
  openBundle,
  type RestoreServices,
  targetCluster,
  usableBackup,
} from '../../restore-services.ts';
import { RunJournal } from '../../run-journal.ts';
import type { RunScratch } from '../../run-scratch.ts';
import type { Step, StepContext } from '../../step.ts';
import { withFindings } from '../backup/record-findings.ts';
import { writeLandingPlans } from './landing-plan.ts';
import { factsOf } from './plan-facts.ts';
import {
  type OmittedObject,
  PlanObjects,
  plannedDefinitions,
  type TargetFacts,
} from './plan-objects.ts';
import { fatalError, type PlannedVolumes, planVolumes } from './plan-volumes.ts';
import { PLAN_STEP, writePlan } from './restore-plan.ts';
import { withRows } from './restored-rows.ts';
import { writeVolumePlans } from './volume-plan.ts';

/** Items in one chunk. */
const CHUNK_ITEMS = 1_000;

/** Look-ups in the target at once. */
const LOOK_UPS_AT_ONCE = 8;

/** The step. */
export function planStep(services: RestoreServices): Step<RestoreRecord> {
  return {
    name: PLAN_STEP,
    run: async (context) => {
      const record = context.record();
      const journal = RunJournal.resume(context, services.clock);
      const objects = await readObjects(services, record);
      objects.choose();
      const client = await connectCluster(services, record);
      const target = await lookUp(client, objects, record);
      const volumes = await planData(services, context, { client, objects, target });
      reportVolumes(journal, record, volumes);
      const { entries, omitted } = objects.decide(target, volumes.volumesOut);
      const chunks = await writePlan(context.scratch, entries);
      const itemChunks = await writeOmitted(context.scratch, record, omitted);
      const bareNamespaces = objects.bareNamespaces(entries);
      const total = entries.length + bareNamespaces.length;
      journal.log('info', `Plan: ${total} objects to create, ${omitted.length} left out`);
      await context.updateRecord((r) => ({
        ...withRows(r, volumes.rows),
        counts: { created: 0, skipped: 0, failed: 0, omitted: omitted.length },
        progress: { ...withRows(r, volumes.rows).progress, objectsTotal: total, objectsDone: 0 },
      }));
      const result = {
        entries: entries.length,
        chunks,
        itemChunks,
        omitted: omitted.length,
        bareNamespaces,
        definitions: plannedDefinitions(entries),
        volumes: await writeVolumePlans(context.scratch, volumes.plans),
        landings: await writeLandingPlans(context.scratch, volumes.landings),
        attached: volumes.attached,
        journal: { ...(await journal.flush()) },
      };
      return { kind: 'done', result };
    },
  };
}

async function readObjects(services: RestoreServices, record: RestoreRecord): Promise<PlanObjects> {
  const { catalog, archive } = await openBundle(services, record);
  const { spec } = record;
  const objects = new PlanObjects(spec);
  for await (const line of catalog.lines()) objects.add(line);
  const relations = objects.relationsMatter;
  const wanted = {
    relations,
    volumes: spec.volumes === 'restore',
    ...(spec.labelSelector === undefined ? {} : { labelSelector: spec.labelSelector }),
  };
  for await (const { line, bytes } of readArchivedObjects(archive, objects.toRead())) {
    objects.learn(line, factsOf(line, bytes, wanted));
  }
  return objects;
}

/**
 * The volumes whose data comes back, decided while nothing has been created.
 * @throws BackupCentreError what cannot be restored as asked for; a dry run lists it instead
 */
async function planData(
  services: RestoreServices,
  context: StepContext<RestoreRecord>,
  found: {
    readonly client: ClusterClient;
    readonly objects: PlanObjects;
    readonly target: TargetFacts;
  },
): Promise<PlannedVolumes> {
  const record = context.record();
  if (record.spec.volumes === 'none') return NO_VOLUMES;
  const cluster = await targetCluster(services, record);
  const rows = (await usableBackup(services, record)).volumes;
  const planned = await planVolumes({ services, record, cluster, rows, ...found });
  const errors = planned.errors.map((finding) => ({ ...finding, step: PLAN_STEP }));
  const warnings = planned.warnings.map((finding) => ({ ...finding, step: PLAN_STEP }));
  await context.updateRecord((r) => withFindings(r, PLAN_STEP, { errors, warnings }));
  const fatal = record.spec.dryRun ? undefined : fatalError(planned.errors);
  if (fatal !== undefined) throw fatal;
  return planned;
}

const NO_VOLUMES: PlannedVolumes = {
  plans: [],
  landings: [],
  rows: [],
  volumesOut: new Map(),
  attached: {},
  errors: [],
  warnings: [],
};

function reportVolumes(journal: RunJournal, record: RestoreRecord, volumes: PlannedVolumes): void {
  for (const error of volumes.errors) journal.find('error', { ...error, step: PLAN_STEP });
  for (const warning of volumes.warnings) journal.find('warning', { ...warning, step: PLAN_STEP });
  for (const { namespace, pvc, reason } of volumes.rows) {
    journal.log('info', `Volume ${namespace}/${pvc} into ${record.cluster}: ${reason}`);
  }
}

/** Asks the target for owners and Services that the backup does not bring. */
async function lookUp(
  client: ClusterClient,
  objects: PlanObjects,
  record: RestoreRecord,
): Promise<TargetFacts> {
  const owners = [...objects.unknownOwners()];
  const services = [...objects.unknownServices()];
  if (owners.length + services.length === 0) {
    return { ownerUid: () => undefined, serviceSelects: () => false };
  }
  const index = new ResourceIndex(await client.discover());
  const mapped = (namespace: string): string =>
    mappedNamespace(record.spec.namespaceMapping, namespace);
  const read = async (
    reference: { apiVersion: string; kind: string; name: string },
    namespace: string | undefined,
  ) => {
    const resource = index.findKind(reference);
    if (resource === undefined) return undefined;
    const place =
      resource.namespaced && namespace !== undefined ? { namespace: mapped(namespace) } : {};
    return await readObject(client, { resource, name: reference.name, ...place });
  };
  const uids = new Map<string, string>();
  const selecting = new Set<string>();
  await inParallel(owners, async ({ owner, namespace }) => {
    const found = objectAt(await read(owner, namespace), 'metadata');
    if (typeof found?.uid === 'string' && found.deletionTimestamp === undefined) {
      uids.set(owner.uid, found.uid);
    }
  });
  await inParallel(services, async ({ namespace, name }) => {
    const found = await read({ apiVersion: 'v1', kind: 'Service', name }, namespace);
    const selector = objectAt(found, 'spec', 'selector') ?? {};
    if (Object.keys(selector).length > 0) selecting.add(`${namespace}/${name}`);
  });
  return {
    ownerUid: (owner: OwnerReference) => uids.get(owner.uid),
    serviceSelects: (namespace, name) => selecting.has(`${namespace}/${name}`),
  };
}

/** What may not be read counts as absent: the restore goes on without that owner. */
async function readObject(
  client: ClusterClient,
  target: Parameters<ClusterClient['get']>[0],
): Promise<ReturnType<typeof parseExact>> {
  try {
    const bytes = await client.get(target);
    return bytes === undefined ? undefined : parseExact(bytes);
  } catch (error) {
    if (error instanceof BackupCentreError && !error.retryable) return undefined;
    throw error;
  }
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: LOOK_UPS_AT_ONCE }, worker));
}

/** Writes what is left out as items and returns the number of chunks. */
async function writeOmitted(
  scratch: RunScratch,
  record: RestoreRecord,
  omitted: readonly OmittedObject[],
): Promise<number> {
  const { dryRun, namespaceMapping } = record.spec;
  let chunks = 0;
  for (let from = 0; from < omitted.length; from += CHUNK_ITEMS) {
    const items = omitted
      .slice(from, from + CHUNK_ITEMS)
      .map(({ line, reason }): RestoreItemLine => {
        const { apiVersion, resource, namespace, name } = line;
        return {
          apiVersion,
          resource,
          ...(namespace === undefined
            ? {}
            : { namespace: mappedNamespace(namespaceMapping, namespace) }),
          name: resource === 'namespaces' ? mappedNamespace(namespaceMapping, name) : name,
          action: dryRun ? 'omit' : 'omitted',
          reason,
          changes: [],
          n: -1,
        };
      });
    await scratch.write('items', chunks, formatRestoreItems(items));
    chunks += 1;
  }
  return chunks;
}
