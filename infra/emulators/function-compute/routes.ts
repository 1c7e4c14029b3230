import { splitTarget } from '../acs-signature/canonical-text.ts';
import type { GatewayCall, GatewayReply } from '../acs-signature/gateway.ts';
import type { FunctionDefinition } from './definition.ts';
import { fcErrors } from './errors.ts';
import { type FcCall, fcCall, page } from './fc-call.ts';
import type { FunctionHost } from './host.ts';
import { invokeFunction } from './invoke-action.ts';
import {
  deleteAsyncInvokeConfig,
  getAsyncInvokeConfig,
  getAsyncTask,
  listAsyncTasks,
  putAsyncInvokeConfig,
  stopAsyncTask,
} from './task-actions.ts';
import {
  createTrigger,
  deleteTrigger,
  getTrigger,
  listTriggers,
  updateTrigger,
} from './trigger-actions.ts';

type FcAction = (host: FunctionHost, call: FcCall) => GatewayReply | Promise<GatewayReply>;

/** GET /2023-03-30/functions/{name} */
const getFunction: FcAction = (host, call) => ({
  body: functionToWire(host, host.functionNamed(call.functionName)),
});

/** GET /2023-03-30/functions */
const listFunctions: FcAction = (host, call) => {
  const prefix = call.query.get('prefix') ?? '';
  const all = [...host.functions.values()]
    .filter((f) => f.functionName.startsWith(prefix))
    .sort((a, b) => (a.functionName < b.functionName ? -1 : 1));
  const { items, nextToken } = page(call, all, (f) => f.functionName);
  return { body: { functions: items.map((f) => functionToWire(host, f)), nextToken } };
};

const routes = [
  route('GET', '', 'ListFunctions', listFunctions),
  route('GET', '/{f}', 'GetFunction', getFunction),
  route('POST', '/{f}/invocations', 'InvokeFunction', invokeFunction),
  route('GET', '/{f}/async-tasks', 'ListAsyncTasks', listAsyncTasks),
  route('GET', '/{f}/async-tasks/{item}', 'GetAsyncTask', getAsyncTask),
  route('PUT', '/{f}/async-tasks/{item}/stop', 'StopAsyncTask', stopAsyncTask),
  route('GET', '/{f}/async-invoke-config', 'GetAsyncInvokeConfig', getAsyncInvokeConfig),
  route('PUT', '/{f}/async-invoke-config', 'PutAsyncInvokeConfig', putAsyncInvokeConfig),
  route('DELETE', '/{f}/async-invoke-config', 'DeleteAsyncInvokeConfig', deleteAsyncInvokeConfig),
  route('POST', '/{f}/triggers', 'CreateTrigger', createTrigger),
  route('GET', '/{f}/triggers', 'ListTriggers', listTriggers),
  route('GET', '/{f}/triggers/{item}', 'GetTrigger', getTrigger),
  route('PUT', '/{f}/triggers/{item}', 'UpdateTrigger', updateTrigger),
  route('DELETE', '/{f}/triggers/{item}', 'DeleteTrigger', deleteTrigger),
];

/** The action that a method and path name; empty when none does. */
export function actionOf(method: string, url: string): string {
  return find(method, url)?.action ?? '';
}

/** Runs the action that a call names. @throws the vendor's refusals */
export async function runAction(host: FunctionHost, call: GatewayCall): Promise<GatewayReply> {
  const { method, url } = call.request;
  const found = find(method, url);
  if (found === undefined) throw fcErrors.pathNotSupported(splitTarget(url).path, method);
  if (call.caller.credential.accountId !== host.accountId) {
    throw fcErrors.accessDenied(`the caller is not of account '${host.accountId}'`);
  }
  return found.run(host, fcCall(call, found.functionName, found.item));
}

function route(method: string, path: string, action: string, run: FcAction) {
  const pattern = path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  return { method, path: new RegExp(`^/2023-03-30/functions${pattern}$`), action, run };
}

function find(method: string, url: string) {
  const { path } = splitTarget(url);
  for (const candidate of routes) {
    const match = candidate.method === method ? candidate.path.exec(path) : null;
    if (match === null) continue;
    const part = (key: string) => decodeURIComponent(match.groups?.[key] ?? '');
    const { action, run } = candidate;
    return { action, run, functionName: part('f'), item: part('item') };
  }
  return undefined;
}

function functionToWire(host: FunctionHost, definition: FunctionDefinition): unknown {
  const { functionName, initializer } = definition;
  return {
    functionName,
    functionArn: `acs:fc:${host.region}:${host.accountId}:functions/${functionName}`,
    runtime: 'nodejs20',
    handler: definition.handler,
    memorySize: definition.memorySize,
    cpu: definition.cpu,
    timeout: definition.timeout,
    role: definition.role ?? '',
    environmentVariables: definition.environmentVariables,
    instanceConcurrency: 1,
    state: 'Active',
    ...(initializer === undefined ? {} : { instanceLifecycleConfig: { initializer } }),
  };
}
