/** What a pod, or the pod template of a workload, mounts and names in its namespace. */
import { isJsonObject, type JsonObject } from './json.ts';

/** Kinds of things a pod refers to. */
type PodReferenceKind =
  | 'claim'
  | 'config-map'
  | 'secret'
  | 'service-account'
  | 'priority-class'
  | 'runtime-class';

/** One name found in a pod spec. */
export interface PodReference {
  readonly kind: PodReferenceKind;
  readonly name: string;
}

/** The pod spec inside an object of one of the workload kinds. */
export function podSpecOf(object: JsonObject): JsonObject | undefined {
  const spec = child(object, 'spec');
  if (object.kind === 'Pod') return spec;
  if (object.kind === 'PodTemplate') return child(child(object, 'template'), 'spec');
  const holder = object.kind === 'CronJob' ? child(child(spec, 'jobTemplate'), 'spec') : spec;
  return child(child(holder, 'template'), 'spec');
}

/** Every reference of a pod spec; names may repeat. */
export function podReferences(spec: JsonObject): readonly PodReference[] {
  const found: PodReference[] = [];
  const add = (kind: PodReferenceKind, name: unknown) => {
    if (typeof name === 'string' && name !== '') found.push({ kind, name });
  };
  add('service-account', spec.serviceAccountName ?? spec.serviceAccount);
  add('priority-class', spec.priorityClassName);
  add('runtime-class', spec.runtimeClassName);
  for (const secret of children(spec, 'imagePullSecrets')) add('secret', secret.name);
  for (const volume of children(spec, 'volumes')) addVolume(volume, add);
  for (const list of ['containers', 'initContainers', 'ephemeralContainers']) {
    for (const container of children(spec, list)) addEnvironment(container, add);
  }
  return found;
}

type Add = (kind: PodReferenceKind, name: unknown) => void;

function addVolume(volume: JsonObject, add: Add): void {
  add('claim', child(volume, 'persistentVolumeClaim')?.claimName);
  add('config-map', child(volume, 'configMap')?.name);
  add('secret', child(volume, 'secret')?.secretName);
  add('secret', child(volume, 'azureFile')?.secretName);
  for (const source of children(child(volume, 'projected'), 'sources')) {
    add('config-map', child(source, 'configMap')?.name);
    add('secret', child(source, 'secret')?.name);
  }
  // csi, flexVolume, cephfs, rbd, iscsi, ...: the secret to mount with has one of two names.
  for (const driver of Object.values(volume)) {
    if (!isJsonObject(driver)) continue;
    add('secret', child(driver, 'secretRef')?.name);
    add('secret', child(driver, 'nodePublishSecretRef')?.name);
  }
}

function addEnvironment(container: JsonObject, add: Add): void {
  for (const source of children(container, 'envFrom')) {
    add('config-map', child(source, 'configMapRef')?.name);
    add('secret', child(source, 'secretRef')?.name);
  }
  for (const variable of children(container, 'env')) {
    const from = child(variable, 'valueFrom');
    add('config-map', child(from, 'configMapKeyRef')?.name);
    add('secret', child(from, 'secretKeyRef')?.name);
  }
}

/** A field that is an object. */
export function child(object: JsonObject | undefined, field: string): JsonObject | undefined {
  const value = object?.[field];
  return isJsonObject(value) ? value : undefined;
}

/** The objects in a field that is a list. */
export function children(object: JsonObject | undefined, field: string): readonly JsonObject[] {
  const value = object?.[field];
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
