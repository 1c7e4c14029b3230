/** OSS events of dispatch objects: runs or resumes restores and what follows them. */
import { releaseWorkflow } from '../../shared/app/run-release.ts';
import { restoreWorkflow } from '../../shared/app/run-restore.ts';
import { dispatchHandler } from '../../shared/wiring/work-on-dispatches.ts';

/** Function Compute's entry. */
export const handler = dispatchHandler(({ services }) => [
  restoreWorkflow(services),
  releaseWorkflow(services),
]);
