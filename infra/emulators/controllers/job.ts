import { keyOf, nameOf } from './engine/kube-objects.ts';
import { claimChildren, controllerOf } from './engine/ownership.ts';
import { isActive } from './engine/pod-state.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import type { WorkQueue } from './engine/work-queue.ts';
import { type Job, jobs, type Pod, pods } from './engine/workload-objects.ts';
import {
  completionOf,
  countFinishedPods,
  INDEX_ANNOTATION,
  isIndexed,
  isTracked,
  type JobCounts,
  TRACKING_FINALIZER,
  writeJobStatus,
} from './job-status.ts';
import { createPods, deletePods, draftPod } from './pod-making.ts';

const BACKOFF_LIMIT_DEFAULT = 6;
/** The pause after a failed pod: 10 s, doubled each time up to 10 min (job_controller.go). */
const RETRY_MS_MIN = 10_000;
const RETRY_MS_MAX = 600_000;

interface End {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

/** Runs the pods of each Job until enough of them have succeeded. */
export function runJobs(reconcilers: Reconcilers): void {
  const queue: WorkQueue = reconcilers.queue('Job', (key) => reconcileJob(reconcilers, queue, key));
  reconcilers.feed(jobs, queue);
  reconcilers.feedOwners(pods, jobs, queue);
  const orphans = reconcilers.queue('Pod of a lost Job', (key) => releaseOrphan(reconcilers, key));
  reconcilers.follow(pods, (pod) => {
    if (pod !== undefined && isTracked(pod)) orphans.add(keyOf(pod));
  });
  const cachedPods = reconcilers.cluster.informer(pods);
  reconcilers.follow(jobs, (after, before) => {
    if (after !== undefined || before === undefined) return;
    for (const pod of cachedPods.controlledBy(before.metadata.uid)) orphans.add(keyOf(pod));
  });
}

async function reconcileJob(
  reconcilers: Reconcilers,
  queue: WorkQueue,
  key: string,
): Promise<void> {
  const { cluster } = reconcilers;
  const found = cluster.informer(jobs).get(key);
  if (found === undefined) return;
  const over = completionOf(found);
  const members = await claimChildren(cluster, {
    ownerKind: jobs,
    owner: found,
    childKind: pods,
    selector: found.spec.selector ?? {},
    // Without a selector only what carries the Job's reference is its own.
    mayAdopt: (pod) => found.spec.selector !== undefined && isActive(pod),
  });
  if (over !== undefined) {
    for (const pod of members.filter(isTracked)) await releasePod(reconcilers, pod);
    return expire(reconcilers, queue, { job: found, endedAt: over.lastTransitionTime });
  }
  const { job, counts } = await countFinishedPods(reconcilers, found, members);
  // A pod that ended while others were counted still holds its place until it is counted too.
  const active = cluster
    .informer(pods)
    .controlledBy(job.metadata.uid)
    .filter((pod) => isActive(pod) || isTracked(pod));
  const end = endOf(reconcilers, queue, { job, counts });
  if (end !== undefined || job.spec.suspend === true) {
    await deletePods(cluster, active.filter(isActive), reconcilers.now());
    const left = cluster.informer(pods).controlledBy(job.metadata.uid).filter(isTracked);
    // The end is told when the last pod is gone, as the real controller does.
    return writeJobStatus(reconcilers, job, left.length > 0 ? undefined : end);
  }
  if (job.metadata.deletionTimestamp === undefined) {
    await startPods(reconcilers, queue, { job, counts, members, active });
  }
  await writeJobStatus(reconcilers, job, undefined);
}

/** How the Job ends, if it does now. */
function endOf(
  reconcilers: Reconcilers,
  queue: WorkQueue,
  view: { job: Job; counts: JobCounts },
): End | undefined {
  const { job, counts } = view;
  const { completions, backoffLimit, activeDeadlineSeconds } = job.spec;
  if (counts.failed > (backoffLimit ?? BACKOFF_LIMIT_DEFAULT)) {
    const message = 'Job has reached the specified backoff limit';
    return { type: 'Failed', reason: 'BackoffLimitExceeded', message };
  }
  const { startTime } = job.status ?? {};
  if (activeDeadlineSeconds !== undefined && startTime !== undefined) {
    const deadlineMs = Date.parse(startTime) + activeDeadlineSeconds * 1_000;
    if (deadlineMs <= reconcilers.now()) {
      const message = 'Job was active longer than specified deadline';
      return { type: 'Failed', reason: 'DeadlineExceeded', message };
    }
    reconcilers.at(queue, keyOf(job), deadlineMs);
  }
  const active = reconcilers.cluster
    .informer(pods)
    .controlledBy(job.metadata.uid)
    .filter(isActive).length;
  const complete =
    completions === undefined || completions === null
      ? counts.succeeded > 0 && active === 0
      : counts.succeeded >= completions;
  if (!complete) return undefined;
  const message = 'Reached expected number of succeeded pods';
  return { type: 'Complete', reason: 'CompletionsReached', message };
}

async function startPods(
  reconcilers: Reconcilers,
  queue: WorkQueue,
  view: { job: Job; counts: JobCounts; members: readonly Pod[]; active: readonly Pod[] },
): Promise<void> {
  const { cluster } = reconcilers;
  const { job, counts, active } = view;
  const { completions } = job.spec;
  const parallelism = job.spec.parallelism ?? 1;
  const wanted =
    completions === undefined || completions === null
      ? counts.succeeded > 0
        ? active.length
        : parallelism
      : Math.min(parallelism, completions - counts.succeeded);
  if (active.length > wanted) {
    await deletePods(cluster, active.filter(isActive).slice(wanted), reconcilers.now());
    return;
  }
  if (active.length === wanted) return;
  const retryMs = retryAt(view.members, counts.failed);
  if (retryMs > reconcilers.now()) {
    reconcilers.at(queue, keyOf(job), retryMs);
    return;
  }
  const { namespace } = job.metadata;
  const draft = draftPod(job.spec.template, jobs, job);
  const metadata = { ...draft.metadata, finalizers: [TRACKING_FINALIZER] };
  const missing = wanted - active.length;
  if (!isIndexed(job)) {
    await createPods(cluster, { ...draft, metadata }, { namespace, count: missing });
    return;
  }
  const taken = new Set(active.map((pod) => indexOf(pod)));
  const free = Array.from({ length: completions ?? 0 }, (_, index) => index).filter(
    (index) => !taken.has(index) && !counts.completedIndexes.has(index),
  );
  for (const index of free.slice(0, missing)) {
    const note = { [INDEX_ANNOTATION]: String(index) };
    const { annotations, labels } = draft.metadata;
    await cluster.create(pods, namespace, {
      metadata: {
        ...metadata,
        generateName: `${job.metadata.name}-${index}-`,
        annotations: { ...asObject(annotations), ...note },
        labels: { ...asObject(labels), ...note },
      },
      spec: { ...draft.spec, hostname: `${job.metadata.name}-${index}` },
    });
  }
}

/** When the next pod may be made after the last failure. */
function retryAt(members: readonly Pod[], failed: number): number {
  if (failed === 0) return 0;
  const ends = members
    .filter((pod) => pod.status?.phase === 'Failed')
    .flatMap((pod) => pod.status?.containerStatuses ?? [])
    .map((status) => Date.parse(status.state?.terminated?.finishedAt ?? '') || 0);
  const last = Math.max(0, ...ends);
  return last + Math.min(RETRY_MS_MIN * 2 ** Math.min(failed - 1, 10), RETRY_MS_MAX);
}

async function expire(
  reconcilers: Reconcilers,
  queue: WorkQueue,
  ended: { job: Job; endedAt: string | undefined },
): Promise<void> {
  const { job, endedAt } = ended;
  const { ttlSecondsAfterFinished } = job.spec;
  if (ttlSecondsAfterFinished === undefined || job.metadata.deletionTimestamp !== undefined) return;
  const dueMs = Date.parse(endedAt ?? '') + ttlSecondsAfterFinished * 1_000;
  const now = reconcilers.now();
  if (dueMs > now) reconcilers.at(queue, keyOf(job), dueMs);
  else await reconcilers.cluster.remove(jobs, job, { now, propagationPolicy: 'Foreground' });
}

/** Lets go of a pod whose Job is no longer there to count it. */
async function releaseOrphan(reconcilers: Reconcilers, key: string): Promise<void> {
  const { cluster } = reconcilers;
  const pod = cluster.informer(pods).get(key);
  if (pod === undefined || !isTracked(pod)) return;
  const owner = controllerOf(pod);
  if (owner?.kind === 'Job') {
    const { namespace } = pod.metadata;
    const cached = cluster.informer(jobs).get(`${namespace}/${owner.name}`);
    if (cached?.metadata.uid === owner.uid) return;
    const job = await cluster.read(jobs, { ...nameOf(key), name: owner.name });
    if (job?.metadata.uid === owner.uid) return;
  }
  await releasePod(reconcilers, pod);
}

async function releasePod(reconcilers: Reconcilers, pod: Pod): Promise<void> {
  const finalizers = (pod.metadata.finalizers ?? []).filter((each) => each !== TRACKING_FINALIZER);
  await reconcilers.cluster.patch(pods, pod, { metadata: { finalizers } });
}

function indexOf(pod: Pod): number {
  return Number(pod.metadata.annotations?.[INDEX_ANNOTATION] ?? -1);
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
