/** Default classes and the finalizers that protect volumes in use. */
import type { Cluster } from '../cluster.ts';
import { ensureObject, type JsonObject, objectAt, textAt, textsAt } from '../json-tree.ts';
import { prefixOf } from '../storage/keys.ts';
import { parseStored } from '../storage/store-event.ts';
import { metadataOf } from '../write/object-meta.ts';

const storageClassDefault = 'storageclass.kubernetes.io/is-default-class';
const ingressClassDefault = 'ingressclass.kubernetes.io/is-default-class';

/** The newest class that its annotation makes the default. */
function defaultClass(cluster: Cluster, resource: string, annotation: string): string | undefined {
  let best: { name: string; created: string } | undefined;
  for (const { json } of cluster.store.scan(prefixOf(resource))) {
    const object = parseStored(json);
    const annotations = objectAt(object, 'metadata', 'annotations');
    if (annotations?.[annotation] !== 'true') continue;
    const name = textAt(object, 'metadata', 'name');
    const created = textAt(object, 'metadata', 'creationTimestamp');
    if (best === undefined || created > best.created) best = { name, created };
  }
  return best?.name;
}

function protect(object: JsonObject, finalizer: string): void {
  const metadata = metadataOf(object);
  const finalizers = textsAt(metadata, 'finalizers');
  if (!finalizers.includes(finalizer)) metadata.finalizers = [...finalizers, finalizer];
}

/** Fills in default classes of claims and Ingresses, and protects claims and volumes. */
export function admitDefaultClasses(
  cluster: Cluster,
  storageKey: string,
  object: JsonObject,
): void {
  const spec = objectAt(object, 'spec') ?? {};
  if (storageKey === 'persistentvolumeclaims') {
    protect(object, 'kubernetes.io/pvc-protection');
    const annotations = objectAt(object, 'metadata', 'annotations');
    const legacy = annotations?.['volume.beta.kubernetes.io/storage-class'];
    if (spec.storageClassName !== undefined || legacy !== undefined) return;
    const name = defaultClass(cluster, 'storageclasses.storage.k8s.io', storageClassDefault);
    if (name !== undefined) ensureObject(object, 'spec').storageClassName = name;
  } else if (storageKey === 'persistentvolumes') {
    protect(object, 'kubernetes.io/pv-protection');
  } else if (storageKey === 'ingresses.networking.k8s.io') {
    const annotations = objectAt(object, 'metadata', 'annotations');
    const legacy = annotations?.['kubernetes.io/ingress.class'];
    if (spec.ingressClassName !== undefined || legacy !== undefined) return;
    const name = defaultClass(cluster, 'ingressclasses.networking.k8s.io', ingressClassDefault);
    if (name !== undefined) ensureObject(object, 'spec').ingressClassName = name;
  }
}
