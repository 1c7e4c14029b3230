/** What every namespace gets: a default service account and the cluster's CA. */
import type { Cluster } from '../cluster.ts';
import type { JsonObject } from '../json-tree.ts';
import { StatusError } from '../status-error.ts';
import { keyOf, placeOf, prefixOf } from '../storage/keys.ts';
import { parseStored, type StoreEvent } from '../storage/store-event.ts';
import { createObject } from '../write/create-object.ts';
import { isDeleting } from '../write/object-meta.ts';
import { controllerWriter } from '../writer.ts';
import { WorkQueue } from './work-queue.ts';

const caName = 'kube-root-ca.crt';
/** No TLS is spoken in the sandbox: the certificate is a placeholder of the right shape. */
const placeholderCa = '-----BEGIN CERTIFICATE-----\nc2FuZGJveA==\n-----END CERTIFICATE-----\n';

function rootCa(): JsonObject {
  return {
    metadata: {
      name: caName,
      annotations: {
        'kubernetes.io/description':
          'Contains a CA bundle that can be used to verify the kube-apiserver when using internal ' +
          'endpoints such as the internal service IP or kubernetes.default.svc. No other usage is ' +
          'guaranteed across distributions of Kubernetes clusters.',
      },
    },
    data: { 'ca.crt': placeholderCa },
  };
}

/** The service account controller and the publisher of the root CA. */
export class NamespaceDefaults {
  private readonly cluster: Cluster;
  readonly queue = new WorkQueue((name) => this.reconcile(name));

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    cluster.store.onCommit((event) => this.follow(event));
    for (const key of cluster.store.keys(prefixOf('namespaces'))) this.queue.add(placeOf(key).name);
  }

  private follow(event: StoreEvent): void {
    const place = placeOf(event.key);
    if (place.resource === 'namespaces' && event.type === 'ADDED') this.queue.add(place.name);
    if (event.type !== 'DELETED' || place.namespace === undefined) return;
    const isAccount = place.resource === 'serviceaccounts' && place.name === 'default';
    const isCa = place.resource === 'configmaps' && place.name === caName;
    if (isAccount || isCa) this.queue.add(place.namespace);
  }

  private async reconcile(namespace: string): Promise<void> {
    const json = this.cluster.store.read(
      keyOf({ resource: 'namespaces', namespace: undefined, name: namespace }),
    );
    if (json === undefined || isDeleting(parseStored(json))) return;
    await this.ensure(namespace, 'serviceaccounts', { metadata: { name: 'default' } });
    await this.ensure(namespace, 'configmaps', rootCa());
  }

  private async ensure(namespace: string, plural: string, object: JsonObject): Promise<void> {
    const { store, registry } = this.cluster;
    const resource = registry.find('', 'v1', plural);
    const name = plural === 'configmaps' ? caName : 'default';
    if (resource === undefined) return;
    if (store.read(keyOf({ resource: plural, namespace, name })) !== undefined) return;
    const writer = controllerWriter('service-account-controller');
    try {
      await createObject(this.cluster, { resource, namespace, object, writer });
    } catch (error) {
      // The namespace may have gone, or somebody created the object by hand.
      if (!(error instanceof StatusError)) throw error;
    }
  }
}
