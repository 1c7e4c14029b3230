/**
 * What planning must know of objects, read from their bodies one by one: owners, labels, names of other
 * objects. Bodies are dropped at once; what is kept is a few words per object.
 */
import { hasSelector, leftOutAlways, remakingOwner } from '../../../domain/controller-made.ts';
import { isJsonObject, objectsAt } from '../../../domain/json.ts';
import type { KubeObject, ObjectMeta, OwnerReference } from '../../../domain/kube-object.ts';
import { type LabelSelector, matchesSelector } from '../../../domain/label-selector.ts';
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
}

/** What is asked of the bodies. */
export interface FactsWanted {
  readonly labelSelector?: LabelSelector;
  /** Whether names inside objects matter: something comes back only if it is needed. */
  readonly relations: boolean;
}

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
    (wanted.relations && (namesOthers(resource) || BINDINGS.has(resource)));
  const metadata = metadataOf(scan.metadata, line);
  const object: KubeObject = {
    ...(whole ? parsed(bytes) : {}),
    apiVersion: line.apiVersion,
    kind: line.kind,
    metadata,
  };
  const remaker = remakingOwner(object);
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
  };
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
