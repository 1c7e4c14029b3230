/** The workflow of a restore run. */
import type { RestoreRecord } from '../domain/restore-record.ts';
import type { RestoreServices } from './restore-services.ts';
import type { Workflow } from './step.ts';
import { tidyStep } from './steps/backup/finalise.ts';
import { abandonRestore } from './steps/restore/abandon.ts';
import { createStep } from './steps/restore/create.ts';
import { finaliseStep } from './steps/restore/finalise.ts';
import { makeVolumesStep } from './steps/restore/make-volumes.ts';
import { planStep } from './steps/restore/plan.ts';
import { precheckStep } from './steps/restore/precheck.ts';
import { settleVolumesStep } from './steps/restore/settle-volumes.ts';
import { verifyStep } from './steps/restore/verify.ts';

/** Runs of kind `restore`. */
export function restoreWorkflow(services: RestoreServices): Workflow<RestoreRecord> {
  return {
    kind: 'restore',
    table: 'restores',
    steps: [
      precheckStep(services),
      planStep(services),
      makeVolumesStep(services),
      createStep(services),
      verifyStep(services),
      settleVolumesStep(services),
      finaliseStep(services),
      tidyStep(),
    ],
    abandon: (context, why) => abandonRestore(services, context, why),
  };
}
