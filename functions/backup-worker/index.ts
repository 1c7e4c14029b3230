/** OSS events of dispatch objects: runs or resumes backups, their verification and their deletion. */
import { backupWorkflow } from '../../shared/app/run-backup.ts';
import { deleteWorkflow } from '../../shared/app/run-delete.ts';
import { verifyWorkflow } from '../../shared/app/verify-backup.ts';
import { dispatchHandler } from '../../shared/wiring/work-on-dispatches.ts';

/** Function Compute's entry. */
export const handler = dispatchHandler(({ services }) => [
  backupWorkflow(services),
  verifyWorkflow(services),
  deleteWorkflow(services),
]);
