import { parseCron } from './cron-schedule.ts';
import { ApiError } from './engine/api-client.ts';
import { changesNothing } from './engine/conditions.ts';
import { keyOf, type ObjectReference, timestamp } from './engine/kube-objects.ts';
import { controllerReference } from './engine/ownership.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import type { WorkQueue } from './engine/work-queue.ts';
import { type CronJob, cronJobs, type Job, jobs } from './engine/workload-objects.ts';
import { completionOf } from './job-status.ts';

const SCHEDULED_ANNOTATION = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
const SUCCESSFUL_HISTORY_DEFAULT = 3;
const FAILED_HISTORY_DEFAULT = 1;

/** Creates the Jobs of each CronJob as the injected clock reaches their times. */
export function runCronJobs(reconcilers: Reconcilers): void {
  const queue: WorkQueue = reconcilers.queue('CronJob', (key) =>
    reconcileCronJob(reconcilers, queue, key),
  );
  reconcilers.feed(cronJobs, queue);
  reconcilers.feedOwners(jobs, cronJobs, queue);
}

async function reconcileCronJob(
  reconcilers: Reconcilers,
  queue: WorkQueue,
  key: string,
): Promise<void> {
  const { cluster } = reconcilers;
  const cronJob = cluster.informer(cronJobs).get(key);
  if (cronJob === undefined) return;
  const owned = cluster.informer(jobs).controlledBy(cronJob.metadata.uid);
  await dropHistory(reconcilers, cronJob, owned);
  const settled = await writeStatus(reconcilers, cronJob, {
    active: activeReferences(owned),
    ...lastSuccess(cronJob, owned),
  });
  if (settled.metadata.deletionTimestamp !== undefined || settled.spec.suspend === true) return;
  const schedule = parseCron(settled.spec.schedule, settled.spec.timeZone);
  if (schedule === undefined) return;
  const now = reconcilers.now();
  const next = schedule.next(now);
  if (next !== undefined) reconcilers.at(queue, key, next);
  const dueMs = schedule.latest(now);
  const { lastScheduleTime } = settled.status ?? {};
  const since = Date.parse(lastScheduleTime ?? settled.metadata.creationTimestamp);
  if (dueMs === undefined || dueMs <= since) return;
  const { startingDeadlineSeconds, concurrencyPolicy } = settled.spec;
  const tooLate =
    startingDeadlineSeconds !== undefined && dueMs + startingDeadlineSeconds * 1_000 < now;
  const running = owned.filter((job) => completionOf(job) === undefined);
  if (tooLate || (concurrencyPolicy === 'Forbid' && running.length > 0)) return;
  if (concurrencyPolicy === 'Replace') {
    for (const job of running) {
      await cluster.remove(jobs, job, { now, propagationPolicy: 'Background' });
    }
  }
  await startJob(reconcilers, settled, dueMs);
}

async function startJob(reconcilers: Reconcilers, cronJob: CronJob, dueMs: number): Promise<void> {
  const { cluster } = reconcilers;
  const { namespace } = cronJob.metadata;
  const { metadata, spec } = cronJob.spec.jobTemplate;
  try {
    await cluster.create(jobs, namespace, {
      metadata: {
        // The name tells the time, so that a start that is done twice makes one Job.
        name: `${cronJob.metadata.name}-${Math.floor(dueMs / 60_000)}`,
        namespace,
        labels: metadata?.labels ?? {},
        annotations: { ...metadata?.annotations, [SCHEDULED_ANNOTATION]: timestamp(dueMs) },
        ownerReferences: [controllerReference(cronJobs, cronJob)],
      },
      spec,
    });
  } catch (error) {
    if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
  }
  const owned = cluster.informer(jobs).controlledBy(cronJob.metadata.uid);
  await writeStatus(reconcilers, cronJob, {
    active: activeReferences(owned),
    lastScheduleTime: timestamp(dueMs),
  });
}

async function writeStatus(
  reconcilers: Reconcilers,
  cronJob: CronJob,
  status: { active: ObjectReference[]; lastScheduleTime?: string; lastSuccessfulTime?: string },
): Promise<CronJob> {
  const change = { ...status, active: status.active.length === 0 ? null : status.active };
  if (changesNothing(cronJob.status, change)) return cronJob;
  return reconcilers.cluster.patchStatus(cronJobs, cronJob, change);
}

async function dropHistory(
  reconcilers: Reconcilers,
  cronJob: CronJob,
  owned: readonly Job[],
): Promise<void> {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec;
  const limits = {
    Complete: successfulJobsHistoryLimit ?? SUCCESSFUL_HISTORY_DEFAULT,
    Failed: failedJobsHistoryLimit ?? FAILED_HISTORY_DEFAULT,
  };
  for (const outcome of ['Complete', 'Failed'] as const) {
    const finished = owned
      .filter((job) => completionOf(job)?.type === outcome)
      .sort((a, b) => ((a.status?.startTime ?? '') < (b.status?.startTime ?? '') ? -1 : 1));
    for (const job of finished.slice(0, Math.max(0, finished.length - limits[outcome]))) {
      if (job.metadata.deletionTimestamp !== undefined) continue;
      const now = reconcilers.now();
      await reconcilers.cluster.remove(jobs, job, { now, propagationPolicy: 'Background' });
    }
  }
}

function activeReferences(owned: readonly Job[]): ObjectReference[] {
  return owned
    .filter((job) => completionOf(job) === undefined)
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .map((job) => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      name: job.metadata.name,
      ...(job.metadata.namespace === undefined ? {} : { namespace: job.metadata.namespace }),
      uid: job.metadata.uid,
    }));
}

function lastSuccess(cronJob: CronJob, owned: readonly Job[]): { lastSuccessfulTime?: string } {
  const times = owned
    .filter((job) => completionOf(job)?.type === 'Complete')
    .map((job) => job.status?.completionTime ?? '');
  const latest = [cronJob.status?.lastSuccessfulTime ?? '', ...times].sort().at(-1);
  return latest === undefined || latest === '' ? {} : { lastSuccessfulTime: latest };
}
