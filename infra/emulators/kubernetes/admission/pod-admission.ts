/** What the built-in plugins make of a new pod: service account, priority, tolerations. */
import { randomInt } from 'node:crypto';
import type { Cluster } from '../cluster.ts';
import {
  ensureObject,
  type JsonObject,
  listAt,
  numberAt,
  objectAt,
  objectsAt,
  setDefault,
  textAt,
} from '../json-tree.ts';
import { badRequest, forbidden, notFound, type StatusError } from '../status-error.ts';
import { keyOf, prefixOf } from '../storage/keys.ts';
import { parseStored } from '../storage/store-event.ts';

const tokenMountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Validity of projected tokens: an hour and seven seconds, to be told apart from other ones. */
const tokenSeconds = 3607;
/** How long a pod stays on a node that is gone. @see plugin/pkg/admission/defaulttolerationseconds */
const tolerationSeconds = 300;

function refuse(pod: JsonObject, why: string): StatusError {
  return forbidden({ group: '', plural: 'pods', name: textAt(pod, 'metadata', 'name') }, why);
}

function read(cluster: Cluster, resource: string, namespace: string | undefined, name: string) {
  const json = cluster.store.read(keyOf({ resource, namespace, name }));
  return json === undefined ? undefined : parseStored(json);
}

function serviceAccount(cluster: Cluster, namespace: string, pod: JsonObject): void {
  const spec = ensureObject(pod, 'spec');
  const mirror = objectAt(pod, 'metadata', 'annotations')?.['kubernetes.io/config.mirror'];
  if (mirror !== undefined) return;
  const name = textAt(spec, 'serviceAccountName') || 'default';
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
  const account = read(cluster, 'serviceaccounts', namespace, name);
  if (account === undefined) {
    const missing = notFound({ group: '', plural: 'serviceaccount', name }).message;
    throw refuse(pod, `error looking up service account ${namespace}/${name}: ${missing}`);
  }
  const wantsToken = spec.automountServiceAccountToken ?? account.automountServiceAccountToken;
  if (wantsToken !== false) mountToken(spec);
  if (objectsAt(spec, 'imagePullSecrets').length === 0) {
    const secrets = objectsAt(account, 'imagePullSecrets');
    if (secrets.length > 0) spec.imagePullSecrets = secrets.map((s) => ({ name: s.name }));
  }
}

function tokenVolume(name: string): JsonObject {
  const namespaceField = { apiVersion: 'v1', fieldPath: 'metadata.namespace' };
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        { downwardAPI: { items: [{ path: 'namespace', fieldRef: namespaceField }] } },
      ],
      defaultMode: 420,
    },
  };
}

const letters = 'bcdfghjklmnpqrstvwxz2456789';

function mountToken(spec: JsonObject): void {
  const suffix = Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('');
  const name = `kube-api-access-${suffix}`;
  let used = false;
  for (const container of [
    ...objectsAt(spec, 'initContainers'),
    ...objectsAt(spec, 'containers'),
  ]) {
    const mounts = objectsAt(container, 'volumeMounts');
    if (mounts.some((mount) => mount.mountPath === tokenMountPath)) continue;
    const mount = { name, readOnly: true, mountPath: tokenMountPath };
    container.volumeMounts = [...mounts, mount];
    used = true;
  }
  if (used) spec.volumes = [...listAt(spec, 'volumes'), tokenVolume(name)];
}

function priority(cluster: Cluster, pod: JsonObject): void {
  const spec = ensureObject(pod, 'spec');
  const className = textAt(spec, 'priorityClassName');
  let found: JsonObject | undefined;
  if (className !== '') {
    found = read(cluster, 'priorityclasses.scheduling.k8s.io', undefined, className);
    if (found === undefined) throw refuse(pod, `no PriorityClass with name ${className} was found`);
  } else {
    for (const { json } of cluster.store.scan(prefixOf('priorityclasses.scheduling.k8s.io'))) {
      const candidate = parseStored(json);
      if (candidate.globalDefault === true) found = candidate;
    }
    if (found !== undefined) spec.priorityClassName = textAt(found, 'metadata', 'name');
  }
  const value = numberAt(found, 'value') ?? 0;
  const given = numberAt(spec, 'priority');
  if (given !== undefined && given !== value) {
    throw refuse(
      pod,
      `the integer value of priority (${given}) must not be provided in pod spec; ` +
        `priority admission controller computed ${value} from the given PriorityClass name`,
    );
  }
  spec.priority = value;
  setDefault(spec, 'preemptionPolicy', textAt(found, 'preemptionPolicy') || 'PreemptLowerPriority');
}

function tolerations(pod: JsonObject): void {
  const spec = ensureObject(pod, 'spec');
  const given = objectsAt(spec, 'tolerations');
  const covers = (key: string): boolean =>
    given.some(
      (t) =>
        (t.key === key || textAt(t, 'key') === '') &&
        (t.effect === 'NoExecute' || textAt(t, 'effect') === ''),
    );
  const added = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']
    .filter((key) => !covers(key))
    .map((key) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds }));
  if (added.length > 0) spec.tolerations = [...given, ...added];
}

/** Completes a new pod as the built-in plugins do. @throws StatusError 403 */
export function admitPod(cluster: Cluster, namespace: string, pod: JsonObject): void {
  if (namespace === '') throw badRequest('a pod needs a namespace');
  serviceAccount(cluster, namespace, pod);
  tolerations(pod);
  priority(cluster, pod);
}
