import type { Cluster } from '../cluster.ts';
import type { JsonObject } from '../json-tree.ts';
import { timeText } from '../schema/scalars.ts';
import { keyOf } from '../storage/keys.ts';
import { createObject } from '../write/create-object.ts';
import { updateObject } from '../write/update-object.ts';
import type { Writer } from '../writer.ts';
import { bootstrapObjects } from './bootstrap-objects.ts';

/** The API server's own hand. */
export const serverWriter: Writer = {
  user: { user: 'system:apiserver', groups: ['system:masters'] },
  manager: 'kube-apiserver',
  dryRun: false,
  fieldValidation: 'Ignore',
  warnings: [],
};

/** Writes the status of an object that the server itself looks after. */
export async function setStatus(
  cluster: Cluster,
  target: { readonly group: string; readonly plural: string; readonly name: string },
  status: JsonObject,
): Promise<void> {
  const resource = cluster.registry.find(target.group, 'v1', target.plural);
  if (resource === undefined) return;
  await updateObject(cluster, {
    resource,
    namespace: undefined,
    name: target.name,
    subresource: 'status',
    writer: serverWriter,
    change: (current) => ({ ...current, status }),
  });
}

/** Creates what a new cluster holds; what is there already stays. */
export async function bootstrap(cluster: Cluster): Promise<void> {
  for (const { group, version, plural, namespace, object } of bootstrapObjects()) {
    const resource = cluster.registry.find(group, version, plural);
    if (resource === undefined) continue;
    const { object: decoded } = resource.codec.decode(object);
    const name = String((decoded.metadata as JsonObject).name);
    const key = keyOf({ resource: resource.storageKey, namespace, name });
    if (cluster.store.has(key)) continue;
    resource.codec.applyDefaults(decoded);
    await createObject(cluster, { resource, namespace, object: decoded, writer: serverWriter });
    const now = cluster.now();
    if (plural === 'servicecidrs') {
      const condition = {
        type: 'Ready',
        status: 'True',
        lastTransitionTime: timeText(now),
        reason: '',
        message: 'Kubernetes Service CIDR is ready',
      };
      await setStatus(cluster, { group, plural, name }, { conditions: [condition] });
    }
  }
}
