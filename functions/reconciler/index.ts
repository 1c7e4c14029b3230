/** Timer, each minute: wakes runs that are due and looks after vaults. */
import { recheckVaults } from '../../shared/app/probe-vault.ts';
import { reconcileRuns } from '../../shared/app/reconcile-runs.ts';
import { type FunctionContext, functionServices } from '../../shared/wiring/function-services.ts';

/** Function Compute's entry. */
export async function handler(_event: Uint8Array, context: FunctionContext): Promise<string> {
  const { services } = functionServices(context);
  const woken = await reconcileRuns(services);
  await recheckVaults(services);
  return JSON.stringify({ woken });
}
