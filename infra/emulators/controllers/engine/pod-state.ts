import type { Pod } from './workload-objects.ts';

/** Whether the pod still counts for its workload: neither finished nor on its way out. */
export function isActive(pod: Pod): boolean {
  return !isFinished(pod) && pod.metadata.deletionTimestamp === undefined;
}

/** Whether the pod has run to its end, well or badly. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Whether the pod's condition `Ready` is true. */
export function isReady(pod: Pod): boolean {
  return readyCondition(pod)?.status === 'True';
}

/** When a ready pod counts as available: `minReadySeconds` after it became ready. */
export function availableAt(pod: Pod, minReadySeconds: number | undefined): number | undefined {
  const condition = readyCondition(pod);
  if (condition?.status !== 'True') return undefined;
  if (minReadySeconds === undefined || minReadySeconds === 0) return 0;
  return Date.parse(condition.lastTransitionTime ?? '') + minReadySeconds * 1_000;
}

/** Whether a ready pod has been so for `minReadySeconds`. */
export function isAvailable(
  pod: Pod,
  options: { now: number; minReadySeconds: number | undefined },
): boolean {
  const at = availableAt(pod, options.minReadySeconds);
  return at !== undefined && at <= options.now;
}

function readyCondition(pod: Pod) {
  return pod.status?.conditions?.find((condition) => condition.type === 'Ready');
}

/** The claims that a pod mounts, those of its generic ephemeral volumes included. */
export function claimNamesOf(pod: Pod): string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) => {
    if (volume.persistentVolumeClaim !== undefined) return [volume.persistentVolumeClaim.claimName];
    return volume.ephemeral === undefined ? [] : [`${pod.metadata.name}-${volume.name}`];
  });
}
