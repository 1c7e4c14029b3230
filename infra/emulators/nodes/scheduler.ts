import { withCondition } from '../controllers/engine/conditions.ts';
import { keyOf } from '../controllers/engine/kube-objects.ts';
import { claimNamesOf, isFinished } from '../controllers/engine/pod-state.ts';
import type { Reconcilers } from '../controllers/engine/reconcilers.ts';
import { nodeSuits, tolerates } from '../controllers/engine/selectors.ts';
import {
  BOUND_BY_CONTROLLER_ANNOTATION,
  claims,
  type PersistentVolumeClaim,
  SELECTED_NODE_ANNOTATION,
  storageClasses,
  volumes,
} from '../controllers/engine/storage-objects.ts';
import type { WorkQueue } from '../controllers/engine/work-queue.ts';
import { type Node, nodes, type Pod, pods } from '../controllers/engine/workload-objects.ts';
import { nodeServes, staticVolumeFor, type VolumeNeeds, volumeNeeds } from './pod-volumes.ts';

/** The pause before a node is chosen again that a provisioner has refused: 1 s, doubled to 10 s. */
const RESELECT_MS_MIN = 1_000;
const RESELECT_MS_MAX = 10_000;
/** Pods placed at once: one after the other, so that two never claim one volume. */
const PLACEMENTS_AT_ONCE = 1;

/**
 * Binds pods that have no node, as kube-scheduler would where room is no question: node selector,
 * required node affinity, taints, where volumes are, then the node with the fewest pods.
 */
export function runScheduler(reconcilers: Reconcilers): void {
  const waiting = new Set<string>();
  const load = new Map<string, number>();
  const selections = new Map<string, Selection>();
  const queue: WorkQueue = reconcilers.queue(
    'Pod placement',
    async (key) => {
      const pod = reconcilers.cluster.informer(pods).get(key);
      const wakeAt = (dueMs: number): void => reconcilers.at(queue, key, dueMs);
      if (pod === undefined || !waiting.has(key)) return;
      await place({ reconcilers, load, selections, wakeAt }, pod);
    },
    { workers: PLACEMENTS_AT_ONCE },
  );
  reconcilers.follow(pods, (after, before) => {
    count(load, before, -1);
    count(load, after, 1);
    const pod = after ?? before;
    if (pod === undefined) return;
    const key = keyOf(pod);
    if (after === undefined || !needsPlace(after)) {
      waiting.delete(key);
      return;
    }
    waiting.add(key);
    if (before === undefined || placementInput(before) !== placementInput(after)) queue.add(key);
  });
  const cached = reconcilers.cluster.informer(pods);
  const retry = (concerned: (pod: Pod) => boolean): void => {
    for (const key of waiting) {
      const pod = cached.get(key);
      if (pod !== undefined && concerned(pod)) queue.add(key);
    }
  };
  const hasClaims = (pod: Pod): boolean => claimNamesOf(pod).length > 0;
  reconcilers.follow(nodes, (after, before) => {
    if (after === undefined || before === undefined || hostInput(after) !== hostInput(before)) {
      retry(() => true);
    }
  });
  reconcilers.follow(claims, (after, before) => {
    const { namespace, name } = (after ?? before)?.metadata ?? {};
    const uid = before?.metadata.uid;
    if (uid !== undefined && after?.status?.phase !== 'Pending') selections.delete(uid);
    retry((pod) => pod.metadata.namespace === namespace && claimNamesOf(pod).includes(name ?? ''));
  });
  reconcilers.follow(volumes, () => retry(hasClaims));
  reconcilers.follow(storageClasses, () => retry(hasClaims));
}

/** How often a node was chosen for a claim, and when it was last. */
interface Selection {
  readonly times: number;
  readonly atMs: number;
}

interface Placement {
  readonly reconcilers: Reconcilers;
  readonly load: ReadonlyMap<string, number>;
  /** By the UID of the claim. */
  readonly selections: Map<string, Selection>;
  readonly wakeAt: (dueMs: number) => void;
}

async function place(placement: Placement, pod: Pod): Promise<void> {
  const { reconcilers, load } = placement;
  const { cluster } = reconcilers;
  if (pod.metadata.deletionTimestamp !== undefined) {
    await cluster.remove(pods, pod, { now: reconcilers.now(), gracePeriodSeconds: 0 });
    return;
  }
  if ((pod.spec.schedulingGates ?? []).length > 0) return;
  const needs = volumeNeeds(cluster, pod);
  const all = cluster.informer(nodes).all();
  if (needs.obstacle !== undefined) {
    return report(reconcilers, pod, `0/${all.length} nodes are available: ${needs.obstacle}.`);
  }
  const hosts = all.filter(
    (node) => mayHost(pod, node) && nodeSuits(pod.spec, node) && nodeServes(cluster, needs, node),
  );
  const chosen = leastLoaded(hosts, load);
  if (chosen === undefined)
    return report(reconcilers, pod, refusal(reconcilers, { pod, needs, all }));
  if (!(await settleVolumes(placement, needs, chosen))) return;
  const { name, namespace, uid } = pod.metadata;
  await cluster.createUnder(pods, pod, {
    subresource: 'binding',
    body: {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: chosen.metadata.name },
    },
  });
}

/** Asks for the delayed claims to be bound on the node; true when none is left to wait for. */
async function settleVolumes(
  placement: Placement,
  needs: VolumeNeeds,
  node: Node,
): Promise<boolean> {
  const { cluster } = placement.reconcilers;
  for (const { claim } of needs.delayed) {
    const present = staticVolumeFor(cluster, claim, node);
    if (present?.spec.claimRef !== undefined) continue;
    if (present !== undefined) {
      const { name, namespace, uid } = claim.metadata;
      const claimRef = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid };
      await cluster.patch(volumes, present, {
        metadata: { annotations: { [BOUND_BY_CONTROLLER_ANNOTATION]: 'yes' } },
        spec: { claimRef },
      });
    } else if (claim.metadata.annotations?.[SELECTED_NODE_ANNOTATION] === undefined) {
      await selectNode(placement, claim, node);
    }
  }
  return needs.delayed.length === 0;
}

/** Asks for the claim's volume on the node; not at once if that was refused before. */
async function selectNode(
  placement: Placement,
  claim: PersistentVolumeClaim,
  node: Node,
): Promise<void> {
  const { reconcilers, selections, wakeAt } = placement;
  const { uid } = claim.metadata;
  const { times, atMs } = selections.get(uid) ?? { times: 0, atMs: 0 };
  const pauseMs = Math.min(RESELECT_MS_MIN * 2 ** (times - 1), RESELECT_MS_MAX);
  const now = reconcilers.now();
  if (times > 0 && atMs + pauseMs > now) {
    wakeAt(atMs + pauseMs);
    return;
  }
  selections.set(uid, { times: times + 1, atMs: now });
  const annotations = { [SELECTED_NODE_ANNOTATION]: node.metadata.name };
  await reconcilers.cluster.patch(claims, claim, { metadata: { annotations } });
}

async function report(reconcilers: Reconcilers, pod: Pod, message: string): Promise<void> {
  const known = pod.status?.conditions?.find((each) => each.type === 'PodScheduled');
  if (known?.message === message) return;
  const conditions = withCondition(
    pod.status?.conditions,
    { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message },
    reconcilers.now(),
  );
  await reconcilers.cluster.patchStatus(pods, pod, { conditions });
}

function refusal(
  reconcilers: Reconcilers,
  view: { pod: Pod; needs: VolumeNeeds; all: readonly Node[] },
): string {
  const { pod, needs, all } = view;
  const reasons = new Map<string, number>();
  for (const node of all) {
    const reason = !mayHost(pod, node)
      ? 'node(s) were unschedulable or had untolerated taint(s)'
      : nodeSuits(pod.spec, node)
        ? nodeServes(reconcilers.cluster, needs, node)
          ? 'node(s) were busy'
          : 'node(s) had volume node affinity conflict'
        : "node(s) didn't match Pod's node affinity/selector";
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const text = [...reasons].map(([reason, nodeCount]) => `${nodeCount} ${reason}`).join(', ');
  if (text === '') return 'no nodes available to schedule pods';
  return `0/${all.length} nodes are available: ${text}.`;
}

function needsPlace(pod: Pod): boolean {
  const scheduler = pod.spec.schedulerName ?? 'default-scheduler';
  return (pod.spec.nodeName ?? '') === '' && scheduler === 'default-scheduler' && !isFinished(pod);
}

function mayHost(pod: Pod, node: Node): boolean {
  return (
    node.metadata.deletionTimestamp === undefined && tolerates(pod.spec.tolerations ?? [], node)
  );
}

function leastLoaded(hosts: readonly Node[], load: ReadonlyMap<string, number>): Node | undefined {
  const loadOf = (node: Node): number => load.get(node.metadata.name) ?? 0;
  return [...hosts].sort(
    (a, b) => loadOf(a) - loadOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1),
  )[0];
}

function count(load: Map<string, number>, pod: Pod | undefined, step: number): void {
  const name = pod?.spec.nodeName ?? '';
  if (pod === undefined || name === '' || isFinished(pod)) return;
  load.set(name, (load.get(name) ?? 0) + step);
}

/** What of a pod decides about its placement; its status, which we write, does not. */
function placementInput(pod: Pod): string {
  return JSON.stringify([pod.spec, pod.metadata.deletionTimestamp]);
}

function hostInput(node: Node): string {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  return JSON.stringify([node.metadata.labels, node.spec, ready]);
}
