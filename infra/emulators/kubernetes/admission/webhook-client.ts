/** Calling one admission webhook over HTTP. */
import { randomUUID } from 'node:crypto';
import { Agent, request as send } from 'undici';
import { isObject, type JsonObject, numberAt, objectAt, textAt } from '../json-tree.ts';
import { keyOf } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { parseStored } from '../storage/store-event.ts';

/** The webhook could not be asked; its failure policy decides. */
export class WebhookCallError extends Error {}

/** What the webhook said. */
export interface WebhookAnswer {
  readonly allowed: boolean;
  readonly status: JsonObject | undefined;
  readonly warnings: readonly string[];
  /** A JSON patch, decoded. */
  readonly patch: unknown;
}

/** Timeout of a webhook that names none. @see admissionregistration/v1 timeoutSeconds */
const defaultTimeoutSeconds = 10;

function serviceFailure(store: ObjectStore, service: JsonObject): string {
  const name = textAt(service, 'name');
  const key = keyOf({ resource: 'services', namespace: textAt(service, 'namespace'), name });
  const json = store.read(key);
  if (json === undefined) return `service "${name}" not found`;
  const ip = textAt(parseStored(json), 'spec', 'clusterIP');
  const port = numberAt(service, 'port') ?? 443;
  return `dial tcp ${ip}:${port}: connect: connection refused`;
}

function addressOf(hook: JsonObject): string {
  const url = textAt(hook, 'clientConfig', 'url');
  if (url !== '') return url;
  const service = objectAt(hook, 'clientConfig', 'service') ?? {};
  const host = `${textAt(service, 'name')}.${textAt(service, 'namespace')}.svc`;
  return `https://${host}:${numberAt(service, 'port') ?? 443}${textAt(service, 'path') || '/'}`;
}

/** A failed connection in Go's words, since clients look for them in messages. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  if (error.name.includes('Timeout')) return 'context deadline exceeded';
  if (error.cause instanceof Error && error.cause.message !== '') return reasonOf(error.cause);
  return error.message.replace(
    /^connect ECONNREFUSED (.+)$/,
    'dial tcp $1: connect: connection refused',
  );
}

function agentOf(hook: JsonObject): Agent | undefined {
  const bundle = textAt(hook, 'clientConfig', 'caBundle');
  return bundle === ''
    ? undefined
    : new Agent({ connect: { ca: Buffer.from(bundle, 'base64').toString('utf8') } });
}

function readAnswer(body: unknown, uid: string): WebhookAnswer {
  const response = objectAt(body, 'response');
  if (response === undefined) {
    throw new WebhookCallError('received invalid webhook response: webhook response was absent');
  }
  if (response.uid !== uid) {
    throw new WebhookCallError(
      `received invalid webhook response: expected response.uid="${uid}", ` +
        `got "${textAt(response, 'uid')}"`,
    );
  }
  const patchText = textAt(response, 'patch');
  const patch: unknown =
    patchText === '' ? undefined : JSON.parse(Buffer.from(patchText, 'base64').toString('utf8'));
  const warnings: unknown[] = Array.isArray(response.warnings) ? response.warnings : [];
  return {
    allowed: response.allowed === true,
    status: isObject(response.status) ? response.status : undefined,
    warnings: warnings.filter((w) => typeof w === 'string'),
    patch,
  };
}

/** Asks a webhook about a request. @throws WebhookCallError */
export async function callWebhook(
  store: ObjectStore,
  hook: JsonObject,
  request: JsonObject,
): Promise<WebhookAnswer> {
  const seconds = numberAt(hook, 'timeoutSeconds') ?? defaultTimeoutSeconds;
  const address = addressOf(hook);
  const joined = `${address}${address.includes('?') ? '&' : '?'}timeout=${seconds}s`;
  const failed = (why: string): WebhookCallError =>
    new WebhookCallError(`failed to call webhook: Post "${joined}": ${why}`);
  const service = objectAt(hook, 'clientConfig', 'service');
  // No packet reaches a Service's address in here: there is no network of pods.
  if (service !== undefined) throw failed(serviceFailure(store, service));
  const uid = randomUUID();
  const review = {
    kind: 'AdmissionReview',
    apiVersion: 'admission.k8s.io/v1',
    request: { uid, ...request },
  };
  const agent = agentOf(hook);
  let body: unknown;
  try {
    const reply = await send(joined, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(review),
      headersTimeout: seconds * 1000,
      bodyTimeout: seconds * 1000,
      ...(agent === undefined ? {} : { dispatcher: agent }),
    });
    if (reply.statusCode >= 300) {
      await reply.body.dump();
      throw new WebhookCallError(
        'failed to call webhook: an error on the server ("") has prevented the request from succeeding',
      );
    }
    body = await reply.body.json();
  } catch (error) {
    if (error instanceof WebhookCallError) throw error;
    throw failed(reasonOf(error));
  } finally {
    await agent?.close();
  }
  return readAnswer(body, uid);
}
