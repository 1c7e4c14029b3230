/**
 * What planning must know of objects, read from their bodies one by one: owners, labels, names of other
 * objects. Bodies are dropped at once; what is kept is a few words per object.
 */
import { hasSelector, leftOutAlways, remakingOwner } from '../../../domain/controller-made.ts';
import { isJsonObject, type JsonObject, objectAt, objectsAt } from '../../../domain/json.ts';
import type { KubeObject, ObjectMeta, OwnerReference } from '../../../domain/kube-object.ts';
import { type LabelSelector, matchesSelector } from '../../../domain/label-selector.ts';
import { podReferences, podSpecOf } from '../../../domain/pod-references.ts';
import { namesOthers, placeWants, type Want, wantsOf } from '../../../domain/relations.ts';
import type { CatalogLine } from '../../../format/catalog-line.ts';
import { scanObject } from '../../../format/object-scan.ts';

/** Facts of one object. */
export interface ObjectFacts {
  readonly owners: readonly OwnerReference[];
  /** The owner that makes it again. */
  readonly remaker?: OwnerReference;
  /** Why it stays out whatever else. */
  readonly out?: string;
  readonly matches: boolean;
  /** Objects that it names. */
  readonly wants: readonly Want[];
  /** A Service that fills its own endpoints. */
  readonly selects: boolean;
  /** Role bindings join by their subjects: kept where that may matter. */
  readonly binding?: KubeObject;
  /** What planning volumes must know of it. */
  readonly volumes?: VolumeFacts;
}

/** Of a claim, a volume or a class its object; of what mounts claims their names and the pod's spec. */
export interface VolumeFacts {
  readonly object?: KubeObject;
  readonly mounts?: { readonly claims: readonly string[]; readonly podSpec: JsonObject };
}

/** What is asked of the bodies. */
export interface FactsWanted {
  readonly labelSelector?: LabelSelector;
  /** Whether names inside objects matter: something comes back only if it is needed. */
  readonly relations: boolean;
  /** Whether volumes' data comes back: then claims, volumes, classes and who mounts them matter. */
  readonly volumes: boolean;
}

/** Kinds of which planning volumes keeps the object. */
const KEPT_FOR_VOLUMES = new Set([
  'persistentvolumeclaims',
  'persistentvolumes',
  'storageclasses.storage.k8s.io',
]);

/** Kinds whose pods tell where a volume must be. */
const MOUNTING = new Set(['pods', 'deployments.apps', 'statefulsets.apps', 'daemonsets.apps']);

const BINDINGS = new Set([
  'clusterrolebindings.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
]);

/** Kinds of which more than metadata decides. */
const READ_WHOLE = new Set(['pods', 'jobs.batch', 'services', 'secrets']);

/** Reads the facts; undefined where the bytes are no object. */
export function factsOf(
  line: CatalogLine,
  bytes: Uint8Array,
  wanted: FactsWanted,
): ObjectFacts | undefined {
  const { resource } = line;
  const scan = scanObject(bytes);
  if (scan === undefined) return undefined;
  const whole =
    READ_WHOLE.has(resource) ||
    (wanted.volumes && (KEPT_FOR_VOLUMES.has(resource) || MOUNTING.has(resource))) ||
    (wanted.relations && (namesOthers(resource) || BINDINGS.has(resource)));
  const metadata = metadataOf(scan.metadata, line);
  const object: KubeObject = {
    ...(whole ? parsed(bytes) : {}),
    apiVersion: line.apiVersion,
    kind: line.kind,
    metadata,
  };
  const remaker = remakingOwner(object);
  const volumes = wanted.volumes ? volumeFactsOf(resource, object) : undefined;
  const out = leftOutAlways(object);
  return {
    owners: metadata.ownerReferences ?? [],
    ...(remaker === undefined ? {} : { remaker }),
    ...(out === undefined ? {} : { out }),
    matches:
      wanted.labelSelector === undefined || matchesSelector(wanted.labelSelector, metadata.labels),
    wants: wanted.relations
      ? [...wantsOf(resource, object, line.namespace), ...placeWantsOf(line)]
      : [],
    selects: resource === 'services' && hasSelector(object),
    ...(wanted.relations && BINDINGS.has(resource) ? { binding: object } : {}),
    ...(volumes === undefined ? {} : { volumes }),
  };
}

function volumeFactsOf(resource: string, object: KubeObject): VolumeFacts | undefined {
  if (KEPT_FOR_VOLUMES.has(resource)) {
    const { status: _status, ...kept } = object;
    const { managedFields: _managed, ...metadata } = object.metadata;
    return { object: { ...kept, apiVersion: object.apiVersion, kind: object.kind, metadata } };
  }
  const podSpec = MOUNTING.has(resource) ? podSpecOf(object) : undefined;
  if (podSpec === undefined) return undefined;
  const claims = [
    ...podReferences(podSpec).flatMap(({ kind, name }) => (kind === 'claim' ? [name] : [])),
    // `<template>-<set>-<ordinal>`: any ordinal.
    ...objectsAt(object, 'spec', 'volumeClaimTemplates').map(
      (template) => `${objectAt(template, 'metadata')?.name}-${object.metadata.name}-#`,
    ),
  ];
  const { nodeSelector, affinity, tolerations } = podSpec;
  return claims.length === 0
    ? undefined
    : { mounts: { claims, podSpec: { nodeSelector, affinity, tolerations } } };
}

function parsed(bytes: Uint8Array): Record<string, unknown> {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  return isJsonObject(value) ? value : {};
}

/** Metadata as rules read it: lists and maps are what they should be, or absent. */
function metadataOf(found: Record<string, unknown>, line: CatalogLine): ObjectMeta {
  const { labels, annotations, ownerReferences: _owners, ...rest } = found;
  return {
    ...rest,
    name: line.name,
    ...(line.namespace === undefined ? {} : { namespace: line.namespace }),
    ...(isJsonObject(labels) ? { labels: textsOf(labels) } : {}),
    ...(isJsonObject(annotations) ? { annotations: textsOf(annotations) } : {}),
    ownerReferences: objectsAt(found, 'ownerReferences').map((owner) => ({
      apiVersion: String(owner.apiVersion),
      kind: String(owner.kind),
      name: String(owner.name),
      uid: String(owner.uid),
      ...(owner.controller === true ? { controller: true } : {}),
    })),
  };
}

function textsOf(map: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(map).map(([k, v]) => [k, String(v)]));
}

function placeWantsOf(line: CatalogLine): readonly Want[] {
  const dot = line.resource.indexOf('.');
  const resource = dot < 0 ? line.resource : line.resource.slice(0, dot);
  const group = dot < 0 ? '' : line.resource.slice(dot + 1);
  return placeWants({ group, resource }, line.namespace);
}
