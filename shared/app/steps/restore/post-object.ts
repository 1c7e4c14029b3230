/**
 * One POST per object, and what its refusals mean. Validation, quotas and webhooks are asked before the
 * API server looks whether the object exists, so after any refusal the object itself is looked for.
 */
import { BackupCentreError, ThrottledError } from '../../../domain/errors.ts';
import type { KubeObject } from '../../../domain/kube-object.ts';
import { dropNodePorts, userSetPorts } from '../../../domain/transform/service-ports.ts';
import { formatExact, parseExact } from '../../../format/exact-json.ts';
import { ApiRejection, type ObjectTarget } from '../../../ports/cluster-client.ts';
import type { AdaptivePool } from './adaptive-pool.ts';
import { asKubeObject, type PreparedObject } from './prepare-object.ts';
import type { RestoreSession } from './restore-session.ts';

/** How often one object is asked for, throttling and lost replies included. */
const ATTEMPTS_MAX = 20;
/** Lost replies in a row after which the API server counts as gone. */
const LOST_MAX = 3;
const LOST_PAUSE_MS = 1_000;

/** What became of a POST. */
export type PostOutcome =
  | { readonly kind: 'created'; readonly reply: Uint8Array }
  | { readonly kind: 'exists'; readonly bytes: Uint8Array }
  | { readonly kind: 'refused'; readonly error: BackupCentreError }
  /** The API server answers, the server of this group behind it does not. */
  | { readonly kind: 'unanswered'; readonly failure: string };

/**
 * Creates the object. `source` is the object as the backup has it: it tells which ports the user set.
 * @throws BackupCentreError (retryable) the API server cannot be reached
 */
export async function postObject(
  session: RestoreSession,
  pool: AdaptivePool,
  prepared: PreparedObject,
  source: Uint8Array,
): Promise<PostOutcome> {
  const { client, services, context, fieldManager, spec } = session;
  const { target, object } = prepared;
  let lost = 0;
  let refusal: BackupCentreError | undefined;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    try {
      const options = { fieldManager, dryRun: spec.dryRun };
      const reply = await client.create(target, formatExact(object), options);
      return { kind: 'created', reply };
    } catch (error) {
      if (!(error instanceof BackupCentreError)) throw error;
      refusal = error;
    }
    if (refusal instanceof ThrottledError) {
      pool.slowDown();
      await services.clock.sleep(refusal.retryAfterMs, context.signal);
      continue;
    }
    if (refusal.retryable) {
      // The object may be there: the reply was lost, not necessarily the request.
      lost += 1;
      if (refusal.code !== 'cluster_unreachable') throw refusal;
      if (lost > LOST_MAX) {
        await session.refreshIndex();
        const failure = session.index.failureOf(object.apiVersion);
        if (failure === undefined) throw refusal;
        return { kind: 'unanswered', failure };
      }
      await services.clock.sleep(LOST_PAUSE_MS * lost, context.signal);
    }
    const bytes = await existing(session, target);
    if (bytes !== undefined) return { kind: 'exists', bytes };
    const again =
      refusal.retryable ||
      (refusal instanceof ApiRejection && refusal.reason === 'AlreadyExists') ||
      freesPorts(session, refusal, prepared, source);
    if (!again) return { kind: 'refused', error: refusal };
  }
  return { kind: 'refused', error: refusal ?? noAttempt() };
}

async function existing(
  session: RestoreSession,
  target: ObjectTarget,
): Promise<Uint8Array | undefined> {
  try {
    return await session.client.get(target);
  } catch (error) {
    // Who may not read cannot compare; the refusal of the POST is then the answer.
    if (error instanceof BackupCentreError && !error.retryable) return undefined;
    throw error;
  }
}

/** Whether a port that another Service has was dropped, so that asking again makes sense. */
function freesPorts(
  session: RestoreSession,
  refusal: BackupCentreError,
  prepared: PreparedObject,
  source: Uint8Array,
): boolean {
  const { object, changes } = prepared;
  if (object.kind !== 'Service' || session.spec.preserveNodePorts === true) return false;
  if (!/provided port is (already allocated|not in the valid range)/.test(refusal.message)) {
    return false;
  }
  const dropped = dropNodePorts(object, userSetPorts(sourceOf(source, object)));
  changes.push(...dropped);
  return dropped.length > 0;
}

function sourceOf(source: Uint8Array, otherwise: KubeObject): KubeObject {
  return asKubeObject(parseExact(source)) ?? otherwise;
}

function noAttempt(): BackupCentreError {
  return new BackupCentreError('internal', 'No attempt was made');
}
