import { changesNothing } from '../controllers/engine/conditions.ts';
import { keyFor, keyOf, timestamp } from '../controllers/engine/kube-objects.ts';
import { controllerOf } from '../controllers/engine/ownership.ts';
import { claimNamesOf, isFinished } from '../controllers/engine/pod-state.ts';
import type { Reconcilers } from '../controllers/engine/reconcilers.ts';
import {
  claims,
  csiDrivers,
  volumeAttachments,
  volumes,
} from '../controllers/engine/storage-objects.ts';
import { type Container, nodes, type Pod, pods } from '../controllers/engine/workload-objects.ts';
import { NOT_READY_ANNOTATION, type NodeSpec, nodeAddress } from './node-spec.ts';
import { PodAddresses } from './pod-addresses.ts';
import { isAttached } from './pod-attachments.ts';
import { PodSources } from './pod-sources.ts';
import {
  type ContainerState,
  containerStatus,
  podConditions,
  qosClass,
  terminated,
} from './pod-status.ts';

/** A pod of a Job runs this many seconds (by the injected clock) before it succeeds; default 0. */
const RUN_SECONDS_ANNOTATION = 'sandbox.local/run-seconds';
/** The exit code with which a pod of a Job ends; default 0. */
const EXIT_CODE_ANNOTATION = 'sandbox.local/exit-code';
/** The kubelet's back-off between image pulls: 10 s, doubled up to 5 min. */
const PULL_RETRY_MS_MIN = 10_000;
const PULL_RETRY_MS_MAX = 300_000;

/** What the kubelet stand-in plays and how. */
export interface KubeletOptions {
  readonly nodes: readonly NodeSpec[];
  readonly imagePulls: (image: string) => boolean;
}

/** Runs the pods of the played nodes: makes them Running, ends those of Jobs, lets deleted ones go. */
export function runKubelets(reconcilers: Reconcilers, options: KubeletOptions): void {
  const kubelet = new Kubelet(reconcilers, options);
  kubelet.start();
}

type Progress =
  | { readonly at: 'waiting'; readonly reason: string; readonly message?: string; for?: Container }
  | { readonly at: 'running' };

class Kubelet {
  readonly #reconcilers: Reconcilers;
  readonly #options: KubeletOptions;
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #addresses = new PodAddresses();
  readonly #pullFailures = new Map<string, number>();
  readonly #sources: PodSources;
  readonly #queue;

  constructor(reconcilers: Reconcilers, options: KubeletOptions) {
    this.#reconcilers = reconcilers;
    this.#options = options;
    this.#indexes = new Map(options.nodes.map((node, index) => [node.name, index]));
    this.#queue = reconcilers.queue('Pod on its node', (key) => this.#reconcile(key));
    this.#sources = new PodSources(reconcilers, (key) => this.#queue.add(key));
  }

  start(): void {
    const cached = this.#reconcilers.cluster.informer(pods);
    this.#reconcilers.follow(pods, (after, before) => {
      this.#addresses.note(after, before);
      if (after === undefined) {
        if (before !== undefined) this.#forget(keyOf(before));
      } else if (this.#indexes.has(after.spec.nodeName ?? '')) {
        if (!isFinished(after) || after.metadata.deletionTimestamp !== undefined) {
          this.#queue.add(keyOf(after));
        }
      }
    });
    this.#reconcilers.follow(claims, (after) => {
      if (after?.status?.phase !== 'Bound') return;
      for (const pod of cached.inNamespace(after.metadata.namespace)) {
        if (pod.status?.phase !== 'Pending' || (pod.spec.nodeName ?? '') === '') continue;
        if (claimNamesOf(pod).includes(after.metadata.name)) this.#queue.add(keyOf(pod));
      }
    });
    this.#reconcilers.cluster.informer(volumes);
    this.#reconcilers.cluster.informer(csiDrivers);
    this.#reconcilers.follow(volumeAttachments, (after) => {
      if (after?.status?.attached !== true) return;
      for (const pod of cached.all()) {
        if (pod.spec.nodeName !== after.spec.nodeName || pod.status?.phase !== 'Pending') continue;
        if (claimNamesOf(pod).length > 0) this.#queue.add(keyOf(pod));
      }
    });
    this.#reconcilers.follow(nodes, (after, before) => {
      if (after === undefined || isAsleep(after) || (before !== undefined && !isAsleep(before))) {
        return;
      }
      for (const pod of cached.all()) {
        if (pod.spec.nodeName === after.metadata.name) this.#queue.add(keyOf(pod));
      }
    });
  }

  async #reconcile(key: string): Promise<void> {
    const { cluster } = this.#reconcilers;
    const pod = cluster.informer(pods).get(key);
    const index = this.#indexes.get(pod?.spec.nodeName ?? '');
    if (pod === undefined || index === undefined) return;
    const node = cluster.informer(nodes).get(pod.spec.nodeName ?? '');
    if (node !== undefined && isAsleep(node)) return;
    if (pod.metadata.deletionTimestamp !== undefined) return this.#confirmDeletion(pod);
    if (isFinished(pod)) return;
    if (pod.status?.phase === 'Running') return this.#endIfJob(pod);
    await this.#bringUp(pod, index, await this.#progress(pod));
  }

  async #confirmDeletion(pod: Pod): Promise<void> {
    const { cluster } = this.#reconcilers;
    const held = (pod.metadata.finalizers ?? []).length > 0;
    if (held && !isFinished(pod)) {
      // Who holds the pod (the Job controller) waits for it to have ended.
      await this.#finish(pod, 143);
      return;
    }
    if (held && pod.metadata.deletionGracePeriodSeconds === 0) return;
    const now = this.#reconcilers.now();
    await cluster.remove(pods, pod, { now, gracePeriodSeconds: 0 });
  }

  async #endIfJob(pod: Pod): Promise<void> {
    if (controllerOf(pod)?.kind !== 'Job') return;
    const runMs = Number(pod.metadata.annotations?.[RUN_SECONDS_ANNOTATION] ?? 0) * 1_000;
    const endMs = Date.parse(pod.status?.startTime ?? '') + runMs;
    if (endMs > this.#reconcilers.now()) {
      this.#reconcilers.at(this.#queue, keyOf(pod), endMs);
      return;
    }
    await this.#finish(pod, Number(pod.metadata.annotations?.[EXIT_CODE_ANNOTATION] ?? 0));
  }

  async #finish(pod: Pod, exitCode: number): Promise<void> {
    const time = timestamp(this.#reconcilers.now());
    const startedAt = pod.status?.startTime ?? time;
    const containerStatuses = pod.spec.containers.map((container) =>
      containerStatus(pod, container, terminated(pod, container, { exitCode, startedAt, time })),
    );
    await this.#reconcilers.cluster.patchStatus(pods, pod, {
      phase: exitCode === 0 ? 'Succeeded' : 'Failed',
      conditions: podConditions(pod, {
        mounted: false,
        initialized: true,
        ready: false,
        done: true,
        time,
      }),
      containerStatuses,
    });
  }

  /** How far the pod's containers get with what is there. */
  async #progress(pod: Pod): Promise<Progress> {
    const { cluster } = this.#reconcilers;
    const unbound = claimNamesOf(pod).find((name) => {
      const claim = cluster.informer(claims).get(keyFor(pod.metadata.namespace, name));
      return claim?.status?.phase !== 'Bound';
    });
    if (unbound !== undefined || !isAttached(cluster, pod)) {
      return { at: 'waiting', reason: 'ContainerCreating' };
    }
    this.#sources.forget(keyOf(pod));
    if ((await this.#sources.mountObstacle(pod)) !== undefined) {
      return { at: 'waiting', reason: 'ContainerCreating' };
    }
    for (const container of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
      const pull = this.#pull(pod, container);
      if (pull !== undefined) return { ...pull, for: container };
      const message = await this.#sources.environmentObstacle(pod, container);
      if (message !== undefined) {
        return { at: 'waiting', reason: 'CreateContainerConfigError', message, for: container };
      }
    }
    return { at: 'running' };
  }

  /** Why the container's image is not there: refused just now, or not tried again yet. */
  #pull(pod: Pod, container: Container): (Progress & { at: 'waiting' }) | undefined {
    const image = container.image ?? '';
    if (this.#options.imagePulls(image)) return undefined;
    const key = keyOf(pod);
    const failures = this.#pullFailures.get(key) ?? 0;
    this.#pullFailures.set(key, failures + 1);
    const delayMs = Math.min(PULL_RETRY_MS_MIN * 2 ** Math.min(failures, 8), PULL_RETRY_MS_MAX);
    this.#reconcilers.at(this.#queue, key, this.#reconcilers.now() + delayMs);
    // The first write shows the error, the event that it causes brings the back-off.
    return failures === 0
      ? {
          at: 'waiting',
          reason: 'ErrImagePull',
          message: `failed to pull and unpack image "${image}": failed to resolve reference "${image}": ${image}: not found`,
        }
      : {
          at: 'waiting',
          reason: 'ImagePullBackOff',
          message: `Back-off pulling image "${image}"`,
        };
  }

  async #bringUp(pod: Pod, index: number, progress: Progress): Promise<void> {
    const { cluster } = this.#reconcilers;
    const time = timestamp(this.#reconcilers.now());
    const hostIP = nodeAddress(index);
    const running = progress.at === 'running';
    const mounted = running || progress.for !== undefined;
    const address = mounted ? this.#addressOf(pod, { index, hostIP }) : undefined;
    const init = pod.spec.initContainers ?? [];
    const failed = progress.at === 'waiting' ? progress.for : undefined;
    const stateOf = (container: Container): ContainerState =>
      containerState(pod, container, { progress, time });
    const initialized =
      failed === undefined ? mounted || init.length === 0 : !init.includes(failed);
    const status = {
      phase: running ? 'Running' : 'Pending',
      startTime: pod.status?.startTime ?? time,
      hostIP,
      hostIPs: [{ ip: hostIP }],
      ...(address === undefined ? {} : { podIP: address, podIPs: [{ ip: address }] }),
      qosClass: qosClass(pod),
      conditions: podConditions(pod, { mounted, initialized, ready: running, time }),
      ...(init.length === 0
        ? {}
        : { initContainerStatuses: init.map((each) => containerStatus(pod, each, stateOf(each))) }),
      containerStatuses: pod.spec.containers.map((each) =>
        containerStatus(pod, each, stateOf(each)),
      ),
    };
    if (!changesNothing(pod.status, status)) await cluster.patchStatus(pods, pod, status);
    if (running) this.#forget(keyOf(pod));
  }

  #addressOf(pod: Pod, node: { index: number; hostIP: string }): string {
    if (pod.spec.hostNetwork === true) return node.hostIP;
    return pod.status?.podIP ?? this.#addresses.take(pod, node.index);
  }

  #forget(podKey: string): void {
    this.#pullFailures.delete(podKey);
    this.#sources.forget(podKey);
  }
}

/** The state of one container, given how far its pod got. */
function containerState(
  pod: Pod,
  container: Container,
  view: { progress: Progress; time: string },
): ContainerState {
  const { progress, time } = view;
  const init = pod.spec.initContainers ?? [];
  const place = init.indexOf(container);
  if (
    progress.at === 'running' ||
    (progress.for !== undefined && isBefore(pod, container, progress.for))
  ) {
    const helper = place >= 0 && container.restartPolicy !== 'Always';
    return helper
      ? terminated(pod, container, { exitCode: 0, startedAt: time, time })
      : { running: { startedAt: time } };
  }
  if (progress.for === undefined || progress.for === container) {
    const reason =
      init.length > 0 && place < 0 && progress.for === undefined
        ? 'PodInitializing'
        : progress.reason;
    return {
      waiting: { reason, ...(progress.message === undefined ? {} : { message: progress.message }) },
    };
  }
  return { waiting: { reason: 'PodInitializing' } };
}

/** Whether the container has started when the kubelet comes to the other one. */
function isBefore(pod: Pod, container: Container, other: Container): boolean {
  const init = pod.spec.initContainers ?? [];
  const place = init.indexOf(container);
  const otherPlace = init.indexOf(other);
  if (otherPlace >= 0) return place >= 0 && place < otherPlace;
  return container !== other;
}

function isAsleep(node: { metadata: { annotations?: Readonly<Record<string, string>> } }): boolean {
  return node.metadata.annotations?.[NOT_READY_ANNOTATION] === 'true';
}
