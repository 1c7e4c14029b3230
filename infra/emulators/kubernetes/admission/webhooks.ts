/** Mutating and validating admission webhooks: which are asked, in what order, with what effect. */

import { isObject, type JsonObject, objectAt, objectsAt, textAt, textsAt } from '../json-tree.ts';
import { applyJsonPatch } from '../patch/json-patch.ts';
import { matchesLabelSelector } from '../read/label-selector.ts';
import { apiVersionOf } from '../resources/resource-table.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import { badRequest, internalError, StatusError } from '../status-error.ts';
import { keyOf, placeOf, prefixOf } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { parseStored } from '../storage/store-event.ts';
import { withKind } from '../write/with-kind.ts';
import type { Writer } from '../writer.ts';
import { callWebhook, type WebhookAnswer, WebhookCallError } from './webhook-client.ts';

/** A write that webhooks may have something to say about. */
export interface Review {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE';
  readonly resource: ServedResource;
  readonly namespace: string | undefined;
  readonly subresource: string;
  readonly object: JsonObject | undefined;
  readonly old: JsonObject | undefined;
  readonly writer: Writer;
}

const mutatingKey = 'mutatingwebhookconfigurations.admissionregistration.k8s.io';
const validatingKey = 'validatingwebhookconfigurations.admissionregistration.k8s.io';

function matchesOne(patterns: readonly string[], value: string): boolean {
  return patterns.includes('*') || patterns.includes(value);
}

function matchesRule(rule: JsonObject, review: Review): boolean {
  const { info } = review.resource;
  if (!matchesOne(textsAt(rule, 'operations'), review.operation)) return false;
  if (!matchesOne(textsAt(rule, 'apiGroups'), info.group)) return false;
  if (!matchesOne(textsAt(rule, 'apiVersions'), info.version)) return false;
  const scope = textAt(rule, 'scope');
  if (scope === 'Cluster' && info.namespaced) return false;
  if (scope === 'Namespaced' && !info.namespaced) return false;
  return textsAt(rule, 'resources').some((pattern) => {
    const [resource = '', subresource = ''] = pattern.split('/');
    const sub = subresource === '*' || subresource === review.subresource;
    if (pattern === '*') return review.subresource === '';
    return sub && (resource === '*' || resource === info.plural);
  });
}

function labelsOf(object: JsonObject | undefined): JsonObject {
  return objectAt(object, 'metadata', 'labels') ?? {};
}

function reviewRequest(review: Review): JsonObject {
  const { info, apiVersion, custom } = review.resource;
  const wire = (object: JsonObject | undefined): unknown =>
    object === undefined ? null : withKind(object, { apiVersion, kind: info.kind, custom });
  const kind = { group: info.group, version: info.version, kind: info.kind };
  const resource = { group: info.group, version: info.version, resource: info.plural };
  const sub = review.subresource === '' ? {} : { subResource: review.subresource };
  const subject = review.object ?? review.old;
  return {
    kind,
    resource,
    ...sub,
    requestKind: kind,
    requestResource: resource,
    ...(review.subresource === '' ? {} : { requestSubResource: review.subresource }),
    name: textAt(subject, 'metadata', 'name'),
    ...(review.namespace === undefined ? {} : { namespace: review.namespace }),
    operation: review.operation,
    userInfo: { username: review.writer.user.user, groups: review.writer.user.groups },
    object: wire(review.object),
    oldObject: wire(review.old),
    dryRun: review.writer.dryRun,
    options: null,
  };
}

function denial(name: string, status: JsonObject | undefined): StatusError {
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`;
  const message = textAt(status, 'message');
  const reason = textAt(status, 'reason');
  const why = message || reason;
  const code = status?.code;
  const details = status?.details;
  return new StatusError({
    code: typeof code === 'number' && code >= 400 ? code : 400,
    ...(reason === '' ? {} : { reason }),
    message: why === '' ? `${denied} without explanation` : `${denied}: ${why}`,
    ...(isObject(details) ? { details } : {}),
  });
}

/** The webhooks of a cluster, kept in step with their configurations. */
export class Webhooks {
  private readonly store: ObjectStore;
  private readonly cached = new Map<string, readonly JsonObject[]>();

  constructor(store: ObjectStore) {
    this.store = store;
    store.onCommit(({ key }) => this.cached.delete(placeOf(key).resource));
  }

  private configured(resource: string): readonly JsonObject[] {
    const known = this.cached.get(resource);
    if (known !== undefined) return known;
    const hooks: JsonObject[] = [];
    for (const { json } of this.store.scan(prefixOf(resource))) {
      hooks.push(...objectsAt(parseStored(json), 'webhooks'));
    }
    this.cached.set(resource, hooks);
    return hooks;
  }

  private applies(hook: JsonObject, review: Review): boolean {
    // The kinds that configure admission are exempt from it, else nobody could repair it.
    if (review.resource.info.group === 'admissionregistration.k8s.io') return false;
    if (!objectsAt(hook, 'rules').some((rule) => matchesRule(rule, review))) return false;
    const selector = objectAt(hook, 'objectSelector');
    const candidates = [review.object, review.old].filter((o) => o !== undefined);
    if (!candidates.some((o) => matchesLabelSelector(selector, labelsOf(o)))) return false;
    const namespaceSelector = objectAt(hook, 'namespaceSelector');
    if (review.resource.storageKey === 'namespaces') {
      return matchesLabelSelector(namespaceSelector, labelsOf(candidates[0]));
    }
    if (review.namespace === undefined) return true;
    const key = keyOf({ resource: 'namespaces', namespace: undefined, name: review.namespace });
    const json = this.store.read(key);
    const labels = json === undefined ? {} : labelsOf(parseStored(json));
    return matchesLabelSelector(namespaceSelector, labels);
  }

  private async ask(hook: JsonObject, review: Review): Promise<WebhookAnswer | undefined> {
    const name = textAt(hook, 'name');
    const harmless = ['None', 'NoneOnDryRun'].includes(textAt(hook, 'sideEffects'));
    if (review.writer.dryRun && !harmless) {
      throw badRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`);
    }
    try {
      const answer = await callWebhook(this.store, hook, reviewRequest(review));
      review.writer.warnings.push(...answer.warnings);
      if (!answer.allowed) throw denial(name, answer.status);
      return answer;
    } catch (error) {
      if (!(error instanceof WebhookCallError)) throw error;
      if (hook.failurePolicy === 'Ignore') return undefined;
      throw internalError(`failed calling webhook ${JSON.stringify(name)}: ${error.message}`);
    }
  }

  /** Lets mutating webhooks change the object. @throws StatusError */
  async mutate(review: Review & { readonly object: JsonObject }): Promise<JsonObject> {
    let object = review.object;
    for (const hook of this.configured(mutatingKey)) {
      const now = { ...review, object };
      if (!this.applies(hook, now)) continue;
      const answer = await this.ask(hook, now);
      if (Array.isArray(answer?.patch)) object = patched(review.resource, object, answer.patch);
    }
    return object;
  }

  /** Lets validating webhooks refuse the object. @throws StatusError */
  async validate(review: Review): Promise<void> {
    for (const hook of this.configured(validatingKey)) {
      if (this.applies(hook, review)) await this.ask(hook, review);
    }
  }

  /** Lets webhooks refuse a deletion. @throws StatusError */
  async validateDeletion(request: {
    readonly resource: ServedResource;
    readonly namespace: string | undefined;
    readonly name: string;
    readonly writer: Writer;
  }): Promise<void> {
    const hooks = [...this.configured(mutatingKey), ...this.configured(validatingKey)];
    if (hooks.length === 0) return;
    const { resource, namespace, name } = request;
    const json = this.store.read(keyOf({ resource: resource.storageKey, namespace, name }));
    if (json === undefined) return;
    const old = resource.codec.fromStorage(parseStored(json));
    const review: Review = {
      ...request,
      operation: 'DELETE',
      subresource: '',
      object: undefined,
      old,
    };
    for (const hook of hooks) if (this.applies(hook, review)) await this.ask(hook, review);
  }
}

function patched(resource: ServedResource, object: JsonObject, patch: unknown[]): JsonObject {
  const { info, custom } = resource;
  const type = { apiVersion: apiVersionOf(info), kind: info.kind, custom };
  try {
    const result = applyJsonPatch(withKind(object, type), patch);
    const decoded = resource.codec.decode(result).object;
    resource.codec.applyDefaults(decoded);
    return resource.codec.encode(decoded);
  } catch (error) {
    throw internalError(error instanceof Error ? error.message : 'the patch does not apply');
  }
}
