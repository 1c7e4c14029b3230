/** Timer, each minute: starts the plans that are due. */
import { runDuePlans } from '../../shared/app/run-due-plans.ts';
import { type FunctionContext, functionServices } from '../../shared/wiring/function-services.ts';

/** Function Compute's entry. */
export async function handler(_event: Uint8Array, context: FunctionContext): Promise<string> {
  const { services, deadlineMs } = functionServices(context);
  return JSON.stringify(await runDuePlans(services, deadlineMs));
}
