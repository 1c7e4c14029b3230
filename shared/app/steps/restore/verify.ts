/**
 * Fourth step: does what was restored live? Waits, by wakes, until everything does or ten minutes are
 * over; findings are warnings. Running it twice is safe: it reads, and sets the record's verification as a
 * whole.
 */
import type { ApiResource } from '../../../domain/api-resource.ts';
import { BackupCentreError } from '../../../domain/errors.ts';
import type { Finding } from '../../../domain/finding.ts';
import { isJsonObject, type JsonObject } from '../../../domain/json.ts';
import { describeReference } from '../../../domain/kube-object.ts';
import {
  CHECKED_KINDS,
  type Readiness,
  readinessOf,
  waitsForPod,
} from '../../../domain/readiness.ts';
import type { RestoreCheck, RestoreItem, RestoreRecord } from '../../../domain/restore-record.ts';
import { classOfClaim } from '../../../domain/volumes/claim-class.ts';
import { scanObject } from '../../../format/object-scan.ts';
import { parseRestoreItems } from '../../../format/restore-items.ts';
import { connectCluster } from '../../backup-services.ts';
import { ListedObjects } from '../../listed-objects.ts';
import { ResourceIndex } from '../../resource-index.ts';
import type { RestoreServices } from '../../restore-services.ts';
import { RunJournal } from '../../run-journal.ts';
import type { Step, StepContext, StepOutcome } from '../../step.ts';
import { withFindings } from '../backup/record-findings.ts';
import { waitInPlace } from './cluster-waits.ts';
import { CREATE_STEP, readProgress } from './restore-session.ts';

const VERIFY_STEP = 'verify';

/** What is found of a claim that no pod mounts, of a class that waits for one. */
const WAITS_FOR_POD = 'Pending, until a pod mounts it';

/** An object that was created and is not there any more. */
const GONE = 'exists';

/** How long the application may take to come up, ms (design §7). */
const DEADLINE_MS = 600_000;

/** Looks kept in a record: it must stay below 1 MiB. Those that failed come first. */
const CHECKS_KEPT_MAX = 1_000;

/** The step. */
export function verifyStep(services: RestoreServices): Step<RestoreRecord> {
  return {
    name: VERIFY_STEP,
    run: async (context) => {
      const { verify, dryRun } = context.record().spec;
      return verify && !dryRun ? await verifyRestore(services, context) : { kind: 'done' };
    },
  };
}

async function verifyRestore(
  services: RestoreServices,
  context: StepContext<RestoreRecord>,
): Promise<StepOutcome> {
  const deadlineMs = await deadline(services, context);
  const created = await createdItems(context);
  const looked = { checks: [] as readonly RestoreCheck[] };
  const isThere = async (): Promise<boolean> => {
    looked.checks = await lookOrSay(services, context.record(), async (listed, index) => {
      const looks = await look(listed, index, created);
      return looks.every((l) => l.ok) || services.clock.now() >= deadlineMs
        ? [...(await vanished(listed, index, created)), ...looks]
        : looks;
    });
    return looked.checks.every((l) => l.ok || l.check === GONE);
  };
  const outcome = await waitInPlace(services, context, { isThere, deadlineMs });
  if (typeof outcome === 'object') return outcome;
  const checks = [...looked.checks.filter((l) => !l.ok), ...looked.checks.filter((l) => l.ok)];
  const warnings = checks.filter((c) => !c.ok).map(warningOf);
  const journal = RunJournal.resume(context, services.clock);
  for (const warning of warnings) journal.find('warning', warning);
  journal.log('info', `Verification: ${checks.length} checks, ${warnings.length} not passed`);
  await context.updateRecord((record) => ({
    ...withFindings(record, VERIFY_STEP, { warnings }),
    verification: { ok: warnings.length === 0, checks: checks.slice(0, CHECKS_KEPT_MAX) },
  }));
  return { kind: 'done', result: { journal: { ...(await journal.flush()) } } };
}

/** The looks; one that says why where the target cannot be read: the objects are restored all the same. */
async function lookOrSay(
  services: RestoreServices,
  record: RestoreRecord,
  read: (listed: ListedObjects, index: ResourceIndex) => Promise<readonly RestoreCheck[]>,
): Promise<readonly RestoreCheck[]> {
  try {
    const client = await connectCluster(services, record);
    return await read(new ListedObjects(client), new ResourceIndex(await client.discover()));
  } catch (error) {
    if (!(error instanceof BackupCentreError)) throw error;
    const object = `cluster ${record.cluster}`;
    return [{ object, check: 'readable', ok: false, found: error.message }];
  }
}

/** Fixed by the first checkpoint. */
async function deadline(
  services: RestoreServices,
  context: StepContext<RestoreRecord>,
): Promise<number> {
  const saved = context.checkpoint;
  if (isJsonObject(saved)) return Number(saved.deadlineMs);
  const deadlineMs = services.clock.now() + DEADLINE_MS;
  await context.save({ deadlineMs });
  return deadlineMs;
}

/** What this restore created, by `plural.group`. */
async function createdItems(
  context: StepContext<RestoreRecord>,
): Promise<ReadonlyMap<string, readonly RestoreItem[]>> {
  const created = new Map<string, RestoreItem[]>();
  const chunks = readProgress(context.results[CREATE_STEP])?.chunks ?? 0;
  for await (const chunk of context.scratch.read('items', chunks)) {
    for (const item of parseRestoreItems(chunk)) {
      if (item.action !== 'created') continue;
      const known = created.get(item.resource);
      if (known === undefined) created.set(item.resource, [item]);
      else known.push(item);
    }
  }
  return created;
}

type Created = ReadonlyMap<string, readonly RestoreItem[]>;

/** One look at everything that has something to show. */
async function look(
  listed: ListedObjects,
  index: ResourceIndex,
  created: Created,
): Promise<readonly RestoreCheck[]> {
  const checks: RestoreCheck[] = [];
  for (const kind of CHECKED_KINDS) {
    const items = created.get(kind) ?? [];
    const resource = resourceOf(index, items);
    if (resource === undefined) continue;
    const found = await listed.of(resource, placesOf(items), parseBody);
    const endpoints = await endpointsFor(listed, index, kind, items);
    const classes = await classesFor(listed, index, kind);
    for (const item of items) {
      const object = found.get(placeKey(item));
      // Gone objects are reported once, by `vanished`.
      if (object === undefined) continue;
      if (classes !== undefined && waitsForPod(object, classes.get(`/${classOfClaim(object)}`))) {
        checks.push(checkOf(item, { check: 'Bound', ok: true, found: WAITS_FOR_POD }));
        continue;
      }
      for (const readiness of readinessOf(kind, object, endpoints?.get(placeKey(item)))) {
        checks.push(checkOf(item, readiness));
      }
    }
  }
  return checks;
}

async function endpointsFor(
  listed: ListedObjects,
  index: ResourceIndex,
  kind: string,
  items: readonly RestoreItem[],
): Promise<ReadonlyMap<string, JsonObject> | undefined> {
  const resource = index.find('v1', 'endpoints');
  if (kind !== 'services' || resource === undefined) return undefined;
  return await listed.of(resource, placesOf(items), parseBody);
}

/** StorageClasses, where claims are looked at. */
async function classesFor(
  listed: ListedObjects,
  index: ResourceIndex,
  kind: string,
): Promise<ReadonlyMap<string, JsonObject> | undefined> {
  const resource = index.find('storage.k8s.io/v1', 'storageclasses.storage.k8s.io');
  if (kind !== 'persistentvolumeclaims' || resource === undefined) return undefined;
  return await listed.of(resource, new Set(), parseBody);
}

/** Objects that were created and are not there any more. */
async function vanished(
  listed: ListedObjects,
  index: ResourceIndex,
  created: Created,
): Promise<readonly RestoreCheck[]> {
  const checks: RestoreCheck[] = [];
  for (const items of created.values()) {
    const resource = resourceOf(index, items);
    if (resource === undefined || !resource.verbs.includes('list')) continue;
    const found = await listed.of(resource, placesOf(items), (bytes) => scanObject(bytes));
    for (const item of items) {
      if (found.has(placeKey(item))) continue;
      checks.push(checkOf(item, { check: GONE, ok: false, found: 'it is gone again' }));
    }
  }
  return checks;
}

function resourceOf(index: ResourceIndex, items: readonly RestoreItem[]): ApiResource | undefined {
  const [first] = items;
  return first === undefined ? undefined : index.find(first.apiVersion, first.resource);
}

function placesOf(items: readonly RestoreItem[]): ReadonlySet<string> {
  return new Set(items.flatMap((item) => (item.namespace === undefined ? [] : [item.namespace])));
}

function placeKey(item: { readonly namespace?: string; readonly name: string }): string {
  return `${item.namespace ?? ''}/${item.name}`;
}

function parseBody(bytes: Uint8Array): JsonObject | undefined {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  return isJsonObject(value) ? value : undefined;
}

function checkOf(item: RestoreItem, readiness: Readiness): RestoreCheck {
  return { object: describeReference(item), ...readiness };
}

function warningOf(check: RestoreCheck): Finding {
  return {
    code: check.check === GONE ? 'object_vanished' : 'not_ready',
    step: VERIFY_STEP,
    message: `Restored ${check.object}, expected ${check.check}: found ${check.found}`,
  };
}
