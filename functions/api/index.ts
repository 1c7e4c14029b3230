/** HTTP trigger: the API. */
import { type FunctionContext, functionServices } from '../../shared/wiring/function-services.ts';
import { createApi } from './app.ts';
import { eventRequest, type HttpTriggerReply, triggerReply } from './event-request.ts';

/** Function Compute's entry. */
export async function handler(
  event: Uint8Array,
  context: FunctionContext,
): Promise<HttpTriggerReply> {
  const { services, config } = functionServices(context);
  return await triggerReply(await createApi(services, config.apiToken)(eventRequest(event)));
}
