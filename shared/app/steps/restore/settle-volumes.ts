/**
 * Fifth step: claims that are bound no longer need what was made for them; a run of its own goes on with
 * those that wait for their pod. Running it twice is safe: what is gone is gone, and the run has one id.
 */
import { PUBLIC_NETWORK } from '../../../domain/cluster.ts';
import { BackupCentreError } from '../../../domain/errors.ts';
import { isJsonObject } from '../../../domain/json.ts';
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import { type RestoreServices, targetCluster } from '../../restore-services.ts';
import { startRunOnce } from '../../start-run.ts';
import type { Step, StepContext } from '../../step.ts';
import { releaseVolumes } from './release-volumes.ts';
import { withChangedRows } from './restored-rows.ts';

const SETTLE_STEP = 'settle';

/** The step. */
export function settleVolumesStep(services: RestoreServices): Step<RestoreRecord> {
  return {
    name: SETTLE_STEP,
    run: async (context) => {
      const released = await settleVolumes(services, context);
      return { kind: 'done', result: { released } };
    },
  };
}

/** Whether claims of the restore still need the backup's snapshots when it ends. */
export function leavesClaimsWaiting(context: StepContext<RestoreRecord>): boolean {
  const result = context.results[SETTLE_STEP];
  return isJsonObject(result) && result.released === false;
}

/** Lets go of what is not needed; false where a run was started that goes on with the rest. */
export async function settleVolumes(
  services: RestoreServices,
  context: StepContext<RestoreRecord>,
): Promise<boolean> {
  const record = context.record();
  try {
    const { changes, waiting } = await releaseVolumes(services, record, { giveUp: false });
    if (changes.size > 0) {
      await context.updateRecord((r) =>
        withChangedRows(r, ({ namespace, pvc }) => changes.get(`${namespace}/${pvc}`)),
      );
    }
    if (waiting.length === 0) return true;
  } catch (error) {
    // The run that follows has days to succeed; the restore itself is done.
    if (!(error instanceof BackupCentreError)) throw error;
    context.log.warn('Cannot let go of volumes yet', { code: error.code, message: error.message });
  }
  await startRelease(services, record);
  return false;
}

async function startRelease(services: RestoreServices, record: RestoreRecord): Promise<void> {
  const cluster = await targetCluster(services, record).catch((error: unknown) => {
    if (error instanceof BackupCentreError && !error.retryable) return undefined;
    throw error;
  });
  await startRunOnce(services, {
    id: `${record.runId}-release`,
    kind: 'release',
    cluster: record.cluster,
    network: cluster?.network ?? PUBLIC_NETWORK,
    recordId: record.id,
    // It neither reads nor writes the vault.
    vaultIdentity: '',
    requestHash: '',
  });
}
