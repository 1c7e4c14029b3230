/**
 * Second step: is the backup's folder free? The name was claimed when the run began; files that lie
 * there nevertheless are somebody else's and must not be touched. Running it twice is safe: nothing of
 * this run is written before the step is done, and from then on `abandon` knows the folder as ours.
 */
import type { BackupRecord } from '../../../domain/backup-record.ts';
import { BackupCentreError } from '../../../domain/errors.ts';
import { type BackupServices, openBackup } from '../../backup-services.ts';
import type { Step } from '../../step.ts';

/** Name of the step; that it has a result means that the folder is ours. */
export const CLAIM_STEP = 'claim';

/** The step. */
export function claimStep(services: BackupServices): Step<BackupRecord> {
  return {
    name: CLAIM_STEP,
    run: async (context) => {
      const { spec } = context.record();
      const { store, keys } = await openBackup(services, context.record());
      for (const key of [keys.marker, keys.archive]) {
        if ((await store.head(key)) === undefined) continue;
        throw new BackupCentreError(
          'name_taken',
          `Cannot write backup ${spec.name}: backup already exists in OSS bucket ${store.bucket}, found ${key}`,
        );
      }
      return { kind: 'done', result: { folder: keys.prefix } };
    },
  };
}
