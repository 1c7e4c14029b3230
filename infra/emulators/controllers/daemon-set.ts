import { dropOldRevisions, hashOf, syncRevisions } from './controller-revision.ts';
import { changesNothing } from './engine/conditions.ts';
import { scaled } from './engine/int-or-percent.ts';
import { keyOf, type Labels } from './engine/kube-objects.ts';
import { claimChildren, controllerOf } from './engine/ownership.ts';
import { availableAt, isAvailable, isFinished, isReady } from './engine/pod-state.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { nodeSuits, selects, tolerates } from './engine/selectors.ts';
import type { WorkQueue } from './engine/work-queue.ts';
import {
  controllerRevisions,
  type DaemonSet,
  daemonSets,
  type Node,
  nodes,
  type Pod,
  type PodTemplate,
  pods,
  type Toleration,
} from './engine/workload-objects.ts';
import { deletePods, draftPod } from './pod-making.ts';
import { REVISION_LABEL } from './stateful-set-pod.ts';

const GENERATION_LABEL = 'pod-template-generation';
/** What every daemon pod tolerates (`AddOrUpdateDaemonPodTolerations`). */
const DAEMON_TOLERATIONS: readonly Toleration[] = [
  { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute' },
  { key: 'node.kubernetes.io/disk-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/memory-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/pid-pressure', operator: 'Exists', effect: 'NoSchedule' },
  { key: 'node.kubernetes.io/unschedulable', operator: 'Exists', effect: 'NoSchedule' },
];

/** Keeps a pod of each DaemonSet on every node that it suits. */
export function runDaemonSets(reconcilers: Reconcilers): void {
  const queue: WorkQueue = reconcilers.queue('DaemonSet', (key) =>
    reconcileDaemonSet(reconcilers, queue, key),
  );
  const sets = reconcilers.cluster.informer(daemonSets);
  reconcilers.feed(daemonSets, queue);
  reconcilers.feedOwners(pods, daemonSets, queue);
  reconcilers.feedOwners(controllerRevisions, daemonSets, queue);
  reconcilers.follow(pods, (pod) => {
    if (pod === undefined || controllerOf(pod) !== undefined) return;
    for (const set of sets.inNamespace(pod.metadata.namespace)) {
      if (selects(set.spec.selector, pod.metadata.labels)) queue.add(keyOf(set));
    }
  });
  reconcilers.follow(nodes, (after, before) => {
    if (after !== undefined && before !== undefined && hostInput(after) === hostInput(before)) {
      return;
    }
    for (const set of sets.all()) queue.add(keyOf(set));
  });
}

interface View {
  readonly set: DaemonSet;
  readonly hash: string;
  /** The nodes that want a pod, each with those it has. */
  readonly hosts: ReadonlyMap<string, readonly Pod[]>;
  readonly misplaced: readonly Pod[];
}

async function reconcileDaemonSet(
  reconcilers: Reconcilers,
  queue: WorkQueue,
  key: string,
): Promise<void> {
  const { cluster } = reconcilers;
  const set = cluster.informer(daemonSets).get(key);
  if (set === undefined) return;
  const members = await claimChildren(cluster, {
    ownerKind: daemonSets,
    owner: set,
    childKind: pods,
    selector: set.spec.selector,
  });
  if (set.metadata.deletionTimestamp !== undefined) return;
  const labelsFor = (hash: string): Labels => ({ [REVISION_LABEL]: hash });
  const { all, update } = await syncRevisions(reconcilers, daemonSets, set, labelsFor);
  const view = sortByHost(set, {
    hash: hashOf(update),
    nodes: cluster.informer(nodes).all(),
    members,
  });
  await place(reconcilers, view);
  await replaceOutdated(reconcilers, view);
  await writeStatus(reconcilers, view);
  const used = new Set(members.map((pod) => pod.metadata.labels?.[REVISION_LABEL]));
  const live = all.filter((revision) => used.has(hashOf(revision)) || revision === update);
  await dropOldRevisions(reconcilers, set, {
    all,
    live: new Set(live.map((revision) => revision.metadata.name)),
  });
  for (const pod of members) {
    const at = availableAt(pod, set.spec.minReadySeconds);
    if (at !== undefined && at > reconcilers.now()) reconcilers.at(queue, key, at);
  }
}

function sortByHost(
  set: DaemonSet,
  view: { hash: string; nodes: readonly Node[]; members: readonly Pod[] },
): View {
  const { spec } = set.spec.template;
  const tolerations = [...(spec.tolerations ?? []), ...DAEMON_TOLERATIONS];
  const hosts = new Map<string, Pod[]>();
  const misplaced: Pod[] = [];
  for (const node of view.nodes) {
    if (!nodeSuits(spec, node)) continue;
    const { name } = node.metadata;
    const present = view.members.some((pod) => hostOf(pod) === name);
    // A taint that only keeps new pods away does not drive out the one that is there.
    if (present || tolerates(tolerations, node)) hosts.set(name, []);
  }
  for (const pod of view.members) {
    const there = hosts.get(hostOf(pod));
    if (there === undefined) misplaced.push(pod);
    else there.push(pod);
  }
  return { set, hash: view.hash, hosts, misplaced };
}

async function place(reconcilers: Reconcilers, view: View): Promise<void> {
  const { set, hosts } = view;
  const victims = view.misplaced.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  for (const [host, present] of hosts) {
    const finished = present.filter(isFinished);
    victims.push(...finished.filter((pod) => pod.metadata.deletionTimestamp === undefined));
    const [, ...surplus] = present
      .filter((pod) => !isFinished(pod) && pod.metadata.deletionTimestamp === undefined)
      .sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
    victims.push(...surplus);
    if (present.length === 0) {
      const draft = draftPod(templateFor(view, host), daemonSets, set);
      await reconcilers.cluster.create(pods, set.metadata.namespace, draft);
    }
  }
  await deletePods(reconcilers.cluster, victims, reconcilers.now());
}

/** Deletes pods of older templates, as many at once as may be unavailable. */
async function replaceOutdated(reconcilers: Reconcilers, view: View): Promise<void> {
  const { set, hash, hosts } = view;
  if (set.spec.updateStrategy?.type === 'OnDelete') return;
  const bound = scaled(set.spec.updateStrategy?.rollingUpdate?.maxUnavailable, hosts.size, {
    round: 'up',
    fallback: 1,
  });
  let room = Math.max(1, bound);
  const outdated: Pod[] = [];
  for (const present of hosts.values()) {
    const pod = present.find((each) => each.metadata.deletionTimestamp === undefined);
    const available = pod !== undefined && isAvailableNow(reconcilers, set, pod);
    const old = pod !== undefined && pod.metadata.labels?.[REVISION_LABEL] !== hash;
    if (!available) room -= 1;
    if (!old) continue;
    if (available) outdated.push(pod);
    else await reconcilers.cluster.remove(pods, pod, { now: reconcilers.now() });
  }
  const victims = outdated.slice(0, Math.max(0, room));
  await deletePods(reconcilers.cluster, victims, reconcilers.now());
}

async function writeStatus(reconcilers: Reconcilers, view: View): Promise<void> {
  const { cluster } = reconcilers;
  const set = cluster.informer(daemonSets).get(keyOf(view.set)) ?? view.set;
  const present = cluster.informer(pods).controlledBy(set.metadata.uid);
  const placed = [...view.hosts.keys()].map((host) =>
    present.find((pod) => hostOf(pod) === host && pod.metadata.deletionTimestamp === undefined),
  );
  const running = placed.filter((pod) => pod !== undefined);
  const available = running.filter((pod) => isAvailableNow(reconcilers, set, pod)).length;
  const updated = running.filter((pod) => pod.metadata.labels?.[REVISION_LABEL] === view.hash);
  const status = {
    observedGeneration: set.metadata.generation,
    currentNumberScheduled: running.length,
    desiredNumberScheduled: view.hosts.size,
    numberMisscheduled: view.misplaced.filter((pod) => !isFinished(pod)).length,
    numberReady: running.filter(isReady).length,
    numberAvailable: available || null,
    numberUnavailable: view.hosts.size - available || null,
    updatedNumberScheduled: updated.length || null,
  };
  if (!changesNothing(set.status, status)) await cluster.patchStatus(daemonSets, set, status);
}

function templateFor(view: View, host: string): PodTemplate {
  const { template } = view.set.spec;
  const generation = view.set.metadata.annotations?.['deprecated.daemonset.template.generation'];
  const nodeAffinity = {
    ...template.spec.affinity?.nodeAffinity,
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [
        { matchFields: [{ key: 'metadata.name', operator: 'In', values: [host] }] },
      ],
    },
  };
  return {
    metadata: {
      ...template.metadata,
      labels: {
        ...template.metadata?.labels,
        [REVISION_LABEL]: view.hash,
        ...(generation === undefined ? {} : { [GENERATION_LABEL]: generation }),
      },
    },
    spec: {
      ...template.spec,
      affinity: { ...template.spec.affinity, nodeAffinity },
      tolerations: [...(template.spec.tolerations ?? []), ...DAEMON_TOLERATIONS],
    },
  };
}

/** The node that the pod is on, or was made for. */
function hostOf(pod: Pod): string {
  if ((pod.spec.nodeName ?? '') !== '') return pod.spec.nodeName ?? '';
  const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const fields = (required?.nodeSelectorTerms ?? []).flatMap((term) => term.matchFields ?? []);
  return fields.find((field) => field.key === 'metadata.name')?.values?.[0] ?? '';
}

function isAvailableNow(reconcilers: Reconcilers, set: DaemonSet, pod: Pod): boolean {
  const { minReadySeconds } = set.spec;
  return isAvailable(pod, { now: reconcilers.now(), minReadySeconds });
}

function hostInput(node: Node): string {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
  return JSON.stringify([node.metadata.labels, node.spec, ready]);
}
