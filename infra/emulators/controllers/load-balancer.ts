import { changesNothing } from './engine/conditions.ts';
import { type Service, services } from './engine/network-objects.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { stableHash } from './engine/stable-hash.ts';

/** What Alibaba Cloud's cloud controller manager writes on a Service that it serves. */
const FINALIZER = 'service.k8s.alibaba/resources';
const ID_LABEL = 'service.k8s.alibaba/loadbalancer-id';
const HASH_LABEL = 'service.beta.kubernetes.io/hash';
/** By this the user names an existing load balancer to be used. */
const ID_ANNOTATION = 'service.beta.kubernetes.io/alibaba-cloud-loadbalancer-id';
const OWN_CLASS_PREFIX = 'alibabacloud.com/';

/** Gives each Service of type LoadBalancer an address on the loopback net, as a cloud would. */
export function runLoadBalancers(reconcilers: Reconcilers): void {
  const queue = reconcilers.queue('LoadBalancer', async (key) => {
    const service = reconcilers.cluster.informer(services).get(key);
    if (service !== undefined) await reconcile(reconcilers, service);
  });
  reconcilers.feed(services, queue);
}

async function reconcile(reconcilers: Reconcilers, service: Service): Promise<void> {
  const { cluster } = reconcilers;
  const finalizers = service.metadata.finalizers ?? [];
  const served = finalizers.includes(FINALIZER);
  if (service.metadata.deletionTimestamp !== undefined || !isOurs(service)) {
    if (!served) return;
    const others = finalizers.filter((each) => each !== FINALIZER);
    const labels = { [ID_LABEL]: null, [HASH_LABEL]: null };
    const released = await cluster.patch(services, service, {
      metadata: { finalizers: others, labels },
    });
    if (released.metadata.deletionTimestamp !== undefined) return;
    await cluster.patchStatus(services, released, { loadBalancer: { ingress: null } });
    return;
  }
  const id = service.metadata.annotations?.[ID_ANNOTATION] ?? `lb-${service.metadata.uid}`;
  const labels = { [ID_LABEL]: id, [HASH_LABEL]: stableHash(service.spec) };
  const marked = served && changesNothing(service.metadata.labels, labels);
  const current = marked
    ? service
    : await cluster.patch(services, service, {
        metadata: { labels, finalizers: served ? finalizers : [...finalizers, FINALIZER] },
      });
  const ip = addressOf(id);
  if (current.status?.loadBalancer?.ingress?.[0]?.ip === ip) return;
  const status = { loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] } };
  await cluster.patchStatus(services, current, status);
}

function isOurs(service: Service): boolean {
  const { type, loadBalancerClass } = service.spec;
  if (type !== 'LoadBalancer') return false;
  return loadBalancerClass === undefined || loadBalancerClass.startsWith(OWN_CLASS_PREFIX);
}

/** The address of a load balancer: 127.x.y.z with x >= 16, the same for the same id. */
function addressOf(id: string): string {
  const digits = [...stableHash(id)].map((letter) => letter.charCodeAt(0));
  const at = (place: number): number => digits[place % digits.length] ?? 0;
  const [x, y, z] = [at(0) + at(3), at(1) * 3 + at(4), at(2) * 3 + at(5)];
  return `127.${16 + (x % 240)}.${y % 256}.${1 + (z % 254)}`;
}
