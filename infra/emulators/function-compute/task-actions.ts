import type { GatewayReply } from '../acs-signature/gateway.ts';
import type { AsyncInvokeConfig } from './definition.ts';
import { fcErrors } from './errors.ts';
import { type FcCall, jsonObject, page } from './fc-call.ts';
import type { AsyncTask } from './function-compute-store.ts';
import type { FunctionHost } from './host.ts';
import { MAX_ASYNC_RETRIES, MAX_EVENT_AGE_SECONDS } from './limits.ts';

/** GET .../async-tasks/{item} */
export function getAsyncTask(host: FunctionHost, call: FcCall): GatewayReply {
  return { body: taskToWire(host, trackedTask(host, call), true) };
}

/** GET .../async-tasks, newest first unless `sortOrderByTime=asc` */
export function listAsyncTasks(host: FunctionHost, call: FcCall): GatewayReply {
  const { functionName } = host.functionNamed(call.functionName);
  const { query } = call;
  const bound = (name: string, byDefault: number) => Number(query.get(name) ?? byDefault);
  const [from, to] = [bound('startedTimeBegin', 0), bound('startedTimeEnd', Number.MAX_VALUE)];
  const direction = query.get('sortOrderByTime') === 'asc' ? 1 : -1;
  const all = host.store
    .tasksOf(functionName)
    .filter((task) => task.tracked && task.taskId.startsWith(query.get('prefix') ?? ''))
    .filter((task) => (query.get('status') ?? task.status) === task.status)
    .filter((task) => task.enqueuedAtMs >= from && task.enqueuedAtMs <= to)
    .sort((a, b) => direction * (a.seq - b.seq));
  const { items, nextToken } = page(call, all, (task) => task.taskId);
  const withPayload = query.get('includePayload') === 'true';
  return { body: { tasks: items.map((task) => taskToWire(host, task, withPayload)), nextToken } };
}

/** PUT .../async-tasks/{item}/stop */
export async function stopAsyncTask(host: FunctionHost, call: FcCall): Promise<GatewayReply> {
  const task = trackedTask(host, call);
  if (!(await host.queue.stop(task.functionName, task.taskId))) {
    throw fcErrors.invalidArgument(`async task '${task.taskId}' is ${task.status}, it has ended`);
  }
  return { status: 200, body: '' };
}

/** GET .../async-invoke-config */
export function getAsyncInvokeConfig(host: FunctionHost, call: FcCall): GatewayReply {
  const { functionName, asyncInvokeConfig } = host.functionNamed(call.functionName);
  const config = host.store.asyncConfigs.get(functionName) ?? asyncInvokeConfig;
  if (config === undefined) throw fcErrors.asyncConfigNotFound(functionName);
  return { body: configToWire(host, functionName, config) };
}

/** PUT .../async-invoke-config; on disk when answered, and stronger than the deployed one. */
export async function putAsyncInvokeConfig(
  host: FunctionHost,
  call: FcCall,
): Promise<GatewayReply> {
  const { functionName } = host.functionNamed(call.functionName);
  const body = jsonObject(call);
  const config: AsyncInvokeConfig = {
    ...inRange(body, 'maxAsyncRetryAttempts', 0, MAX_ASYNC_RETRIES),
    ...inRange(body, 'maxAsyncEventAgeInSeconds', 1, MAX_EVENT_AGE_SECONDS),
    asyncTask: body.asyncTask === true,
  };
  await host.store.asyncConfigs.put(functionName, config);
  return { body: configToWire(host, functionName, config) };
}

/** DELETE .../async-invoke-config; the deployed settings hold again. */
export async function deleteAsyncInvokeConfig(
  host: FunctionHost,
  call: FcCall,
): Promise<GatewayReply> {
  const { functionName } = host.functionNamed(call.functionName);
  await host.store.asyncConfigs.remove(functionName);
  return { status: 204 };
}

function trackedTask(host: FunctionHost, call: FcCall): AsyncTask {
  const { functionName } = host.functionNamed(call.functionName);
  const task = host.store.task(functionName, call.item);
  if (task?.tracked !== true) throw fcErrors.taskNotFound(call.item);
  return task;
}

function taskToWire(host: FunctionHost, task: AsyncTask, withPayload: boolean): unknown {
  const { endedAtMs, enqueuedAtMs } = task;
  return {
    taskId: task.taskId,
    requestId: task.requestId,
    functionArn: functionArn(host, task.functionName),
    qualifier: 'LATEST',
    status: task.status,
    startedTime: enqueuedAtMs,
    endTime: endedAtMs ?? 0,
    durationMs: endedAtMs === undefined ? 0 : endedAtMs - enqueuedAtMs,
    alreadyRetriedTimes: Math.max(0, task.failures - (task.status === 'Failed' ? 1 : 0)),
    instanceId: task.instanceId,
    taskErrorMessage: task.error,
    events: task.events,
    ...(withPayload ? { taskPayload: Buffer.from(task.payload).toString('utf8') } : {}),
  };
}

function configToWire(host: FunctionHost, functionName: string, config: AsyncInvokeConfig) {
  return { functionArn: functionArn(host, functionName), ...config };
}

function functionArn(host: FunctionHost, functionName: string): string {
  return `acs:fc:${host.region}:${host.accountId}:functions/${functionName}`;
}

function inRange(
  body: Readonly<Record<string, unknown>>,
  name: 'maxAsyncRetryAttempts' | 'maxAsyncEventAgeInSeconds',
  min: number,
  max: number,
): Partial<Record<typeof name, number>> {
  const value = body[name];
  if (value === undefined || value === null) return {};
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
    return { [name]: value };
  }
  throw fcErrors.invalidArgument(`${name} is ${String(value)}, must be ${min} to ${max}`);
}
