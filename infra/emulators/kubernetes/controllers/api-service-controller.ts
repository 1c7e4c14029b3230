/** Says of APIServices that name a Service why they are not available: nobody reaches it in here. */
import { setStatus } from '../bootstrap/bootstrap.ts';
import type { Cluster } from '../cluster.ts';
import { type JsonObject, numberAt, objectAt, objectsAt, textAt } from '../json-tree.ts';
import { timeText } from '../schema/scalars.ts';
import { StatusError } from '../status-error.ts';
import { keyOf, placeOf, prefixOf } from '../storage/keys.ts';
import { parseStored, type StoreEvent } from '../storage/store-event.ts';
import { WorkQueue } from './work-queue.ts';

const group = 'apiregistration.k8s.io';
const plural = 'apiservices';
const storageKey = `${plural}.${group}`;

/** The controller of remote APIServices' availability. */
export class ApiServiceController {
  private readonly cluster: Cluster;
  readonly queue = new WorkQueue((name) => this.reconcile(name));

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    cluster.store.onCommit((event) => this.follow(event));
  }

  private follow(event: StoreEvent): void {
    const place = placeOf(event.key);
    if (place.resource === storageKey && event.type === 'ADDED') this.queue.add(place.name);
    if (place.resource !== 'services' || event.type === 'MODIFIED') return;
    for (const key of this.cluster.store.keys(prefixOf(storageKey))) {
      this.queue.add(placeOf(key).name);
    }
  }

  private async reconcile(name: string): Promise<void> {
    const { store, now } = this.cluster;
    const json = store.read(keyOf({ resource: storageKey, namespace: undefined, name }));
    const object = json === undefined ? undefined : parseStored(json);
    const service = objectAt(object, 'spec', 'service');
    if (object === undefined || service === undefined) return;
    const problem = this.problemOf(service);
    const [before] = objectsAt(object, 'status', 'conditions');
    if (before?.reason === problem.reason) return;
    const condition = {
      type: 'Available',
      status: 'False',
      lastTransitionTime: timeText(now()),
      ...problem,
    };
    try {
      await setStatus(this.cluster, { group, plural, name }, { conditions: [condition] });
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
    }
  }

  private problemOf(service: JsonObject): { reason: string; message: string } {
    const [namespace, name] = [textAt(service, 'namespace'), textAt(service, 'name')];
    const json = this.cluster.store.read(keyOf({ resource: 'services', namespace, name }));
    if (json === undefined) {
      const message = `service/${name} in "${namespace}" is not present`;
      return { reason: 'ServiceNotFound', message };
    }
    const ip = textAt(parseStored(json), 'spec', 'clusterIP');
    const port = numberAt(service, 'port') ?? 443;
    const message =
      `failing or missing response from https://${ip}:${port}: Get "https://${ip}:${port}": ` +
      `dial tcp ${ip}:${port}: connect: connection refused`;
    return { reason: 'FailedDiscoveryCheck', message };
  }
}
