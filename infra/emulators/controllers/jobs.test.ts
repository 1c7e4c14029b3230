import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cronJobs, jobs, pods } from './engine/workload-objects.ts';
import { onRealServer, type Sandbox, startSandbox } from './sandbox-fixture.ts';

let sandbox: Sandbox;
let ns: string;

beforeAll(async () => {
  sandbox = await startSandbox();
  await sandbox.controllers();
  await sandbox.nodes();
  ns = await sandbox.namespace();
});
afterAll(async () => {
  await sandbox.close();
});

const template = (annotations: Record<string, string> = {}) => ({
  metadata: { annotations },
  spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'job:1' }] },
});
const run = async (name: string, spec: object, annotations?: Record<string, string>) => {
  await sandbox.client.create(jobs, ns, {
    metadata: { name },
    spec: { template: template(annotations), ...spec },
  });
  await sandbox.idle();
};
const conditions = async (name: string): Promise<unknown[]> => {
  const status = await sandbox.status(jobs, `${ns}/${name}`);
  const all = status.conditions as { type: string; status: string; reason?: string }[];
  return (all ?? []).map(({ type, status: value, reason }) => [type, value, reason]);
};
const podsOf = async (job: string) =>
  (await sandbox.list(pods, ns)).filter((pod) => pod.metadata.ownerReferences?.[0]?.name === job);

describe('a Job', () => {
  it('completes when enough pods have succeeded, each counted once', async () => {
    await run('many', { completions: 5, parallelism: 2 });
    const status = await sandbox.status(jobs, `${ns}/many`);
    expect(status.succeeded).toBe(5);
    expect(status.failed).toBeUndefined();
    expect(status.completionTime).toBeDefined();
    expect(await conditions('many')).toEqual([
      ['SuccessCriteriaMet', 'True', 'CompletionsReached'],
      ['Complete', 'True', 'CompletionsReached'],
    ]);
    const made = await podsOf('many');
    expect(made).toHaveLength(5);
    for (const pod of made) {
      expect(pod.status?.phase).toBe('Succeeded');
      expect(pod.metadata.finalizers ?? []).toEqual([]);
    }
  });

  it('gives each pod of an Indexed Job an index of its own', async () => {
    await run('index', { completions: 3, parallelism: 3, completionMode: 'Indexed' });
    const status = await sandbox.status(jobs, `${ns}/index`);
    expect(status).toMatchObject({ succeeded: 3, completedIndexes: '0-2' });
    const indexes = (await podsOf('index')).map(
      (pod) => pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'],
    );
    expect(indexes.sort()).toEqual(['0', '1', '2']);
  });

  it('waits while suspended and runs when resumed', async () => {
    await run('later', { suspend: true });
    expect(await podsOf('later')).toHaveLength(0);
    expect(await conditions('later')).toEqual([['Suspended', 'True', 'JobSuspended']]);
    const name = { namespace: ns, name: 'later' };
    await sandbox.client.patch(jobs, name, { patch: { spec: { suspend: false } } });
    await sandbox.idle();
    expect(await conditions('later')).toContainEqual(['Complete', 'True', 'CompletionsReached']);
    expect(await conditions('later')).toContainEqual(['Suspended', 'False', 'JobResumed']);
  });

  it('lets its pods go when it is deleted while they run', async () => {
    await run('cut', {}, { 'sandbox.local/run-seconds': '3600' });
    expect((await podsOf('cut')).map((pod) => pod.status?.phase)).toEqual(['Running']);
    expect(await sandbox.status(jobs, `${ns}/cut`)).toMatchObject({ active: 1, ready: 1 });
    const name = { namespace: ns, name: 'cut' };
    await sandbox.client.remove(jobs, name, { propagationPolicy: 'Background' });
    await expect.poll(async () => podsOf('cut'), { timeout: 10_000 }).toHaveLength(0);
  });

  it('fails at once when no retry is allowed', async () => {
    await run('bad', { backoffLimit: 0 }, { 'sandbox.local/exit-code': '1' });
    expect(await conditions('bad')).toEqual([
      ['FailureTarget', 'True', 'BackoffLimitExceeded'],
      ['Failed', 'True', 'BackoffLimitExceeded'],
    ]);
    expect(await sandbox.status(jobs, `${ns}/bad`)).toMatchObject({ failed: 1 });
  });

  it.skipIf(onRealServer)('tries again after a pause that doubles', async () => {
    await run('again', { backoffLimit: 2 }, { 'sandbox.local/exit-code': '1' });
    expect(await podsOf('again')).toHaveLength(1);
    sandbox.advance(10_000);
    await sandbox.idle();
    expect(await podsOf('again')).toHaveLength(2);
    sandbox.advance(10_000);
    await sandbox.idle();
    expect(await podsOf('again')).toHaveLength(2);
    sandbox.advance(10_000);
    await sandbox.idle();
    expect(await podsOf('again')).toHaveLength(3);
    expect(await conditions('again')).toContainEqual(['Failed', 'True', 'BackoffLimitExceeded']);
  });

  it.skipIf(onRealServer)('ends at its deadline and goes after its time to live', async () => {
    await run(
      'timed',
      { activeDeadlineSeconds: 60, ttlSecondsAfterFinished: 100 },
      { 'sandbox.local/run-seconds': '3600' },
    );
    sandbox.advance(60_000);
    await sandbox.idle();
    expect(await conditions('timed')).toContainEqual(['Failed', 'True', 'DeadlineExceeded']);
    sandbox.advance(101_000);
    await sandbox.idle();
    const name = { namespace: ns, name: 'timed' };
    await expect.poll(() => sandbox.client.read(jobs, name), { timeout: 10_000 }).toBeUndefined();
  });
});

describe.skipIf(onRealServer)('a CronJob', () => {
  const jobsOf = async (cronJob: string) =>
    (await sandbox.list(jobs, ns)).filter(
      (job) => job.metadata.ownerReferences?.[0]?.name === cronJob,
    );
  const create = async (name: string, spec: object, annotations?: Record<string, string>) => {
    await sandbox.client.create(cronJobs, ns, {
      metadata: { name },
      spec: {
        schedule: '0 * * * *',
        jobTemplate: { spec: { template: template(annotations) } },
        ...spec,
      },
    });
    await sandbox.idle();
  };
  const hour = async () => {
    sandbox.advance(3_600_000);
    await sandbox.idle();
  };

  it('creates a Job at each of its times, named by the time, and keeps three', async () => {
    await create('hourly', {});
    expect(await jobsOf('hourly')).toHaveLength(0);
    await hour();
    const [first] = await jobsOf('hourly');
    const status = await sandbox.status(cronJobs, `${ns}/hourly`);
    const dueMs = Date.parse(String(status.lastScheduleTime));
    expect(first?.metadata.name).toBe(`hourly-${dueMs / 60_000}`);
    expect(dueMs % 3_600_000).toBe(0);
    expect(status.lastSuccessfulTime).toBeDefined();
    expect(status.active).toBeUndefined();
    for (let count = 0; count < 4; count += 1) await hour();
    expect(await jobsOf('hourly')).toHaveLength(3);
  });

  it('starts the last of several missed times only', async () => {
    await create('missed', {});
    sandbox.advance(5 * 3_600_000);
    await sandbox.idle();
    expect(await jobsOf('missed')).toHaveLength(1);
  });

  it('starts none beside a running one when that is forbidden, and names it as active', async () => {
    const long = { 'sandbox.local/run-seconds': '1000000' };
    await create('alone', { concurrencyPolicy: 'Forbid' }, long);
    await hour();
    await hour();
    const [only, ...others] = await jobsOf('alone');
    expect(others).toHaveLength(0);
    const status = await sandbox.status(cronJobs, `${ns}/alone`);
    expect(status.active).toMatchObject([{ kind: 'Job', uid: only?.metadata.uid }]);
  });

  it('puts a new Job in place of a running one when told to', async () => {
    const long = { 'sandbox.local/run-seconds': '1000000' };
    await create('newest', { concurrencyPolicy: 'Replace' }, long);
    await hour();
    const [first] = await jobsOf('newest');
    await hour();
    await expect.poll(() => jobsOf('newest'), { timeout: 10_000 }).toHaveLength(1);
    expect((await jobsOf('newest'))[0]?.metadata.uid).not.toBe(first?.metadata.uid);
  });

  it('starts nothing while suspended, nor later than its starting deadline', async () => {
    await create('asleep', { suspend: true });
    await create('strict', { schedule: '0 0 1 1 *', startingDeadlineSeconds: 10 });
    await hour();
    expect(await jobsOf('asleep')).toHaveLength(0);
    sandbox.advance(367 * 86_400_000);
    await sandbox.idle();
    expect(await jobsOf('strict')).toHaveLength(0);
  });
});
