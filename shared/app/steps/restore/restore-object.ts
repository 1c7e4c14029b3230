/** One object of the plan from its bytes to its line in the outcome list. */
import { apiVersionOf, groupResource } from '../../../domain/api-resource.ts';
import type { BackupCentreError } from '../../../domain/errors.ts';
import {
  describeReference,
  type KubeObject,
  type ObjectReference,
} from '../../../domain/kube-object.ts';
import { refusalRemedy, remedyOf } from '../../../domain/remedy.ts';
import type { RestoreAction } from '../../../domain/restore-record.ts';
import { parseExact } from '../../../format/exact-json.ts';
import type { RestoreItemLine } from '../../../format/restore-items.ts';
import type { AdaptivePool } from './adaptive-pool.ts';
import { createCompanions, removeCompanions } from './claim-companions.ts';
import { diskOf } from './disks.ts';
import { type DryRunPlace, proveElsewhere } from './dry-run.ts';
import { postObject } from './post-object.ts';
import {
  asKubeObject,
  GROUP_UNAVAILABLE,
  groupUnavailable,
  type PreparedObject,
  prepareObject,
  targetOf,
} from './prepare-object.ts';
import type { PlanEntry } from './restore-plan.ts';
import { CREATE_STEP, type RestoreSession } from './restore-session.ts';
import { judgeExisting } from './settle-existing.ts';

/**
 * `later`: the namespace of that name is being removed. `unanswered`: the API group does not answer now.
 * Both are to be asked for again.
 */
export type ObjectOutcome = 'settled' | 'later' | 'unanswered';

/** Restores one object. */
export async function restoreObject(
  session: RestoreSession,
  pool: AdaptivePool,
  entry: PlanEntry,
  bytes: Uint8Array,
): Promise<ObjectOutcome> {
  const prepared = await prepareObject(session, entry, bytes);
  if ('reason' in prepared) {
    if (prepared.reason === GROUP_UNAVAILABLE && !session.spec.dryRun) return 'unanswered';
    const proof = session.spec.dryRun ? proveBySchema(session, entry, prepared.reason) : undefined;
    if (proof === undefined) fail(session, entry, undefined, prepared);
    else report(session, entry, undefined, { action: 'created', reason: '', proof });
    return 'settled';
  }
  const inUse = await diskInUse(session, prepared);
  if (inUse !== undefined) {
    fail(session, entry, prepared, { reason: 'volume_in_use', message: inUse });
    return 'settled';
  }
  const place = session.spec.dryRun ? await proveElsewhere(session, prepared) : undefined;
  const creation = { entry, bytes, prepared, place };
  return prepared.first === undefined
    ? await create(session, pool, creation)
    : await createWithData(session, pool, creation, prepared.first);
}

/** A claim with its data: one that is there already is left alone, and nothing is made for it. */
async function createWithData(
  session: RestoreSession,
  pool: AdaptivePool,
  creation: Creation,
  { mayCreate }: { readonly mayCreate: boolean },
): Promise<ObjectOutcome> {
  const { entry, prepared, place } = creation;
  const there = place === undefined ? await session.client.get(prepared.target) : undefined;
  if (there !== undefined) return await settleExisting(session, pool, creation, there);
  if (!mayCreate) {
    const message = 'the claim was there when the restore began, and is gone now';
    fail(session, entry, prepared, { reason: 'exists_different', message });
    return 'settled';
  }
  if (session.spec.dryRun) return await create(session, pool, creation);
  const refused = await createCompanions(session, pool, prepared);
  const outcome = refused === undefined ? await create(session, pool, creation) : 'settled';
  if (refused !== undefined) fail(session, entry, prepared, refused);
  const { namespace = '', name } = prepared.target;
  if (session.state.claim(namespace, name)?.action !== 'created') {
    await removeCompanions(session, prepared);
  }
  return outcome;
}

interface Creation {
  readonly entry: PlanEntry;
  readonly bytes: Uint8Array;
  readonly prepared: PreparedObject;
  /** Stands in for the target in a dry run whose namespace is not there yet. */
  readonly place: DryRunPlace | undefined;
}

async function create(
  session: RestoreSession,
  pool: AdaptivePool,
  creation: Creation,
): Promise<ObjectOutcome> {
  const { entry, bytes, prepared, place } = creation;
  const outcome = await postObject(session, pool, place?.prepared ?? prepared, bytes);
  switch (outcome.kind) {
    case 'created': {
      const uid = entry.isOwner ? uidOf(outcome.reply) : '';
      report(session, entry, prepared, { action: 'created', reason: '', uid });
      return 'settled';
    }
    case 'refused': {
      const reason =
        place === undefined ? outcome.error.message : place.words(outcome.error.message);
      fail(session, entry, prepared, { reason, message: reason, error: outcome.error });
      return 'settled';
    }
    case 'exists':
      return await settleExisting(session, pool, creation, outcome.bytes);
    case 'unanswered': {
      if (!session.spec.dryRun) return 'unanswered';
      const { apiVersion } = entry.line;
      fail(session, entry, prepared, groupUnavailable(session, apiVersion, outcome.failure));
      return 'settled';
    }
  }
}

async function settleExisting(
  session: RestoreSession,
  pool: AdaptivePool,
  creation: Creation,
  existing: Uint8Array,
): Promise<ObjectOutcome> {
  const { entry, prepared } = creation;
  const verdict = await judgeExisting(session, prepared, existing);
  switch (verdict.kind) {
    case 'terminating':
      return 'later';
    case 'ours':
      report(session, entry, prepared, { action: 'created', reason: '', uid: verdict.uid });
      return 'settled';
    case 'skipped': {
      const { reason, uid, warning } = verdict;
      report(session, entry, prepared, { action: 'skipped', reason, uid, warning });
      return 'settled';
    }
    case 'taken': {
      const { otherName } = verdict;
      if (otherName === undefined || prepared.object.metadata.name === otherName) {
        const message = 'the volume of that name serves another claim';
        fail(session, entry, prepared, { reason: 'volume_in_use', message });
        return 'settled';
      }
      return await create(session, pool, { ...creation, prepared: renamed(prepared, otherName) });
    }
  }
}

function renamed(prepared: PreparedObject, name: string): PreparedObject {
  const { object, target, changes } = prepared;
  const before = object.metadata.name;
  object.metadata.name = name;
  return {
    target: { ...target, name },
    object,
    changes: [...changes, `name: ${before} -> ${name}, another claim has the volume of that name`],
  };
}

/** Words for a disk that a volume of the target names already. */
async function diskInUse(
  session: RestoreSession,
  prepared: PreparedObject,
): Promise<string | undefined> {
  const { object } = prepared;
  if (object.kind !== 'PersistentVolume' || diskOf(object) === undefined) return undefined;
  const other = await session.volumeOfDisk(object);
  if (other === object.metadata.name) return undefined;
  if (other === undefined) return attachedDisk(session, object);
  return `volume ${other} of the target has the same disk`;
}

/** Words for a disk that is attached although no volume of the target names it. */
function attachedDisk(session: RestoreSession, volume: KubeObject): string | undefined {
  const disk = diskOf(volume) ?? '';
  const instance = session.plan.attached[disk];
  return instance === undefined ? undefined : `disk ${disk} is attached to instance ${instance}`;
}

interface Outcome {
  readonly action: 'created' | 'skipped' | 'failed';
  readonly reason: string;
  readonly uid?: string;
  readonly warning?: string | undefined;
  readonly proof?: 'server' | 'schema' | 'none';
}

const DRY_ACTIONS: Readonly<Record<Outcome['action'], RestoreAction>> = {
  created: 'create',
  skipped: 'skip',
  failed: 'refuse',
};

function report(
  session: RestoreSession,
  entry: PlanEntry,
  prepared: PreparedObject | undefined,
  outcome: Outcome,
): void {
  const line = lineOf(session, entry, prepared, outcome);
  const { warning } = outcome;
  session.settle(
    line,
    warning === undefined
      ? {}
      : {
          warning: {
            code: 'service_account_differs',
            object: referenceOf(line, entry),
            step: CREATE_STEP,
            message: `${warning}; it was left as it is`,
          },
        },
  );
}

function fail(
  session: RestoreSession,
  entry: PlanEntry,
  prepared: PreparedObject | undefined,
  why: { readonly reason: string; readonly message: string; readonly error?: BackupCentreError },
): void {
  const line = lineOf(session, entry, prepared, { action: 'failed', reason: why.reason });
  const prefix = why.error === undefined ? `Cannot restore ${describeReference(line)}: ` : '';
  const code = why.error?.code ?? why.reason;
  const hint = remedyOf(code) ?? refusalRemedy(why.message);
  session.settle(line, {
    error: {
      code,
      object: referenceOf(line, entry),
      step: CREATE_STEP,
      message: `${prefix}${why.message}`,
      ...(hint === undefined ? {} : { hint }),
    },
  });
}

function referenceOf(line: RestoreItemLine, entry: PlanEntry): ObjectReference {
  const { apiVersion, resource, namespace, name } = line;
  const where = namespace === undefined ? {} : { namespace };
  return { apiVersion, resource, kind: entry.line.kind, ...where, name };
}

function lineOf(
  session: RestoreSession,
  entry: PlanEntry,
  prepared: PreparedObject | undefined,
  outcome: Outcome,
): RestoreItemLine {
  const { line, n, isOwner } = entry;
  const { dryRun } = session.spec;
  const { name, namespace } = prepared?.target ?? session.placeOf(line);
  const { uid = '' } = outcome;
  // A converted object is reported as what it is in the target.
  const made = prepared?.target.resource;
  return {
    apiVersion: made === undefined ? line.apiVersion : apiVersionOf(made),
    resource: made === undefined ? line.resource : groupResource(made),
    ...(namespace === undefined ? {} : { namespace }),
    name,
    action: dryRun ? DRY_ACTIONS[outcome.action] : outcome.action,
    reason: outcome.reason,
    changes: prepared?.changes ?? [],
    ...(dryRun ? { proof: outcome.proof ?? 'server' } : {}),
    n,
    ...(name === line.name ? {} : { was: line.name }),
    ...(isOwner && uid !== '' ? { uids: [line.uid, uid] } : {}),
  };
}

function uidOf(reply: Uint8Array): string {
  return asKubeObject(parseExact(reply))?.metadata.uid ?? '';
}

/** Writes an object down as failed without asking for it. */
export function refuseObject(
  session: RestoreSession,
  entry: PlanEntry,
  why: { readonly reason: string; readonly message: string },
): void {
  fail(session, entry, undefined, why);
}

/** A namespace that is needed and not in the backup, as small as it may be. */
export async function restoreBareNamespace(
  session: RestoreSession,
  pool: AdaptivePool,
  entry: PlanEntry,
): Promise<ObjectOutcome> {
  const resource = session.index.find('v1', 'namespaces');
  if (resource === undefined) {
    fail(session, entry, undefined, { reason: 'unsupported_version', message: 'not served' });
    return 'settled';
  }
  const object: KubeObject = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: entry.line.name },
  };
  const prepared: PreparedObject = {
    target: targetOf(resource, object),
    object,
    changes: ['not in the backup: created without labels and annotations'],
  };
  const bytes = new Uint8Array(0);
  return await create(session, pool, { entry, bytes, prepared, place: undefined });
}

/** In a dry run, a kind whose definition this restore would create first. */
function proveBySchema(
  session: RestoreSession,
  entry: PlanEntry,
  reason: string,
): 'none' | undefined {
  const comes = session.plan.definitions.includes(entry.line.resource);
  return reason === 'unsupported_version' && comes ? 'none' : undefined;
}
