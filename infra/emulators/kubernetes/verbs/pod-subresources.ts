/** What only pods and service accounts have: binding, eviction, ephemeral containers, tokens. */
import { checkNamespace } from '../admission/namespace-lifecycle.ts';
import type { Cluster } from '../cluster.ts';
import { invalidField, invalidObject } from '../field-error.ts';
import { parseObjectBody } from '../http/body.ts';
import { jsonReply, type Reply } from '../http/reply.ts';
import {
  ensureObject,
  type JsonObject,
  numberAt,
  objectAt,
  objectsAt,
  textAt,
  textsAt,
} from '../json-tree.ts';
import { matchesLabelSelector } from '../read/label-selector.ts';
import { timeText } from '../schema/scalars.ts';
import { badRequest, conflict, StatusError } from '../status-error.ts';
import { prefixOf } from '../storage/keys.ts';
import { parseStored } from '../storage/store-event.ts';
import type { TokenIssuer } from '../tokens/token-issuer.ts';
import { deleteObject } from '../write/delete-object.ts';
import { isDeleting, metadataOf } from '../write/object-meta.ts';
import { updateObject } from '../write/update-object.ts';
import { readObject } from './read-verbs.ts';
import { bodyType, type ResourceRequest, writerOf } from './resource-request.ts';

function success(code: number): Reply {
  return jsonReply(code, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    code,
  });
}

function bind(
  pod: JsonObject,
  node: string,
  name: string,
  binding: JsonObject,
  nowMs: number,
): JsonObject {
  const spec = ensureObject(pod, 'spec');
  const assigned = textAt(spec, 'nodeName');
  const subject = { group: '', plural: 'pods/binding', name };
  if (isDeleting(pod)) {
    throw conflict(subject, `pod ${name} is being deleted, cannot be assigned to a host`);
  }
  if (assigned !== '')
    throw conflict(subject, `pod ${name} is already assigned to node ${JSON.stringify(assigned)}`);
  spec.nodeName = node;
  const annotations = objectAt(binding, 'metadata', 'annotations');
  if (annotations !== undefined) {
    const metadata = metadataOf(pod);
    metadata.annotations = { ...objectAt(metadata, 'annotations'), ...annotations };
  }
  const status = ensureObject(pod, 'status');
  const others = objectsAt(status, 'conditions').filter((c) => c.type !== 'PodScheduled');
  const lastTransitionTime = timeText(nowMs);
  status.conditions = [
    ...others,
    { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime },
  ];
  return pod;
}

/** POST of `pods/<name>/binding`: puts the pod on a node. @throws StatusError */
export async function bindingVerb(cluster: Cluster, request: ResourceRequest): Promise<Reply> {
  const { resource, namespace, name = '' } = request;
  const { writer } = writerOf(request, 'CreateOptions');
  const binding = parseObjectBody(request.body, bodyType(request), 'Binding');
  checkNamespace(cluster, { resource, namespace, object: { metadata: { name } } });
  const node = textAt(binding, 'target', 'name');
  if (node === '') throw badRequest('target.name: Required value');
  const change = (pod: JsonObject): JsonObject => bind(pod, node, name, binding, cluster.now());
  const update = {
    resource,
    namespace,
    name,
    subresource: 'binding',
    writer,
    change,
    tracked: true,
  };
  await updateObject(cluster, update);
  return success(201);
}

function budgetsOf(cluster: Cluster, pod: JsonObject, namespace: string): JsonObject[] {
  const budgets: JsonObject[] = [];
  const labels = objectAt(pod, 'metadata', 'labels') ?? {};
  for (const { json } of cluster.store.scan(prefixOf('poddisruptionbudgets.policy', namespace))) {
    const budget = parseStored(json);
    const selector = objectAt(budget, 'spec', 'selector');
    if (selector !== undefined && matchesLabelSelector(selector, labels)) budgets.push(budget);
  }
  return budgets;
}

function markEvicted(pod: JsonObject, nowMs: number): JsonObject {
  const status = ensureObject(pod, 'status');
  const others = objectsAt(status, 'conditions').filter((c) => c.type !== 'DisruptionTarget');
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: timeText(nowMs),
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
  };
  status.conditions = [...others, condition];
  return pod;
}

/** POST of `pods/<name>/eviction`: deletes the pod if its budget allows. @throws StatusError */
export async function evictionVerb(cluster: Cluster, request: ResourceRequest): Promise<Reply> {
  const { resource, namespace = '', name = '' } = request;
  const { writer } = writerOf(request, 'CreateOptions');
  const eviction = parseObjectBody(request.body, bodyType(request), 'Eviction');
  checkNamespace(cluster, { resource, namespace, object: { metadata: { name } } });
  const pod = readObject(cluster, request);
  const budgets = budgetsOf(cluster, pod, namespace);
  const blocked = budgets.some((b) => (numberAt(b, 'status', 'disruptionsAllowed') ?? 0) < 1);
  const running = !['Succeeded', 'Failed', 'Pending'].includes(textAt(pod, 'status', 'phase'));
  if (blocked && running && !isDeleting(pod)) {
    throw new StatusError({
      code: 429,
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: budgets.map((budget) => ({
          reason: 'DisruptionBudget',
          message:
            `The disruption budget ${textAt(budget, 'metadata', 'name')} needs ` +
            `${numberAt(budget, 'status', 'desiredHealthy') ?? 0} healthy pods and has ` +
            `${numberAt(budget, 'status', 'currentHealthy') ?? 0} currently`,
        })),
      },
    });
  }
  const change = (current: JsonObject): JsonObject => markEvicted(current, cluster.now());
  if (!writer.dryRun && !isDeleting(pod)) {
    const update = {
      resource,
      namespace,
      name,
      subresource: 'eviction',
      writer,
      change,
      tracked: true,
    };
    await updateObject(cluster, update);
  }
  const grace = numberAt(eviction, 'deleteOptions', 'gracePeriodSeconds');
  const options = grace === undefined ? {} : { gracePeriodSeconds: grace };
  await deleteObject(cluster, { resource, namespace, name, options, writer });
  return success(201);
}

/** Seconds that a token is valid when none are asked for. */
const tokenSecondsDefault = 3600;
/** Seconds that a token must at least be asked for. @see pkg/apis/authentication/validation */
const tokenSecondsMin = 600;

/** POST of `serviceaccounts/<name>/token`: an opaque token that this server accepts. */
export function tokenVerb(cluster: Cluster, issuer: TokenIssuer, request: ResourceRequest): Reply {
  const { namespace = '', name = '' } = request;
  const target = { metadata: { name } };
  checkNamespace(cluster, { resource: request.resource, namespace, object: target });
  const account = readObject(cluster, request);
  const asked = parseObjectBody(request.body, bodyType(request), 'TokenRequest');
  const seconds = numberAt(asked, 'spec', 'expirationSeconds') ?? tokenSecondsDefault;
  if (seconds < tokenSecondsMin) {
    const error = invalidField(
      'spec.expirationSeconds',
      seconds,
      'may not specify a duration less than 10 minutes',
    );
    const kind = { group: 'authentication.k8s.io', kind: 'TokenRequest', name: '' };
    throw invalidObject(kind, [error]);
  }
  const expiresAtMs = cluster.now() + seconds * 1000;
  const uid = textAt(account, 'metadata', 'uid');
  const token = issuer.issue({ namespace, name, uid, expiresAtMs });
  const audiences = textsAt(asked, 'spec', 'audiences');
  return jsonReply(201, {
    kind: 'TokenRequest',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { name, namespace, creationTimestamp: timeText(cluster.now()) },
    spec: {
      audiences: audiences.length > 0 ? audiences : ['https://kubernetes.default.svc'],
      expirationSeconds: seconds,
      boundObjectRef: objectAt(asked, 'spec', 'boundObjectRef') ?? null,
    },
    status: { token, expirationTimestamp: timeText(expiresAtMs) },
  });
}
