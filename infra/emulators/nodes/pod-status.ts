import { createHash } from 'node:crypto';
import type { Condition } from '../controllers/engine/kube-objects.ts';
import type { Container, Pod } from '../controllers/engine/workload-objects.ts';

/** What a container is doing, as its status shows it. */
export type ContainerState =
  | { readonly waiting: { readonly reason: string; readonly message?: string } }
  | { readonly running: { readonly startedAt: string } }
  | {
      readonly terminated: {
        readonly exitCode: number;
        readonly reason: string;
        readonly startedAt: string;
        readonly finishedAt: string;
        readonly containerID: string;
      };
    };

/** How a container ended at a time. */
export function terminated(
  pod: Pod,
  container: Container,
  end: { exitCode: number; startedAt: string; time: string },
): ContainerState {
  return {
    terminated: {
      exitCode: end.exitCode,
      reason: end.exitCode === 0 ? 'Completed' : 'Error',
      startedAt: end.startedAt,
      finishedAt: end.time,
      containerID: containerId(pod, container),
    },
  };
}

/** The status entry of one container in a state. */
export function containerStatus(pod: Pod, container: Container, state: ContainerState): object {
  const image = container.image ?? '';
  const started = 'running' in state;
  const ran = started || 'terminated' in state;
  const done = 'terminated' in state && state.terminated.exitCode === 0;
  const isInit = pod.spec.initContainers?.includes(container) === true;
  return {
    name: container.name,
    image,
    imageID: ran ? `${image.split('@')[0]}@sha256:${digest(image)}` : '',
    ...(ran ? { containerID: containerId(pod, container) } : {}),
    lastState: {},
    ready: started || (isInit && done),
    restartCount: 0,
    started,
    state,
  };
}

/** The pod's conditions in the kubelet's order; transition times move only with the status. */
export function podConditions(
  pod: Pod,
  state: { mounted: boolean; initialized: boolean; ready: boolean; done?: boolean; time: string },
): Condition[] {
  const notReady = state.done === true ? 'PodCompleted' : 'ContainersNotReady';
  const unready = (pod.spec.containers ?? []).map((container) => container.name).join(' ');
  const wanted: Condition[] = [
    { type: 'PodReadyToStartContainers', status: flag(state.mounted && state.done !== true) },
    {
      type: 'Initialized',
      status: flag(state.initialized),
      ...(state.initialized
        ? state.done === true
          ? { reason: 'PodCompleted' }
          : {}
        : { reason: 'ContainersNotInitialized', message: 'containers with incomplete status' }),
    },
    ...['Ready', 'ContainersReady'].map((type) => ({
      type,
      status: flag(state.ready),
      ...(state.ready ? {} : { reason: notReady }),
      ...(state.ready || state.done === true
        ? {}
        : { message: `containers with unready status: [${unready}]` }),
    })),
    { type: 'PodScheduled', status: 'True' },
  ];
  const known = pod.status?.conditions ?? [];
  const set = wanted.map((condition) => {
    const before = known.find((each) => each.type === condition.type);
    const kept = before?.status === condition.status ? before.lastTransitionTime : undefined;
    return { ...condition, lastProbeTime: null, lastTransitionTime: kept ?? state.time };
  });
  const types = new Set(set.map((condition) => condition.type));
  return [...set, ...known.filter((condition) => !types.has(condition.type))];
}

/** Guaranteed, Burstable or BestEffort, by the containers' requests and limits. */
export function qosClass(pod: Pod): string {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const asks = (container: Container): boolean =>
    Object.keys({ ...container.resources?.requests, ...container.resources?.limits }).some(
      (name) => name === 'cpu' || name === 'memory',
    );
  if (!all.some(asks)) return 'BestEffort';
  const guaranteed = all.every((container) =>
    ['cpu', 'memory'].every((name) => {
      const limit = container.resources?.limits?.[name];
      return limit !== undefined && (container.resources?.requests?.[name] ?? limit) === limit;
    }),
  );
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

function flag(value: boolean): string {
  return value ? 'True' : 'False';
}

function containerId(pod: Pod, container: Container): string {
  return `containerd://${digest(`${pod.metadata.uid}/${container.name}`)}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
