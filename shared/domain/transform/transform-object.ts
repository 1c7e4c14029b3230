/**
 * Turns a stored object into the one to create: history stripped, kinds treated, names mapped. The rule
 * set has a version; objects are stored whole, so old backups gain from new rules.
 */
import { type ImageRules, mapImages } from '../image-mapping.ts';
import { isJsonObject, type JsonObject, objectAt, objectsAt } from '../json.ts';
import type { KubeObject } from '../kube-object.ts';
import { mapNamespaces, type NamespaceMapping } from '../namespace-mapping.ts';
import { stripMetadata } from './strip-metadata.ts';
import { treatService } from './treat-service.ts';

/** What a restore asks of every object. */
export interface TransformOptions {
  readonly namespaceMapping: NamespaceMapping;
  readonly imageRules: ImageRules;
  /** false gives fresh node ports where the user set none; else they are kept while free. */
  readonly preserveNodePorts: boolean | undefined;
  /**
   * Name in the target of the volume that a claim was bound to; undefined where it is neither restored
   * nor there, so that the claim must not wait for it.
   */
  volumeName(name: string): string | undefined;
}

/** Changes `object` in place; returns what a user should know of, one line per change. */
export function transformObject(object: KubeObject, options: TransformOptions): string[] {
  const changes: string[] = [];
  const treat = TREATMENTS[object.kind];
  if (treat !== undefined) changes.push(...treat(object, options));
  stripMetadata(object);
  changes.push(...mapNamespaces(object, options.namespaceMapping));
  changes.push(...mapImages(object, options.imageRules));
  return changes;
}

type Treatment = (object: KubeObject, options: TransformOptions) => readonly string[];

/** Per kind, what goes beyond metadata and status (VEL §2.4). */
const TREATMENTS: Readonly<Record<string, Treatment>> = {
  Namespace: (object) => drop(object, 'spec'),
  Pod: (object) => treatPod(object),
  Service: (object, options) => treatService(object, options.preserveNodePorts),
  Job: (object) => treatJob(object),
  ServiceAccount: (object) => treatServiceAccount(object),
  Secret: (object) => treatSecret(object),
  PersistentVolume: (object) => treatVolume(object),
  PersistentVolumeClaim: (object, options) => treatClaim(object, options),
  CustomResourceDefinition: (object) => treatDefinition(object),
  Endpoints: (object) => treatEndpoints(object),
};

function drop(holder: JsonObject | undefined, ...fields: readonly string[]): readonly string[] {
  for (const field of fields) delete holder?.[field];
  return [];
}

function treatPod(object: KubeObject): readonly string[] {
  const spec = objectAt(object, 'spec');
  if (spec === undefined) return [];
  const account = typeof spec.serviceAccountName === 'string' ? spec.serviceAccountName : 'default';
  const isToken = (name: unknown): boolean =>
    typeof name === 'string' &&
    (/^kube-api-access-[a-z0-9]{5}$/.test(name) || name.startsWith(`${account}-token-`));
  keepOnly(spec, 'volumes', (v) => !isToken(v.name));
  for (const list of ['containers', 'initContainers']) {
    for (const container of objectsAt(spec, list)) {
      keepOnly(container, 'volumeMounts', (m) => !isToken(m.name));
    }
  }
  // Priority and overhead are computed from classes; debugging containers cannot be created with a pod.
  drop(spec, 'nodeName', 'priority', 'preemptionPolicy', 'ephemeralContainers');
  return drop(spec, ...(spec.runtimeClassName === undefined ? [] : ['overhead']));
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

function treatJob(object: KubeObject): readonly string[] {
  const spec = objectAt(object, 'spec');
  if (spec === undefined) return [];
  // A selector that the user wrote himself stays; ours is made from the new UID.
  if (spec.manualSelector === true) return [];
  drop(spec, 'selector');
  drop(objectAt(spec, 'template', 'metadata', 'labels'), ...JOB_LABELS);
  return drop(objectAt(object, 'metadata', 'labels'), ...JOB_LABELS);
}

function treatServiceAccount(object: KubeObject): readonly string[] {
  const { name } = object.metadata;
  // The source's token controller made them: `<account>-token-<5 letters>`.
  const made = (secret: JsonObject): boolean =>
    typeof secret.name === 'string' &&
    secret.name.startsWith(`${name}-`) &&
    /^(token|dockercfg)-[a-z0-9]{5}$/.test(secret.name.slice(name.length + 1));
  keepOnly(object, 'secrets', (secret) => !made(secret));
  return [];
}

function treatSecret(object: KubeObject): readonly string[] {
  if (object.type !== 'kubernetes.io/service-account-token') return [];
  // The target's controller fills in a token of its own.
  drop(objectAt(object, 'data'), 'token', 'ca.crt', 'namespace');
  return ['token of the service account: given anew'];
}

function treatVolume(object: KubeObject): readonly string[] {
  const spec = objectAt(object, 'spec');
  if (spec === undefined) return [];
  drop(objectAt(spec, 'claimRef'), 'uid', 'resourceVersion');
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy === 'Retain') return [];
  spec.persistentVolumeReclaimPolicy = 'Retain';
  return [`reclaim policy: ${String(policy)} -> Retain, the volume is on the storage it was on`];
}

function treatClaim(object: KubeObject, options: TransformOptions): readonly string[] {
  const spec = objectAt(object, 'spec');
  if (spec === undefined) return [];
  const changes = dropSnapshotSource(spec);
  const volume = spec.volumeName;
  if (typeof volume !== 'string' || volume === '') return changes;
  const name = options.volumeName(volume);
  if (name === volume) return changes;
  if (name === undefined) {
    delete spec.volumeName;
    return [...changes, `volume ${volume}: not restored, a new one is provisioned`];
  }
  spec.volumeName = name;
  return [...changes, `volume: ${volume} -> ${name}`];
}

/** Snapshots are not restored as objects: a claim that names one would never be filled. */
function dropSnapshotSource(spec: JsonObject): string[] {
  const fields = ['dataSource', 'dataSourceRef'].filter(
    (field) => objectAt(spec, field)?.kind === 'VolumeSnapshot',
  );
  drop(spec, ...fields);
  return fields.length === 0 ? [] : ['data source: VolumeSnapshot is not restored'];
}

function treatDefinition(object: KubeObject): readonly string[] {
  const spec = objectAt(object, 'spec');
  if (spec?.preserveUnknownFields !== true) return [];
  delete spec.preserveUnknownFields;
  for (const version of objectsAt(spec, 'versions')) {
    const schema = objectAt(version, 'schema', 'openAPIV3Schema');
    if (schema !== undefined) schema['x-kubernetes-preserve-unknown-fields'] = true;
  }
  return ['preserveUnknownFields: moved into the schema'];
}

function treatEndpoints(object: KubeObject): readonly string[] {
  for (const subset of objectsAt(object, 'subsets')) {
    for (const list of ['addresses', 'notReadyAddresses']) {
      for (const address of objectsAt(subset, list)) {
        const target = address.targetRef;
        if (isJsonObject(target)) drop(target, 'uid', 'resourceVersion');
      }
    }
  }
  return [];
}
