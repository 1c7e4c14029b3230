/** A claim that comes back with its data, and what must be there before it. */
import type { KubeObject } from '../../../domain/kube-object.ts';
import { claimFromSnapshot, claimOfDisk } from '../../../domain/volumes/restored-claim.ts';
import type { RestoreSession } from './restore-session.ts';
import type { VolumePlan } from './volume-plan.ts';

/** A claim with what it needs beside it. */
export interface ClaimWithData {
  readonly claim: KubeObject;
  /** In the order in which they are created. */
  readonly companions: readonly KubeObject[];
  readonly changes: readonly string[];
  /** Whether it may be created; else it must be in the target already. */
  readonly mayCreate: boolean;
}

/** The claim on its data. `claim` is as it goes into the target, but for its data. */
export function claimWithData(
  session: RestoreSession,
  plan: VolumePlan,
  claim: KubeObject,
): ClaimWithData | { readonly reason: string; readonly message: string } {
  const { source, backupVolume, snapshotId } = plan;
  const { id: runId } = session.context.run;
  const data = session.volumes.dataOf(plan, session.spec.dryRun);
  switch (data.kind) {
    case 'none':
      return { reason: data.code, message: data.message };
    case 'disk': {
      const disk = { id: data.id, zone: data.zone };
      const made = claimOfDisk({ runId, claim, backupVolume, disk, source });
      return { ...made, companions: [made.volume], mayCreate: true };
    }
    case 'snapshot':
    case 'exists': {
      const version = data.kind === 'snapshot' ? data.version : 'v1';
      const id = data.kind === 'snapshot' ? data.id : snapshotId;
      const given = { runId, claim, source, snapshotId: id, snapshotVersion: version };
      const made = claimFromSnapshot(given);
      const mayCreate = data.kind === 'snapshot';
      const companions = mayCreate ? [made.content, made.snapshot] : [];
      // What exists is left as it is: nothing of it changes.
      return { ...made, companions, changes: mayCreate ? made.changes : [], mayCreate };
    }
  }
}
