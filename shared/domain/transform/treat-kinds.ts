/** What objects of single kinds lose or gain on the way in; `treatment-rules.ts` says when and why. */
import { currentWorkloadVersion } from '../api-versions/conversions.ts';
import { type JsonObject, objectAt, objectsAt } from '../json.ts';
import type { KubeObject } from '../kube-object.ts';

/** Takes fields away; one line per field that was there. */
export function drop(
  holder: JsonObject | undefined,
  ...fields: readonly string[]
): readonly string[] {
  const changes: string[] = [];
  for (const field of fields) {
    if (holder?.[field] === undefined) continue;
    delete holder[field];
    changes.push(`${field}: left off`);
  }
  return changes;
}

/** Volumes and mounts of the token that the kubelet gives a pod. */
export function treatPodTokens(object: KubeObject): readonly string[] {
  const spec = objectAt(object, 'spec');
  if (spec === undefined) return [];
  const account = typeof spec.serviceAccountName === 'string' ? spec.serviceAccountName : 'default';
  const isToken = (name: unknown): boolean =>
    typeof name === 'string' &&
    (/^kube-api-access-[a-z0-9]{5}$/.test(name) || name.startsWith(`${account}-token-`));
  const tokens = objectsAt(spec, 'volumes').filter((v) => isToken(v.name));
  keepOnly(spec, 'volumes', (v) => !isToken(v.name));
  for (const list of ['containers', 'initContainers']) {
    for (const container of objectsAt(spec, list)) {
      keepOnly(container, 'volumeMounts', (m) => !isToken(m.name));
    }
  }
  return tokens.map((volume) => `volume ${String(volume.name)}: mounted anew`);
}

/** What the scheduler, the admission and debuggers wrote into a pod. */
export function treatPodFields(object: KubeObject): readonly string[] {
  const spec = objectAt(object, 'spec');
  if (spec === undefined) return [];
  // Priority and overhead are computed from classes; debugging containers cannot be created with a pod.
  const computed = ['nodeName', 'priority', 'preemptionPolicy', 'ephemeralContainers'];
  return drop(spec, ...computed, ...(spec.runtimeClassName === undefined ? [] : ['overhead']));
}

/** Filters the list of objects in a field; an empty list goes. */
function keepOnly(holder: JsonObject, field: string, keep: (item: JsonObject) => boolean): void {
  if (!Array.isArray(holder[field])) return;
  const kept = objectsAt(holder, field).filter(keep);
  if (kept.length === 0) delete holder[field];
  else holder[field] = kept;
}

const JOB_LABELS: readonly string[] = [
  'controller-uid',
  'batch.kubernetes.io/controller-uid',
  'job-name',
  'batch.kubernetes.io/job-name',
];

/** The selector and labels that were made of a job's UID and name. */
export function treatJob(object: KubeObject): readonly string[] {
  const spec = objectAt(object, 'spec');
  if (spec === undefined) return [];
  // A selector that the user wrote himself stays; ours is made from the new UID.
  if (spec.manualSelector === true) return [];
  return [
    ...drop(spec, 'selector'),
    ...drop(objectAt(spec, 'template', 'metadata', 'labels'), ...JOB_LABELS),
    ...drop(objectAt(object, 'metadata', 'labels'), ...JOB_LABELS),
  ];
}

/** References to the token secrets that the source made. */
export function treatServiceAccount(object: KubeObject): readonly string[] {
  const { name } = object.metadata;
  // The source's token controller made them: `<account>-token-<5 letters>`.
  const made = (secret: JsonObject): boolean =>
    typeof secret.name === 'string' &&
    secret.name.startsWith(`${name}-`) &&
    /^(token|dockercfg)-[a-z0-9]{5}$/.test(secret.name.slice(name.length + 1));
  const lost = objectsAt(object, 'secrets').filter(made);
  keepOnly(object, 'secrets', (secret) => !made(secret));
  return lost.map((secret) => `secret ${String(secret.name)}: made anew`);
}

/** The content of an account's token. */
export function treatSecret(object: KubeObject): readonly string[] {
  if (object.type !== 'kubernetes.io/service-account-token') return [];
  // The target's controller fills in a token of its own.
  drop(objectAt(object, 'data'), 'token', 'ca.crt', 'namespace');
  return ['token of the service account: given anew'];
}

const INJECTORS: readonly string[] = [
  'cert-manager.io/inject-ca-from',
  'cert-manager.io/inject-ca-from-secret',
  'cert-manager.io/inject-apiserver-ca',
  'service.beta.openshift.io/inject-cabundle',
];

/** An authority that an injector of the target writes again; one that a user wrote stays. */
export function treatAuthority(object: KubeObject): readonly string[] {
  const { annotations = {} } = object.metadata;
  if (!INJECTORS.some((name) => annotations[name] !== undefined)) return [];
  const holders = [
    ...objectsAt(object, 'webhooks').map((webhook) => objectAt(webhook, 'clientConfig')),
    objectAt(object, 'spec', 'conversion', 'webhook', 'clientConfig'),
    object.kind === 'APIService' ? objectAt(object, 'spec') : undefined,
  ];
  return holders.flatMap((holder) => drop(holder, 'caBundle')).slice(0, 1);
}

/** An autoscaler finds its workload by a version that is served. */
export function treatAutoscaler(object: KubeObject): readonly string[] {
  const reference = objectAt(object, 'spec', 'scaleTargetRef');
  const { apiVersion, kind } = reference ?? {};
  if (reference === undefined || typeof apiVersion !== 'string' || typeof kind !== 'string') {
    return [];
  }
  const current = currentWorkloadVersion({ apiVersion, kind });
  if (current === apiVersion) return [];
  reference.apiVersion = current;
  return [`scaleTargetRef: ${kind} ${apiVersion} -> ${current}`];
}

/** An application load balancer of the user's keeps the listeners that the other cluster gave it. */
export function treatAlbConfig(object: KubeObject): readonly string[] {
  const config = objectAt(object, 'spec', 'config');
  if (typeof config?.id !== 'string' || config.id === '') return [];
  const changes: string[] = [];
  for (const field of ['forceOverride', 'listenerForceOverride']) {
    if (config[field] !== true) continue;
    config[field] = false;
    changes.push(`${field}: false, so that ${config.id} stays as the other cluster has it`);
  }
  return changes;
}
