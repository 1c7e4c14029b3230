import { beforeEach, describe, expect, it } from 'vitest';
import { apiResource, COMMON_RESOURCES } from '../../test/support/api-resources.ts';
import type { Intercept } from '../../test/support/interception.ts';
import { passThrough } from '../../test/support/interception.ts';
import { sampleObject } from '../../test/support/restore-samples.ts';
import { RestoreWorld } from '../../test/support/restore-world.ts';
import type { BackupRecord } from '../domain/backup-record.ts';
import { BackupCentreError, UnavailableError } from '../domain/errors.ts';

const GEARS = 'gears.plant.example';
const GEAR = {
  apiVersion: 'plant.example/v1',
  kind: 'Gear',
  metadata: { namespace: 'shop', name: 'g' },
};
/** What runs may take until they are given up: ten attempts with pauses of at most five minutes, ms. */
const WINDOW_MS = 10 * 300_000;

const unreachable = (): BackupCentreError =>
  new UnavailableError('cluster_unreachable', 'Cannot reach cluster c1: ECONNREFUSED');
const expired = (): BackupCentreError =>
  new BackupCentreError('credentials_expired', 'Cannot list pods of cluster c1: HTTP 401', {
    retryable: true,
  });
const busy = (): BackupCentreError =>
  new UnavailableError('bucket_unavailable', 'Cannot read a of bucket cnfs-oss-vault in OSS: 503');
const gone = (): BackupCentreError =>
  new BackupCentreError(
    'bucket_unavailable',
    'Cannot write a of bucket cnfs-oss-vault: NoSuchBucket',
  );

let world: RestoreWorld;
let backup: BackupRecord;

beforeEach(async () => {
  world = await RestoreWorld.create();
  world.seed(sampleObject('ConfigMap', 'shop/settings', { data: { a: '1' } }));
  backup = await world.backups.backUp();
  expect(backup.phase).toBe('Completed');
});

/** Any text of that kind. */
const words = (pattern: RegExp): unknown => expect.stringMatching(pattern);

function refuseAll(error: () => BackupCentreError): Intercept {
  return async () => {
    throw error();
  };
}

/** What a backup and a restore go through: where the fault sits, and what it says. */
const PASSING: readonly [string, 'source' | 'target' | 'bucket', () => BackupCentreError][] = [
  ['a cluster that cannot be reached', 'source', unreachable],
  ['a cluster that cannot be reached', 'target', unreachable],
  ['a credential that expired', 'source', expired],
  ['a credential that expired', 'target', expired],
];

function place(where: 'source' | 'target' | 'bucket'): { intercept: Intercept } {
  if (where === 'bucket') return world.backups.bucket;
  return where === 'source' ? world.backups.cluster : world.target;
}

interface Ended {
  readonly phase: string;
  readonly message?: string;
}

/** A run of the kind that uses the place; `work` is one invocation of its worker. */
async function startRun(kind: 'backup' | 'restore'): Promise<{
  readonly record: () => Promise<Ended & { errors: readonly unknown[]; counts?: object }>;
  readonly work: () => Promise<string>;
}> {
  if (kind === 'backup') {
    const id = await world.backups.start();
    return { record: () => world.backups.record(id), work: () => finished(world.backups.work(id)) };
  }
  const id = await world.start(backup);
  return { record: () => world.record(id), work: () => finished(world.work(id)) };
}

/** Lets time pass while somebody inside the invocation waits for it. */
async function finished(working: Promise<string>): Promise<string> {
  let result: string | undefined;
  const done = working.then((r) => {
    result = r;
  });
  while (result === undefined) {
    await Promise.race([done, new Promise((resolve) => setImmediate(resolve))]);
    if (result === undefined && world.backups.clock.sleeping() > 1) {
      await world.backups.clock.advance(1_000);
    }
  }
  return result;
}

describe.each(PASSING)('%s (%s)', (_what, where, error) => {
  const kind = where === 'source' ? 'backup' : 'restore';

  it(`is told by the ${kind} while it waits, and forgotten when it is over`, async () => {
    const run = await startRun(kind);
    const faulty = place(where);
    faulty.intercept = refuseAll(error);
    for (const attempt of [2, 3]) {
      expect(await run.work()).toBe('waiting');
      const { phase, message } = await run.record();
      expect(['New', 'InProgress']).toContain(phase);
      expect(message).toContain(error().message);
      expect(message).toContain(`attempt ${attempt} of 10 at 2026-`);
      expect(message).toMatch(/Check that/);
      await world.backups.clock.advance(300_000);
    }
    faulty.intercept = passThrough;
    expect(await run.work()).toBe('ended');
    const record = await run.record();
    expect(record).toMatchObject({ phase: 'Completed', errors: [] });
    expect(record.message).toBeUndefined();
  });

  it(`ends the ${kind} Failed when it outlasts ten attempts, with what to do`, async () => {
    const run = await startRun(kind);
    place(where).intercept = refuseAll(error);
    const begin = world.backups.clock.now();
    let result = await run.work();
    for (let attempts = 1; result === 'waiting'; attempts += 1) {
      expect(attempts).toBeLessThan(11);
      await world.backups.clock.advance(300_000);
      result = await run.work();
    }
    expect(world.backups.clock.now() - begin).toBeLessThanOrEqual(WINDOW_MS);
    expect(await run.record()).toMatchObject({
      phase: 'Failed',
      message: error().message,
      errors: [
        {
          code: error().code,
          message: error().message,
          hint: words(/^Check that/),
        },
      ],
      ...(kind === 'restore' ? { counts: { created: 0 } } : {}),
    });
  });
});

describe.each(['backup', 'restore'] as const)('a bucket during a %s', (kind) => {
  it('that is busy for a while delays it', async () => {
    const run = await startRun(kind);
    world.backups.bucket.intercept = refuseAll(busy);
    expect(await run.work()).toBe('waiting');
    expect((await run.record()).message).toContain('bucket cnfs-oss-vault');
    await world.backups.clock.advance(300_000);
    world.backups.bucket.intercept = passThrough;
    expect(await run.work()).toBe('ended');
    expect(await run.record()).toMatchObject({ phase: 'Completed', errors: [] });
  });

  it('that vanished ends it at once, naming it and what to do', async () => {
    const run = await startRun(kind);
    world.backups.bucket.intercept = refuseAll(gone);
    expect(await run.work()).toBe('ended');
    expect(await run.record()).toMatchObject({
      phase: 'Failed',
      message: gone().message,
      errors: [{ code: 'bucket_unavailable', hint: words(/vault's bucket/) }],
    });
  });

  it('that fails again while the run is given up is told, and tried again', async () => {
    const run = await startRun(kind);
    const method = kind === 'backup' ? 'startUpload' : 'get';
    let failed = false;
    world.backups.bucket.intercept = async (call, proceed) => {
      if (failed) throw busy();
      if (call.method !== method) return await proceed();
      failed = true;
      throw gone();
    };
    expect(await run.work()).toBe('waiting');
    const step = kind === 'backup' ? 'capture' : 'precheck';
    expect((await run.record()).message).toMatch(
      new RegExp(
        `^${step} failed \\(.*NoSuchBucket\\), tidying up failed too, .*: 503\\. Check that`,
      ),
    );
    world.backups.bucket.intercept = passThrough;
    await world.backups.clock.advance(30_000);
    expect(await run.work()).toBe('ended');
    const record = await run.record();
    expect(record).toMatchObject({ phase: 'Completed', errors: [] });
    expect(record.message).toBeUndefined();
  });
});

describe('an API group of the target that does not answer', () => {
  const failure = { group: 'plant.example', version: 'v1', reason: 'HTTP 503' };
  const gear = () => world.target.peek(GEARS, 'shop', 'g');

  beforeEach(async () => {
    world = await RestoreWorld.create({
      resources: [...COMMON_RESOURCES, apiResource(GEARS, 'Gear')],
      targetResources: COMMON_RESOURCES,
    });
    world.seed(sampleObject('ConfigMap', 'shop/settings', { data: { a: '1' } }));
    world.seed(GEAR);
    backup = await world.backups.backUp();
    world.target.failures = [failure];
  });

  it('is waited for while the rest comes back, and the record says so', async () => {
    const id = await world.start(backup);
    expect(await finished(world.work(id))).toBe('waiting');
    expect((await world.record(id)).message).toBe(
      'Waiting: API group plant.example/v1 of cluster c2 does not answer, 1 objects want it',
    );
    expect(world.target.peek('configmaps', 'shop', 'settings')).toBeDefined();
    expect(gear()).toBeUndefined();
    world.target.failures = [];
    world.target.serve(apiResource(GEARS, 'Gear'));
    await world.backups.clock.advance(15_000);
    expect(await finished(world.work(id))).toBe('ended');
    const record = await world.record(id);
    expect(record).toMatchObject({ phase: 'Completed', errors: [], warnings: [] });
    expect(record.message).toBeUndefined();
    expect(gear()).toBeDefined();
  });

  it('for good costs its own objects and names it', async () => {
    const record = await world.restore(backup);
    expect(record).toMatchObject({
      phase: 'PartiallyFailed',
      counts: { failed: 1 },
      errors: [
        {
          code: 'api_group_unavailable',
          object: { resource: GEARS, namespace: 'shop', name: 'g' },
          message: words(/plant\.example\/v1 of cluster c2 does not answer: HTTP 503/),
          hint: words(/APIService/),
        },
      ],
    });
    expect(record.message).toBeUndefined();
    expect(world.target.peek('configmaps', 'shop', 'settings')).toBeDefined();
  });

  it('is noticed also where discovery still shows its kinds', async () => {
    world.target.failures = [];
    world.target.serve(apiResource(GEARS, 'Gear'));
    world.target.intercept = async (call, proceed) => {
      if (call.method !== 'create' || !call.subject.includes('gears')) return await proceed();
      world.target.failures = [failure];
      throw new UnavailableError('cluster_unreachable', 'Cannot create gears: HTTP 503');
    };
    const record = await world.restore(backup);
    expect(record).toMatchObject({
      phase: 'PartiallyFailed',
      counts: { failed: 1 },
      errors: [{ code: 'api_group_unavailable' }],
    });
  });

  it('is not waited for in a dry run', async () => {
    const id = await world.start(backup, { dryRun: true });
    expect(await finished(world.work(id))).toBe('ended');
    expect(await world.record(id)).toMatchObject({
      phase: 'PartiallyFailed',
      errors: [{ code: 'api_group_unavailable' }],
    });
  });
});
