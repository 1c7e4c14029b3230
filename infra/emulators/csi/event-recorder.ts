import { randomBytes } from 'node:crypto';
import type { ClusterCache } from '../controllers/engine/cluster-cache.ts';
import {
  type KubeObject,
  type ResourceKind,
  timestamp,
} from '../controllers/engine/kube-objects.ts';

const events: ResourceKind<KubeObject> = { apiVersion: 'v1', kind: 'Event', plural: 'events' };
/** Events of objects that have no namespace are kept here, as client-go does. */
const DEFAULT_NAMESPACE = 'default';
/** Distinct events remembered for counting; older ones begin anew, as with client-go's cache. */
const REMEMBERED_MAX = 4_096;

/** What is told about an object. */
export interface EventNote {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** Writes core/v1 Events of one component; the same event again only raises its count. */
export class EventRecorder {
  readonly #cluster: ClusterCache;
  readonly #component: string;
  readonly #now: () => number;
  readonly #known = new Map<string, { name: string; count: number }>();

  constructor(cluster: ClusterCache, component: string, now: () => number) {
    this.#cluster = cluster;
    this.#component = component;
    this.#now = now;
  }

  /** Never fails: an Event that cannot be written is lost, as with a real recorder. */
  async note<T extends KubeObject>(
    kind: ResourceKind<T>,
    object: T,
    note: EventNote,
  ): Promise<void> {
    const { namespace, name, uid, resourceVersion } = object.metadata;
    const key = [uid, note.type, note.reason, note.message].join('\n');
    const known = this.#known.get(key);
    const home = namespace ?? DEFAULT_NAMESPACE;
    const time = timestamp(this.#now());
    try {
      if (known !== undefined) {
        known.count += 1;
        const seen = { count: known.count, lastTimestamp: time };
        await this.#cluster.patchNamed(events, { namespace: home, name: known.name }, seen);
        return;
      }
      const eventName = `${name}.${randomBytes(8).toString('hex')}`;
      this.#remember(key, eventName);
      const { apiVersion } = kind;
      await this.#cluster.create(events, home, {
        metadata: { name: eventName, namespace: home },
        involvedObject: { apiVersion, kind: kind.kind, namespace, name, uid, resourceVersion },
        ...note,
        message: note.message.slice(0, 1_024),
        source: { component: this.#component },
        reportingComponent: this.#component,
        reportingInstance: '',
        firstTimestamp: time,
        lastTimestamp: time,
        count: 1,
      });
    } catch {
      this.#known.delete(key);
    }
  }

  #remember(key: string, name: string): void {
    const [oldest] = this.#known.keys();
    if (this.#known.size >= REMEMBERED_MAX && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, { name, count: 1 });
  }
}
