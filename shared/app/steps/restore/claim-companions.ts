/**
 * What a claim with data needs beside it: created just before it under names that are the same in each
 * attempt, and removed again where the claim does not come to be.
 */
import { parseExact } from '../../../format/exact-json.ts';
import type { AdaptivePool } from './adaptive-pool.ts';
import { postObject } from './post-object.ts';
import { type PreparedObject, targetOf, type Unpreparable } from './prepare-object.ts';
import type { RestoreSession } from './restore-session.ts';
import { isManagedBy } from './settle-existing.ts';
import { removeSnapshotObjects, snapshotKinds } from './snapshot-objects.ts';

/** Creates what must be there before the claim; what refuses it, undefined when all of it is there. */
export async function createCompanions(
  session: RestoreSession,
  pool: AdaptivePool,
  prepared: PreparedObject,
): Promise<Unpreparable | undefined> {
  for (const object of prepared.companions ?? []) {
    const resource = session.index.findKind(object);
    if (resource === undefined) {
      const message = `the target does not serve ${object.kind} ${object.apiVersion}`;
      return { reason: 'unsupported_version', message };
    }
    const target = targetOf(resource, object);
    const made: PreparedObject = { target, object, changes: [] };
    const outcome = await postObject(session, pool, made, new Uint8Array(0));
    if (outcome.kind === 'created') continue;
    const name = `${object.kind} ${object.metadata.name}`;
    if (outcome.kind === 'exists') {
      const there = parseExact(outcome.bytes);
      if (there !== undefined && isManagedBy(there, session.fieldManager)) continue;
      return {
        reason: 'object_rejected',
        message: `${name}, which is not of this restore, exists`,
      };
    }
    const found = outcome.kind === 'refused' ? outcome.error.message : outcome.failure;
    return { reason: 'object_rejected', message: `${name} was refused: ${found}` };
  }
  return undefined;
}

/** Removes them again; a disk behind a volume is removed with what else the restore made. */
export async function removeCompanions(
  session: RestoreSession,
  prepared: PreparedObject,
): Promise<void> {
  const kinds = snapshotKinds(session.index);
  for (const { kind, metadata } of prepared.companions ?? []) {
    const { name, namespace } = metadata;
    const volumes = session.index.find('v1', 'persistentvolumes');
    if (kind === 'PersistentVolume' && volumes !== undefined) {
      await session.client.remove({ resource: volumes, name });
    }
    if (kind === 'VolumeSnapshot' && namespace !== undefined && kinds !== undefined) {
      const { id: runId } = session.context.run;
      await removeSnapshotObjects(session.client, kinds, { runId, namespace, name });
    }
  }
}
