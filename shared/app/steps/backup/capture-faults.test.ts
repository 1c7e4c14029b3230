import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { BackupWorld } from '../../../../test/support/backup-world.ts';
import { BackupCentreError, NotFoundError, UnavailableError } from '../../../domain/errors.ts';
import { ContinueExpiredError } from '../../../ports/cluster-client.ts';

let world: BackupWorld;

function seedMaps(count: number, size = 10): void {
  for (let i = 0; i < count; i += 1) {
    world.cluster.seed({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'shop', name: `web-${String(i).padStart(4, '0')}` },
      data: { payload: randomBytes(size).toString('base64') },
    });
  }
}

async function uniqueObjects(id: string): Promise<number> {
  const catalog = await world.catalog(await world.record(id));
  expect(new Set(catalog.map((l) => l.uid)).size).toBe(catalog.length);
  return catalog.length;
}

beforeEach(async () => {
  world = await BackupWorld.create();
});

describe('a list that cannot be finished at its first version', () => {
  it('goes on at another one, and the manifest names both', async () => {
    seedMaps(250);
    let pages = 0;
    world.cluster.intercept = async (call, proceed) => {
      if (call.subject === 'configmaps') pages += 1;
      if (call.subject === 'configmaps' && pages === 2) {
        seedMaps(260);
        world.cluster.expireContinueTokens();
      }
      return await proceed();
    };
    const record = await world.backUp();
    expect(pages).toBe(3);
    expect(record.phase).toBe('Completed');
    expect(await uniqueObjects(record.id)).toBe(261);
    const kind = (await world.manifest(record)).kinds.find((k) => k.resource === 'configmaps');
    const [read] = kind?.reads ?? [];
    expect(Number(read?.inconsistentWith)).toBeGreaterThan(Number(read?.resourceVersion));
    const logs = await world.unzipped((await world.keys(record)).logs);
    expect(logs).toContain('configmaps: its list could not be finished at version');
  });

  it('is listed again where its token has no successor; what is known is not taken twice', async () => {
    seedMaps(250);
    let expired = false;
    world.cluster.intercept = async (call, proceed) => {
      const again = call.subject === 'configmaps' && !expired;
      const result = await proceed();
      const page = result as { continue?: string };
      if (again && page.continue === undefined) {
        expired = true;
        throw new ContinueExpiredError('too old', undefined);
      }
      return result;
    };
    const record = await world.backUp();
    expect(expired).toBe(true);
    expect(await uniqueObjects(record.id)).toBe(251);
  });
});

describe('coverage', () => {
  it('lacks a kind that may not be read: the backup is partial and says which', async () => {
    seedMaps(1);
    world.cluster.denied = [{ verb: 'list', group: '', resource: 'secrets' }];
    const record = await world.backUp();
    expect(record.phase).toBe('PartiallyFailed');
    expect(record.coverageGaps).toMatchObject([
      { group: '', resource: 'secrets', namespace: 'shop' },
    ]);
    expect((await world.manifest(record)).coverageGaps).toEqual(record.coverageGaps);
    expect(await uniqueObjects(record.id)).toBe(2);
  });

  it('lacks a group that discovery cannot reach', async () => {
    world.cluster.failures = [{ group: 'metrics.k8s.io', reason: 'no answer in 5 s' }];
    const record = await world.backUp();
    expect(record.phase).toBe('PartiallyFailed');
    expect(record.coverageGaps).toEqual([{ group: 'metrics.k8s.io', reason: 'no answer in 5 s' }]);
  });

  it('does not lack a dead group of which no kind was asked for', async () => {
    world.cluster.failures = [{ group: 'metrics.k8s.io', reason: 'no answer in 5 s' }];
    const record = await world.backUp({ resources: ['configmaps'] });
    expect(record).toMatchObject({ phase: 'Completed', coverageGaps: [] });
  });

  it('lacks a related kind that may not be fetched', async () => {
    world.cluster.seed({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { namespace: 'shop', name: 'data' },
      spec: { volumeName: 'pv-1' },
    });
    world.cluster.denied = [{ verb: 'get', group: '', resource: 'persistentvolumes' }];
    const record = await world.backUp();
    expect(record.coverageGaps).toMatchObject([{ resource: 'persistentvolumes' }]);
  });

  it('is whole where something named is simply not there', async () => {
    world.cluster.seed({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'shop', name: 'web' },
      spec: { priorityClassName: 'gone' },
    });
    expect(await world.backUp()).toMatchObject({ phase: 'Completed', coverageGaps: [] });
  });
});

describe('an invocation whose time is short', () => {
  it('leaves a checkpoint, and the next ones finish', async () => {
    seedMaps(300, 20_000);
    world.partBytesMin = 256 * 1024;
    const id = await world.start();
    let lists = 0;
    world.cluster.intercept = async (call, proceed) => {
      // Each list takes five seconds of the world's time.
      if (call.method === 'list') {
        lists += 1;
        await world.clock.advance(5_000);
      }
      return await proceed();
    };
    const results: string[] = [];
    for (let i = 0; i < 30 && results.at(-1) !== 'ended'; i += 1) {
      results.push(await world.work(id, 26_000));
    }
    expect(results.filter((r) => r === 'again').length).toBeGreaterThan(1);
    expect(results.at(-1)).toBe('ended');
    expect(lists).toBeGreaterThan(20);
    expect(await uniqueObjects(id)).toBe(301);
  });
});

describe('an upload', () => {
  it('that the service lost is begun anew', async () => {
    seedMaps(60, 60_000);
    world.partBytesMin = 128 * 1024;
    let parts = 0;
    world.bucket.intercept = async (call, proceed) => {
      if (call.method === 'uploadPart') parts += 1;
      if (call.method === 'uploadPart' && parts === 3) {
        throw new NotFoundError('NoSuchUpload');
      }
      return await proceed();
    };
    const record = await world.backUp();
    expect(record.phase).toBe('Completed');
    expect(parts).toBeGreaterThan(5);
    expect(await uniqueObjects(record.id)).toBe(61);
    expect(await world.bucket.listUploads('')).toEqual([]);
  });

  it('that is lost again and again fails the backup, and nothing stays', async () => {
    seedMaps(1);
    world.bucket.intercept = async (call, proceed) => {
      if (call.method === 'completeUpload') {
        throw new BackupCentreError('bundle_invalid', 'part 1 differs');
      }
      return await proceed();
    };
    const record = await world.backUp();
    expect(record).toMatchObject({ phase: 'Failed', errors: [{ code: 'bundle_invalid' }] });
    expect(world.bucket.keys()).toEqual([]);
    expect(await world.bucket.listUploads('')).toEqual([]);
  });

  it('that is refused for a while goes on where it was', async () => {
    seedMaps(30, 60_000);
    world.partBytesMin = 128 * 1024;
    let refused = 0;
    world.bucket.intercept = async (call, proceed) => {
      if (call.method === 'uploadPart' && refused < 2) {
        refused += 1;
        throw new UnavailableError('bucket_unavailable', '503');
      }
      return await proceed();
    };
    const record = await world.backUp();
    expect(refused).toBe(2);
    expect(record.phase).toBe('Completed');
    expect(await uniqueObjects(record.id)).toBe(31);
  });
});

describe('the record while a capture runs', () => {
  it('is written about once a second of the clock, with what was done so far', async () => {
    seedMaps(2000);
    const writes: number[] = [];
    world.records.intercept = async (call, proceed) => {
      if (call.method === 'put' && call.subject.startsWith('backups')) {
        writes.push(world.clock.now());
      }
      return await proceed();
    };
    world.cluster.intercept = async (call, proceed) => {
      if (call.method === 'list') await world.clock.advance(100);
      return await proceed();
    };
    const record = await world.backUp();
    expect(record.progress.objectsDone).toBe(2001);
    const [from = 0, to = 0] = [writes[0], writes.at(-1)];
    expect(writes.length).toBeGreaterThan(3);
    expect(writes.length).toBeLessThan((to - from) / 1_000 + 8);
  });
});
