/** OSS events of dispatch objects: runs or resumes backups and their verification. */
import { backupWorkflow } from '../../shared/app/run-backup.ts';
import { verifyWorkflow } from '../../shared/app/verify-backup.ts';
import { dispatchHandler } from '../../shared/wiring/work-on-dispatches.ts';

/** Function Compute's entry. */
export const handler = dispatchHandler(({ services }) => [
  backupWorkflow(services),
  verifyWorkflow(services),
]);
