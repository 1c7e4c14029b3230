/**
 * Fourth step: what becomes of each volume that was found. Running it twice is safe: it reads the
 * capture's chunks and sets the record's rows as a whole.
 */
import type { BackupRecord } from '../../../domain/backup-record.ts';
import type { Finding } from '../../../domain/finding.ts';
import type { VolumeBackup } from '../../../domain/volume-backup.ts';
import type { BackupServices } from '../../backup-services.ts';
import { RunJournal } from '../../run-journal.ts';
import type { Step } from '../../step.ts';
import { capturedOf } from './capture.ts';
import { replayCapture } from './capture-log.ts';
import { CaptureState, type FoundClaim } from './capture-state.ts';
import { withFindings } from './record-findings.ts';

const VOLUMES_STEP = 'volumes';

/** Rows a record keeps: it must stay below 1 MiB. */
const VOLUMES_KEPT_MAX = 1_000;

/** The step. */
export function volumesStep(services: BackupServices): Step<BackupRecord> {
  return {
    name: VOLUMES_STEP,
    run: async (context) => {
      const journal = RunJournal.resume(context, services.clock);
      const state = new CaptureState();
      await replayCapture(context.scratch, capturedOf(context).chunks, state);
      const { volumeBackup } = context.record().spec;
      const all = state.claims.flatMap((claim) => decide(claim, volumeBackup));
      const volumes = all.slice(0, VOLUMES_KEPT_MAX);
      const lost = all.filter((v) => v.method === 'notBackedUp').map(notBackedUp);
      const warnings = all.length > volumes.length ? [tooMany(all.length), ...lost] : lost;
      for (const warning of warnings) journal.find('warning', warning);
      for (const volume of all) {
        journal.log('info', `Volume ${volume.namespace}/${volume.pvc}: ${volume.method}`);
      }
      await context.updateRecord((record) => ({
        ...withFindings(record, VOLUMES_STEP, { warnings }),
        volumes,
        progress: { ...record.progress, volumesTotal: all.length, volumesDone: all.length },
      }));
      return { kind: 'done', result: { journal: { ...(await journal.flush()) } } };
    },
  };
}

/** The row of a claim; none where neither its data nor its objects are wanted. */
function decide(claim: FoundClaim, volumeBackup: boolean): readonly VolumeBackup[] {
  const { namespace, pvc, pv, excluded } = claim;
  const row = { namespace, pvc, pv, phase: 'Skipped', progress: 0 } as const;
  if (!volumeBackup) {
    return excluded ? [] : [{ ...row, method: 'yamlOnly', reason: 'volume backup is off' }];
  }
  const reason = excluded ? 'claim excluded' : 'no way to take its data is configured';
  return [{ ...row, method: 'notBackedUp', reason }];
}

function notBackedUp(volume: VolumeBackup): Finding {
  return {
    code: 'volume_not_backed_up',
    object: {
      apiVersion: 'v1',
      resource: 'persistentvolumeclaims',
      kind: 'PersistentVolumeClaim',
      namespace: volume.namespace,
      name: volume.pvc,
    },
    step: VOLUMES_STEP,
    message: `Data of volume ${volume.namespace}/${volume.pvc} is not in the backup: ${volume.reason}`,
  };
}

function tooMany(count: number): Finding {
  return {
    code: 'volumes_not_shown',
    step: VOLUMES_STEP,
    message: `The record shows ${VOLUMES_KEPT_MAX} of ${count} volumes`,
  };
}
