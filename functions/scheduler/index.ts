/** Timer, each minute: starts the plans that are due, ends the backups whose validity is over. */
import { expireDue } from '../../shared/app/expire-backups.ts';
import { runDuePlans } from '../../shared/app/run-due-plans.ts';
import { type FunctionContext, functionServices } from '../../shared/wiring/function-services.ts';

/** Function Compute's entry. */
export async function handler(_event: Uint8Array, context: FunctionContext): Promise<string> {
  const { services, deadlineMs } = functionServices(context);
  // Side by side: neither keeps the other from its time, nor by its trouble from its work.
  const ends = await Promise.allSettled([
    runDuePlans(services, deadlineMs),
    expireDue(services, deadlineMs),
  ]);
  const counts = ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
  return JSON.stringify(Object.assign({}, ...counts));
}
