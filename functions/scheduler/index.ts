/** Timer, each minute: starts the plans that are due, ends the backups whose validity is over. */
import { expireDue } from '../../shared/app/expire-backups.ts';
import { runDuePlans } from '../../shared/app/run-due-plans.ts';
import { type FunctionContext, functionServices } from '../../shared/wiring/function-services.ts';

/** Function Compute's entry. */
export async function handler(_event: Uint8Array, context: FunctionContext): Promise<string> {
  const { services, deadlineMs } = functionServices(context);
  const plans = await runDuePlans(services, deadlineMs);
  return JSON.stringify({ ...plans, ...(await expireDue(services, deadlineMs)) });
}
