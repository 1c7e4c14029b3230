import { keyOf } from './engine/kube-objects.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import type { WorkQueue } from './engine/work-queue.ts';
import { nodes, type Pod, pods } from './engine/workload-objects.ts';

/** How long a node must be gone before its pods are given up (`quarantineTime` of podgc). */
const QUARANTINE_MS = 40_000;

/** Gives up pods that nobody will ever confirm: those of nodes that are gone. */
export function runPodCollector(reconcilers: Reconcilers): void {
  const suspects = new Map<string, number>();
  const cached = reconcilers.cluster.informer(pods);
  const queue: WorkQueue = reconcilers.queue('Pod of a lost node', async (key) => {
    const pod = cached.get(key);
    if (pod === undefined || !hasLostNode(reconcilers, pod)) {
      suspects.delete(key);
      return;
    }
    const now = reconcilers.now();
    const since = suspects.get(key) ?? now;
    suspects.set(key, since);
    if (since + QUARANTINE_MS > now) {
      reconcilers.at(queue, key, since + QUARANTINE_MS);
      return;
    }
    const { nodeName: name = '' } = pod.spec;
    if ((await reconcilers.cluster.read(nodes, { name })) !== undefined) return;
    if ((pod.metadata.finalizers ?? []).length > 0 && pod.status?.phase !== 'Failed') {
      await reconcilers.cluster.patchStatus(pods, pod, { phase: 'Failed' });
    }
    await reconcilers.cluster.remove(pods, pod, { now, gracePeriodSeconds: 0 });
  });
  reconcilers.follow(pods, (pod, before) => {
    if (pod === undefined) {
      if (before !== undefined) suspects.delete(keyOf(before));
    } else if (pod.spec.nodeName !== before?.spec.nodeName && hasLostNode(reconcilers, pod)) {
      queue.add(keyOf(pod));
    }
  });
  reconcilers.follow(nodes, (after, before) => {
    if (after !== undefined || before === undefined) return;
    for (const pod of cached.all()) {
      if (pod.spec.nodeName === before.metadata.name) queue.add(keyOf(pod));
    }
  });
}

function hasLostNode(reconcilers: Reconcilers, pod: Pod): boolean {
  const name = pod.spec.nodeName ?? '';
  return name !== '' && reconcilers.cluster.informer(nodes).get(name) === undefined;
}
