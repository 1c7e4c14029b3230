import { beforeEach, describe, expect, it } from 'vitest';
import { BackupWorld } from '../../test/support/backup-world.ts';
import type { BackupRecord } from '../domain/backup-record.ts';
import {
  listBackupResources,
  readBackupLog,
  readBackupObject,
  readBackupResults,
} from './read-backup.ts';

let world: BackupWorld;

beforeEach(async () => {
  world = await BackupWorld.create();
  world.cluster.seed({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      namespace: 'shop',
      name: 'password',
      annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{"data":"c2VjcmV0"}' },
    },
    data: { key: 'c2VjcmV0' },
  });
});

async function log(record: BackupRecord): Promise<string> {
  let text = '';
  for await (const piece of readBackupLog(world, record)) text += piece;
  return text;
}

describe('reading a finished backup', () => {
  it('lists its resources in pages by number', async () => {
    for (let i = 0; i < 1500; i += 1) {
      world.cluster.seed({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { namespace: 'shop', name: `cm-${String(i).padStart(4, '0')}` },
      });
    }
    const record = await world.backUp();
    const names: string[] = [];
    let from: number | undefined = 0;
    while (from !== undefined) {
      const page = await listBackupResources(world, record, { from, limit: 700 });
      expect(page.items.map((i) => i.n)).toEqual(page.items.map((_, i) => Number(from) + i));
      names.push(...page.items.map((i) => i.name));
      from = page.next;
    }
    expect(names).toHaveLength(1502);
    expect(new Set(names).size).toBe(1502);
    const [first] = (await listBackupResources(world, record, { from: 0, limit: 1 })).items;
    expect(first).toEqual({
      n: 0,
      apiVersion: 'v1',
      resource: 'namespaces',
      kind: 'Namespace',
      name: 'shop',
    });
  });

  it('gives one object by two ranges besides the manifest', async () => {
    const record = await world.backUp();
    const { items } = await listBackupResources(world, record, { from: 0, limit: 10 });
    const n = items.find((i) => i.kind === 'Secret')?.n ?? -1;
    const gets: string[] = [];
    world.bucket.intercept = async (call, proceed) => {
      gets.push(`${call.method} ${call.subject.split('/').at(-1)}`);
      return await proceed();
    };
    const text = await readBackupObject(world, record, n, { reveal: true });
    expect(gets).toEqual([
      'get manifest.json',
      'get catalog.ndjson.gz',
      `get ${record.spec.name}.tar.gz`,
    ]);
    expect(JSON.parse(text)).toMatchObject({
      apiVersion: 'v1',
      kind: 'Secret',
      data: { key: 'c2VjcmV0' },
    });
  });

  it('masks what a Secret holds unless told otherwise, and shows its keys', async () => {
    const record = await world.backUp();
    const text = await readBackupObject(world, record, 1, { reveal: false });
    expect(JSON.parse(text)).toMatchObject({ kind: 'Secret', data: { key: '***' } });
    expect(text).not.toContain('c2VjcmV0');
  });

  it('answers a number beyond the end with what there is', async () => {
    const record = await world.backUp();
    await expect(readBackupObject(world, record, 99, { reveal: false })).rejects.toThrow(
      'Cannot read object 99 of backup nightly-1: it has 2',
    );
  });

  it('shows log and results, without the content of a Secret anywhere', async () => {
    const record = await world.backUp({ namespaces: ['shop', 'gone'] });
    expect(await log(record)).toMatch(/info Backup complete: 2 objects, 0 errors, 1 warnings/);
    const { warnings } = await readBackupResults(world, record);
    expect(warnings.map((w) => w.message)).toEqual([
      'Cannot back up namespace gone: it does not exist or is being deleted',
    ]);
    const keys = await world.keys(record);
    const texts = await Promise.all([
      world.unzipped(keys.logs),
      world.unzipped(keys.results),
      world.unzipped(keys.catalog),
      Promise.resolve(JSON.stringify(record)),
    ]);
    expect(texts.join('\n')).not.toContain('c2VjcmV0');
  });
});

describe('reading a backup that is not finished', () => {
  it('shows the log while it runs', async () => {
    const id = await world.start();
    world.bucket.intercept = async () => await new Promise(() => undefined);
    void world.work(id);
    await expect.poll(async () => await log(await world.record(id))).toContain('begins');
    const record = await world.record(id);
    await expect(listBackupResources(world, record, { from: 0, limit: 1 })).rejects.toMatchObject({
      code: 'backup_unfinished',
    });
  });

  it('shows the log and the errors of one that failed', async () => {
    const record = await world.backUp({ namespaces: ['gone'] });
    expect(record.phase).toBe('Failed');
    expect(await log(record)).toContain('get target namespace failed');
    expect((await readBackupResults(world, record)).errors).toEqual(record.errors);
    await expect(readBackupObject(world, record, 0, { reveal: false })).rejects.toMatchObject({
      code: 'backup_failed',
    });
  });
});
