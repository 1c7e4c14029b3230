import { beforeEach, describe, expect, it } from 'vitest';
import { restorePlace } from '../../shared/app/restore-services.ts';
import type { BackupRecord } from '../../shared/domain/backup-record.ts';
import { BackupCentreError } from '../../shared/domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../shared/domain/json.ts';
import type { RestoreRecord } from '../../shared/domain/restore-record.ts';
import { ApiCaller } from '../../test/support/api-caller.ts';
import { RestoreWorld } from '../../test/support/restore-world.ts';

const CONFIG_MAPS = 7;

let world: RestoreWorld;
let api: ApiCaller;

beforeEach(async () => {
  world = await RestoreWorld.create();
  const { records, control, stores, directory, disks, cloudBackup } = world.backups;
  const { clock, entropy, log, accountId, landingImage } = world.backups;
  api = new ApiCaller({
    ...{ records, control, stores, directory, disks, cloudBackup },
    ...{ clock, entropy, log, accountId, landingImage },
    region: 'cn-hangzhou',
    networks: [],
    managedBucketPattern: /^cnfs-oss/,
  });
  for (const cluster of ['c1', 'c2']) {
    expect((await api.call('PUT', `/v1/clusters/${cluster}/vaults/main`)).status).toBe(200);
  }
  for (let i = 0; i < CONFIG_MAPS; i += 1) {
    world.seed({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'shop', name: `cm-${i}` },
      data: { i: String(i) },
    });
  }
  world.seed({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { namespace: 'shop', name: 'password' },
    data: { key: 'c2VjcmV0' },
  });
});

const pathOf = (record: BackupRecord): string => `/v1/clusters/c1/backups/${record.spec.name}`;
const restorePathOf = (record: RestoreRecord): string =>
  `/v1/clusters/c2/restores/${record.spec.name}`;

/** Every item of a list, read page by page. */
async function all(path: string, limit: number): Promise<readonly JsonObject[]> {
  const items: JsonObject[] = [];
  let cursor = '';
  do {
    const { body } = await api.call('GET', `${path}?limit=${limit}${cursor}`);
    const page = Array.isArray(body.items) ? body.items.filter(isJsonObject) : [];
    expect(page.length).toBeLessThanOrEqual(limit);
    items.push(...page);
    const { nextCursor } = body;
    cursor = typeof nextCursor === 'string' ? `&cursor=${encodeURIComponent(nextCursor)}` : '';
  } while (cursor !== '');
  return items;
}

async function refused(path: string): Promise<string> {
  const { status, body } = await api.call('GET', path);
  return `${status} ${String(body.code)}`;
}

describe('the resources of a backup', () => {
  it('are listed in pages, each object once and by its number', async () => {
    const path = `${pathOf(await world.backups.backUp())}/resources`;
    const items = await all(path, 4);
    expect(items.map((i) => i.n)).toEqual(items.map((_, n) => n));
    const names = items.map((i) => `${String(i.resource)} ${String(i.name)}`);
    for (let i = 0; i < CONFIG_MAPS; i += 1) expect(names).toContain(`configmaps cm-${i}`);
    expect(new Set(names).size).toBe(names.length);
    expect(await all(path, 500)).toEqual(items);
  });

  it('are read one by one, a Secret masked unless it is to be revealed', async () => {
    const path = `${pathOf(await world.backups.backUp())}/resources`;
    const items = await all(path, 500);
    const numberOf = (name: string) => String(items.find((i) => i.name === name)?.n);
    const map = await api.call('GET', `${path}/${numberOf('cm-3')}`);
    expect(map).toMatchObject({ status: 200, type: 'application/json' });
    expect(map.body).toMatchObject({ kind: 'ConfigMap', data: { i: '3' } });
    const secret = `${path}/${numberOf('password')}`;
    expect((await api.call('GET', secret)).body.data).toEqual({ key: '***' });
    expect((await api.call('GET', `${secret}?reveal=false`)).text).not.toContain('c2VjcmV0');
    expect((await api.call('GET', `${secret}?reveal=true`)).body.data).toEqual({ key: 'c2VjcmV0' });
  });

  it('refuse numbers, cursors and flags that are none', async () => {
    const path = `${pathOf(await world.backups.backUp())}/resources`;
    expect(await refused(`${path}/999`)).toBe('404 not_found');
    expect(await refused(`${path}/one`)).toBe('404 not_found');
    expect(await refused(`${path}/-1`)).toBe('404 not_found');
    expect(await refused(`${path}?cursor=x`)).toBe('422 invalid');
    expect(await refused(`${path}?cursor=-1`)).toBe('422 invalid');
    expect(await refused(`${path}/0?reveal=yes`)).toBe('422 invalid');
    expect(await refused(`${path}/0?limit=1`)).toBe('422 unknown_field');
    expect((await api.call('GET', `${path}?cursor=999`)).body).toEqual({ items: [] });
  });

  it('are not there before the backup has finished, nor after it failed', async () => {
    const id = await world.backups.start();
    const path = `/v1/clusters/c1/backups/${id}`;
    expect(await refused(`${path}/resources`)).toBe('409 backup_unfinished');
    expect(await refused(`${path}/resources/0`)).toBe('409 backup_unfinished');
    const failed = await world.backups.backUp({ namespaces: ['gone'] });
    expect(await refused(`${pathOf(failed)}/resources`)).toBe('409 backup_failed');
    const { body } = await api.call('GET', pathOf(failed));
    expect(body).toMatchObject({ phase: 'Failed', errors: [{ code: 'no_namespaces' }] });
  });

  it('say so where the bundle is damaged or its bucket is gone', async () => {
    const record = await world.backups.backUp();
    const { manifest } = await world.backups.keys(record);
    await world.backups.bucket.remove([manifest]);
    await world.backups.bucket.put(manifest, Buffer.from('{"version":'));
    expect(await refused(`${pathOf(record)}/resources`)).toBe('409 bundle_invalid');
    await world.backups.bucket.remove([manifest]);
    expect(await refused(`${pathOf(record)}/resources`)).toBe('409 bundle_invalid');
    loseBucket();
    expect(await refused(`${pathOf(record)}/resources`)).toBe('503 bucket_unavailable');
  });
});

/** From now on the vault's bucket refuses every call, as OSS does for one that was removed. */
function loseBucket(): void {
  world.backups.bucket.intercept = async () => {
    throw new BackupCentreError('bucket_unavailable', 'Cannot read in OSS: NoSuchBucket');
  };
}

describe('the log of a backup', () => {
  it('is text, also while the backup runs', async () => {
    const id = await world.backups.start();
    const path = `/v1/clusters/c1/backups/${id}/logs`;
    expect(await api.call('GET', path)).toMatchObject({ status: 200, text: '' });
    const record = await world.backups.workToEnd(id);
    const log = await api.call('GET', `${pathOf(record)}/logs`);
    expect(log.type).toBe('text/plain; charset=utf-8');
    expect(log.text).toMatch(/Backup nightly-1 of cluster c1 begins/);
    expect(log.text).toMatch(/Backup complete/);
    expect(log.text).not.toContain('c2VjcmV0');
  });

  it('is a problem, not an empty text, where it cannot be read', async () => {
    const record = await world.backups.backUp();
    loseBucket();
    expect(await refused(`${pathOf(record)}/logs`)).toBe('503 bucket_unavailable');
    expect(await refused(`${pathOf(record)}/results`)).toBe('503 bucket_unavailable');
  });
});

describe('files that are no gzip any more', () => {
  async function spoil(key: string): Promise<void> {
    await world.backups.bucket.remove([key]);
    await world.backups.bucket.put(key, Buffer.from('no gzip'));
  }

  it('are told of as such', async () => {
    const record = await world.backups.backUp();
    const restore = await world.restore(record);
    const { logs, results } = await world.backups.keys(record);
    const { keys } = await restorePlace(world.backups, restore);
    for (const key of [logs, results, keys.logs, keys.items]) await spoil(key);
    expect(await refused(`${pathOf(record)}/logs`)).toBe('409 bundle_invalid');
    expect(await refused(`${pathOf(record)}/results`)).toBe('409 bundle_invalid');
    expect(await refused(`${restorePathOf(restore)}/logs`)).toBe('409 bundle_invalid');
    expect(await refused(`${restorePathOf(restore)}/items`)).toBe('409 bundle_invalid');
  });
});

describe('the results of a backup', () => {
  it('are all its errors and warnings', async () => {
    const record = await world.backups.backUp({ namespaces: ['shop', 'gone'] });
    const { body } = await api.call('GET', `${pathOf(record)}/results`);
    expect(body.errors).toEqual([]);
    expect(body.warnings).toMatchObject([{ code: 'not_found', object: { name: 'gone' } }]);
    expect(await refused(`${pathOf(record)}/results?limit=1`)).toBe('422 unknown_field');
  });
});

describe('the items of a restore', () => {
  it('are listed in pages, each object once with what became of it', async () => {
    const restore = await world.restore(await world.backups.backUp());
    const path = `${restorePathOf(restore)}/items`;
    const items = await all(path, 3);
    const outcome = items.map((i) => `${String(i.resource)} ${String(i.name)} ${String(i.action)}`);
    expect(new Set(outcome).size).toBe(outcome.length);
    for (let i = 0; i < CONFIG_MAPS; i += 1) {
      expect(outcome).toContain(`configmaps cm-${i} created`);
    }
    expect(await all(path, 500)).toEqual(items);
    const { body } = await api.call('GET', restorePathOf(restore));
    expect(body).toMatchObject({ phase: 'Completed', counts: { failed: 0 } });
  });

  it('are what would happen in a dry run, with the proof', async () => {
    const restore = await world.restore(await world.backups.backUp(), { dryRun: true });
    // A dry run does not use its name up, so it is found by its id.
    const items = await all(`/v1/clusters/c2/restores/${restore.id}/items`, 500);
    expect(items.find((i) => i.name === 'cm-0')).toMatchObject({
      action: 'create',
      proof: 'server',
    });
    expect(world.target.peek('configmaps', 'shop', 'cm-0')).toBeUndefined();
  });

  it('refuse cursors that are none of theirs', async () => {
    const restore = await world.restore(await world.backups.backUp());
    const path = `${restorePathOf(restore)}/items`;
    for (const cursor of ['x', '1', '-1.0', '1.1.1']) {
      expect(await refused(`${path}?cursor=${cursor}`)).toBe('422 invalid');
    }
    expect(await refused(`${path}?colour=red`)).toBe('422 unknown_field');
    expect((await api.call('GET', `${path}?cursor=99.0`)).body).toEqual({ items: [] });
  });

  it('are empty before the restore has begun, and its log too', async () => {
    const id = await world.start(await world.backups.backUp());
    const path = `/v1/clusters/c2/restores/${id}`;
    expect((await api.call('GET', `${path}/items`)).body).toEqual({ items: [] });
    expect(await api.call('GET', `${path}/logs`)).toMatchObject({ status: 200, text: '' });
  });
});

describe('the log of a restore', () => {
  it('is text that says what was done', async () => {
    const restore = await world.restore(await world.backups.backUp());
    const log = await api.call('GET', `${restorePathOf(restore)}/logs`);
    expect(log).toMatchObject({ status: 200, type: 'text/plain; charset=utf-8' });
    expect(log.text).toMatch(/Restoring backup nightly-1 into cluster c2/);
    loseBucket();
    expect(await refused(`${restorePathOf(restore)}/logs`)).toBe('503 bucket_unavailable');
    expect(await refused(`${restorePathOf(restore)}/items`)).toBe('503 bucket_unavailable');
  });
});
