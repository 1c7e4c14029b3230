import type { GatewayReply } from '../acs-signature/gateway.ts';
import type { TriggerDefinition } from './definition.ts';
import { fcErrors } from './errors.ts';
import { type FcCall, isRecord, jsonObject, objectFromJson, page } from './fc-call.ts';
import type { FunctionHost } from './host.ts';
import { TRIGGER_NAME } from './limits.ts';
import type { FunctionTrigger } from './triggers.ts';

/** POST .../triggers */
export async function createTrigger(host: FunctionHost, call: FcCall): Promise<GatewayReply> {
  const { functionName } = host.functionNamed(call.functionName);
  const definition = triggerFromWire(jsonObject(call));
  if (definition.triggerType === 'http') {
    throw fcErrors.invalidArgument('the emulator makes HTTP triggers at its start only');
  }
  const created = await host.triggers.create(functionName, definition);
  return { body: triggerToWire(host, created) };
}

/** GET .../triggers/{item} */
export function getTrigger(host: FunctionHost, call: FcCall): GatewayReply {
  const { functionName } = host.functionNamed(call.functionName);
  return { body: triggerToWire(host, host.triggers.get(functionName, call.item)) };
}

/** GET .../triggers */
export function listTriggers(host: FunctionHost, call: FcCall): GatewayReply {
  const { functionName } = host.functionNamed(call.functionName);
  const prefix = call.query.get('prefix') ?? '';
  const nameOf = (trigger: FunctionTrigger) => trigger.definition.triggerName;
  const all = host.triggers.of(functionName).filter((t) => nameOf(t).startsWith(prefix));
  const { items, nextToken } = page(call, all, nameOf);
  return { body: { triggers: items.map((t) => triggerToWire(host, t)), nextToken } };
}

/** PUT .../triggers/{item}: description, role and config; type and source stay. */
export async function updateTrigger(host: FunctionHost, call: FcCall): Promise<GatewayReply> {
  const { functionName } = host.functionNamed(call.functionName);
  const before = host.triggers.get(functionName, call.item).definition;
  const changed = triggerFromWire({
    ...before,
    triggerConfig: JSON.stringify(before.triggerConfig),
    ...pick(jsonObject(call), ['description', 'invocationRole', 'triggerConfig']),
  });
  const updated = await host.triggers.update(functionName, changed);
  return { body: triggerToWire(host, updated) };
}

/** DELETE .../triggers/{item} */
export async function deleteTrigger(host: FunctionHost, call: FcCall): Promise<GatewayReply> {
  const { functionName } = host.functionNamed(call.functionName);
  await host.triggers.delete(functionName, call.item);
  return { status: 204 };
}

/** The trigger that a CreateTriggerInput means. @throws the vendor's refusal */
function triggerFromWire(input: Readonly<Record<string, unknown>>): TriggerDefinition {
  const { triggerName, triggerType, sourceArn, invocationRole, description } = input;
  if (typeof triggerName !== 'string' || !TRIGGER_NAME.test(triggerName)) {
    throw fcErrors.invalidArgument(`trigger name '${String(triggerName)}' is invalid`);
  }
  const config = objectFromJson(input.triggerConfig, 'triggerConfig');
  const base = {
    triggerName,
    ...(typeof invocationRole === 'string' ? { invocationRole } : {}),
    ...(typeof description === 'string' ? { description } : {}),
  };
  switch (triggerType) {
    case 'timer':
      return { ...base, triggerType, triggerConfig: timerConfig(config) };
    case 'oss':
      return {
        ...base,
        triggerType,
        triggerConfig: ossConfig(config),
        sourceArn: typeof sourceArn === 'string' ? sourceArn : '',
      };
    case 'http':
      return { ...base, triggerType, triggerConfig: httpConfig(config) };
    default:
      throw fcErrors.invalidArgument(`trigger type '${String(triggerType)}' is not supported`);
  }
}

function timerConfig({ cronExpression, enable, payload }: Readonly<Record<string, unknown>>) {
  if (typeof cronExpression !== 'string') {
    throw fcErrors.invalidArgument('triggerConfig.cronExpression is missing');
  }
  return {
    cronExpression,
    enable: enable === true,
    payload: typeof payload === 'string' ? payload : '',
  };
}

function ossConfig({ events, filter }: Readonly<Record<string, unknown>>) {
  const key = isRecord(filter) && isRecord(filter.key) ? filter.key : {};
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const list: unknown[] = Array.isArray(events) ? events : [];
  return {
    events: list.map(text),
    filter: { key: { prefix: text(key.prefix), suffix: text(key.suffix) } },
  };
}

function httpConfig({ authType, methods }: Readonly<Record<string, unknown>>) {
  const list: unknown[] = Array.isArray(methods) ? methods : [];
  const type = authType === 'anonymous' ? authType : 'function';
  return { authType: type, methods: list.map(String) } as const;
}

function triggerToWire(host: FunctionHost, trigger: FunctionTrigger): unknown {
  const { definition, functionName, triggerId, createdTime, lastModifiedTime } = trigger;
  return {
    triggerId,
    triggerName: definition.triggerName,
    triggerType: definition.triggerType,
    triggerConfig: JSON.stringify(definition.triggerConfig),
    description: definition.description ?? '',
    invocationRole: definition.invocationRole ?? '',
    sourceArn: definition.triggerType === 'oss' ? definition.sourceArn : '',
    targetArn: `acs:fc:${host.region}:${host.accountId}:functions/${functionName}`,
    qualifier: 'LATEST',
    createdTime,
    lastModifiedTime,
  };
}

function pick(
  from: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(names.flatMap((name) => (name in from ? [[name, from[name]]] : [])));
}
