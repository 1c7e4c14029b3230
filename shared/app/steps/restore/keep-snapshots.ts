/**
 * Before anything is made of them: snapshots that would end while the restore uses them are kept longer.
 * Safe to repeat: retention counts from a snapshot's creation and never gets shorter.
 */
import { BackupCentreError } from '../../../domain/errors.ts';
import type { Finding } from '../../../domain/finding.ts';
import { remedyOf } from '../../../domain/remedy.ts';
import type { RestoreServices } from '../../restore-services.ts';
import { claimReference } from '../backup/volume-rows.ts';
import { VOLUMES_STEP, type VolumePlan } from './volume-plan.ts';

/**
 * A warning for each snapshot that cannot be kept longer: the restore may well be done in time.
 * @throws BackupCentreError (retryable) ECS cannot do it now
 */
export async function keepSnapshots(
  { disks }: Pick<RestoreServices, 'disks'>,
  plans: readonly VolumePlan[],
): Promise<readonly Finding[]> {
  const ending = new Map(plans.filter(isEnding).map((plan) => [plan.snapshotId, plan]));
  const warnings: Finding[] = [];
  for (const plan of ending.values()) {
    const { snapshotId, source, keepDays = 0, place, pvc } = plan;
    try {
      await disks.keepSnapshot(source.region, snapshotId, keepDays);
    } catch (error) {
      if (!(error instanceof BackupCentreError) || error.retryable) throw error;
      const hint = remedyOf(error.code);
      warnings.push({
        code: error.code,
        object: claimReference({ namespace: place, pvc }),
        step: VOLUMES_STEP,
        message: `Snapshot ${snapshotId} may end before claim ${place}/${pvc} has its data: ${error.message}`,
        ...(hint === undefined ? {} : { hint }),
      });
    }
  }
  return warnings;
}

function isEnding({ way, keepDays }: VolumePlan): boolean {
  return keepDays !== undefined && (way.kind === 'driver' || way.kind === 'disk');
}
