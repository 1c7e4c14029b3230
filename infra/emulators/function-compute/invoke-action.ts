import { headerText } from '../acs-signature/credential.ts';
import type { GatewayReply } from '../acs-signature/gateway.ts';
import { fcErrors } from './errors.ts';
import type { FcCall } from './fc-call.ts';
import type { FunctionHost } from './host.ts';
import { MAX_ASYNC_PAYLOAD_BYTES, MAX_SYNC_PAYLOAD_BYTES, TASK_ID } from './limits.ts';

/** POST /2023-03-30/functions/{name}/invocations */
export async function invokeFunction(host: FunctionHost, call: FcCall): Promise<GatewayReply> {
  const { functionName } = host.functionNamed(call.functionName);
  const qualifier = call.query.get('qualifier') ?? 'LATEST';
  if (qualifier !== 'LATEST') throw fcErrors.aliasNotFound(qualifier, functionName);
  const type = headerText(call.request, 'x-fc-invocation-type') ?? 'Sync';
  switch (type.toLowerCase()) {
    case 'sync':
      return invokeNow(host, call);
    case 'async':
      return invokeLater(host, call);
    default:
      throw fcErrors.invalidArgument(`invocation type '${type}' is neither Sync nor Async`);
  }
}

/** A function's error is a reply with status 200 that says so in `x-fc-error-type`. */
async function invokeNow(host: FunctionHost, call: FcCall): Promise<GatewayReply> {
  checkSize(call, MAX_SYNC_PAYLOAD_BYTES);
  const { requestId, result } = await host.invoke(call.functionName, () => call.request.body);
  const headers = { 'x-fc-request-id': requestId, 'x-fc-instance-id': result.instanceId };
  if (result.ok) {
    return {
      headers: { ...headers, 'content-type': 'application/octet-stream' },
      body: result.payload,
    };
  }
  return {
    headers: {
      ...headers,
      'x-fc-error-type': result.errorType,
      'content-type': 'application/json',
    },
    body: result.body,
  };
}

async function invokeLater(host: FunctionHost, call: FcCall): Promise<GatewayReply> {
  const { functionName } = call;
  checkSize(call, MAX_ASYNC_PAYLOAD_BYTES);
  const taskId = headerText(call.request, 'x-fc-async-task-id');
  const isTask = host.queue.configOf(functionName).asyncTask === true;
  if (taskId !== undefined && !isTask) {
    throw fcErrors.invalidArgument(`async task is not enabled for function '${functionName}'`);
  }
  if (taskId !== undefined && !TASK_ID.test(taskId)) {
    throw fcErrors.invalidArgument(`async task id '${taskId}' is invalid`);
  }
  const accepted = await host.queue.accept(functionName, call.request.body, taskId);
  if (accepted === undefined) throw fcErrors.taskAlreadyExists(taskId ?? '');
  return {
    status: 202,
    headers: {
      'x-fc-request-id': accepted.requestId,
      ...(isTask ? { 'x-fc-async-task-id': accepted.taskId } : {}),
    },
  };
}

function checkSize(call: FcCall, limit: number): void {
  if (call.request.body.length > limit) throw fcErrors.entityTooLarge(limit);
}
