import type { Cluster } from '../cluster.ts';
import { type JsonObject, textAt } from '../json-tree.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import { forbidden, notFound } from '../status-error.ts';
import { keyOf } from '../storage/keys.ts';
import { parseStored } from '../storage/store-event.ts';

/** Namespaces that nobody may delete. @see plugin/pkg/admission/namespace/lifecycle */
const immortal = new Set(['default', 'kube-system', 'kube-public']);

/** The namespace object, if there is one. */
function namespaceNamed(cluster: Cluster, name: string): JsonObject | undefined {
  const json = cluster.store.read(keyOf({ resource: 'namespaces', namespace: undefined, name }));
  return json === undefined ? undefined : parseStored(json);
}

/** @throws StatusError 404 without the namespace, 403 while it is being terminated */
export function checkNamespace(
  cluster: Cluster,
  request: {
    readonly resource: ServedResource;
    readonly namespace: string | undefined;
    readonly object: JsonObject;
  },
): void {
  const { group, plural, namespaced } = request.resource.info;
  if (!namespaced || request.namespace === undefined) return;
  const name = request.namespace;
  const namespace = namespaceNamed(cluster, name);
  if (namespace === undefined) throw notFound({ group: '', plural: 'namespaces', name });
  if (textAt(namespace, 'status', 'phase') !== 'Terminating') return;
  throw forbidden(
    { group, plural, name: textAt(request.object, 'metadata', 'name') },
    `unable to create new content in namespace ${name} because it is being terminated`,
    [
      {
        reason: 'NamespaceTerminating',
        message: `namespace ${name} is being terminated`,
        field: 'metadata.namespace',
      },
    ],
  );
}

/** @throws StatusError 403 for the namespaces of the system */
export function checkNamespaceDeletion(resource: ServedResource, name: string): void {
  if (resource.storageKey !== 'namespaces' || !immortal.has(name)) return;
  throw forbidden({ group: '', plural: 'namespaces', name }, 'this namespace may not be deleted');
}
