import { beforeEach, describe, expect, it } from 'vitest';
import { BackupCentreError, ThrottledError, UnavailableError } from '../../shared/domain/errors.ts';
import { ApiWorld, BACKUP_BODY, VAULT_BODY } from '../../test/support/api-world.ts';

let world: ApiWorld;
const call: ApiWorld['call'] = (...given) => world.call(...given);
const BACKUPS = '/v1/clusters/c1/backups';

beforeEach(() => {
  world = new ApiWorld();
});

/** The store fails as given at its next use, whatever that is. */
function failStore(error: Error): void {
  world.records.intercept = async () => {
    throw error;
  };
}

describe('a refusal', () => {
  it('is a problem document that says what was attempted', async () => {
    const reply = await call('GET', '/v1/vaults/none');
    expect(reply.type).toBe('application/problem+json');
    expect(reply.body).toEqual({
      type: '/problems/not_found',
      title: 'Not found',
      status: 404,
      code: 'not_found',
      detail: 'Cannot find vault none',
    });
  });

  it.each<[string, string]>([
    ['GET', '/v1/clusters/c9'],
    ['DELETE', '/v1/clusters/c9'],
    ['GET', '/v1/clusters/c9/precheck'],
    ['GET', '/v1/clusters/c9/vaults'],
    ['PUT', '/v1/clusters/c9/vaults/main'],
    ['PUT', '/v1/clusters/c1/vaults/other'],
    ['GET', '/v1/clusters/c9/backups'],
    ['GET', '/v1/clusters/c9/backups/b1'],
    ['GET', '/v1/clusters/c1/backups/b9'],
    ['GET', '/v1/clusters/c1/backups/bk-1-00'],
    ['GET', '/v1/clusters/c1/backups?vault=other'],
    ['POST', '/v1/clusters/c1/backups/b9/cancel'],
    ['POST', '/v1/clusters/c1/backups/b9/verify'],
    ['GET', '/v1/clusters/c1/backups/b9/resources'],
    ['GET', '/v1/clusters/c1/backups/b9/resources/0'],
    ['GET', '/v1/clusters/c1/backups/b9/logs'],
    ['GET', '/v1/clusters/c1/backups/b9/results'],
    ['GET', '/v1/clusters/c9/restores'],
    ['GET', '/v1/clusters/c1/restores/r9'],
    ['POST', '/v1/clusters/c1/restores/r9/cancel'],
    ['GET', '/v1/clusters/c1/restores/r9/items'],
    ['GET', '/v1/clusters/c1/restores/r9/logs'],
    ['GET', '/v1/vaults/other/backups'],
    ['DELETE', '/v1/vaults/other'],
  ])('is not_found for %s %s', async (method, path) => {
    await world.prepare();
    expect(await call(method, path)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  it('of a busy store is 429 throttled and says when to come back', async () => {
    failStore(new ThrottledError('Cannot read vaults: OTSServerBusy', 1_500));
    const reply = await call('GET', '/v1/vaults');
    expect(reply).toMatchObject({ status: 429, body: { code: 'throttled' }, retryAfter: '2' });
  });

  it('that nobody foresaw is 500 internal and tells nothing of the insides', async () => {
    failStore(new TypeError('Cannot read properties of undefined, key LTAI-secret'));
    const reply = await call('GET', '/v1/vaults');
    expect(reply).toMatchObject({ status: 500, body: { code: 'internal' } });
    expect(reply.text).not.toMatch(/undefined|LTAI|at .*\.ts/);
    expect(world.log.lines.map((l) => l.msg)).toContain('Request failed');
  });

  it.each<[string, BackupCentreError, number]>([
    [
      'cluster_access_denied',
      new BackupCentreError('cluster_access_denied', 'Cannot read ACK cluster c1: Forbidden'),
      403,
    ],
    [
      'cluster_unreachable',
      new UnavailableError('cluster_unreachable', 'Cannot read ACK cluster c1: HTTP 503'),
      503,
    ],
    [
      'credentials_expired',
      new BackupCentreError('credentials_expired', 'Cannot read ACK cluster c1: expired'),
      503,
    ],
  ])('by ACK at registration is %s, and nothing is registered', async (code, error, status) => {
    world.directory.describe = async () => {
      throw error;
    };
    const reply = await call('POST', '/v1/clusters', { id: 'c1' });
    expect(reply).toMatchObject({ status, body: { code, detail: error.message } });
    expect((await call('GET', '/v1/clusters/c1')).status).toBe(404);
  });
});

describe('bodies', () => {
  it.each<[string, string, unknown]>([
    ['POST', '/v1/vaults', { ...VAULT_BODY, bucketname: 'x' }],
    ['POST', '/v1/clusters', { id: 'c1', colour: 'red' }],
    ['POST', BACKUPS, { ...BACKUP_BODY, includeNamespaces: [] }],
  ])('of %s %s with a field that is not known are unknown_field', async (method, path, body) => {
    expect(await call(method, path, body)).toMatchObject({
      status: 422,
      body: { code: 'unknown_field', errors: [{ rule: 'is not a known field' }] },
    });
  });

  it.each<[string, object, string]>([
    ['a bucket name in capitals', { bucketName: 'CNFS' }, 'bucketName'],
    ['a way out of the subdirectory', { bucketSubdirectory: 'a/../b' }, 'bucketSubdirectory'],
    ['another visibility', { visibility: 'public' }, 'visibility'],
    ['no name', { name: '' }, 'name'],
  ])('of a vault with %s are invalid', async (_what, change, path) => {
    const reply = await call('POST', '/v1/vaults', { ...VAULT_BODY, ...change });
    expect(reply).toMatchObject({ status: 422, body: { code: 'invalid' } });
    expect(reply.body.errors).toEqual(expect.arrayContaining([expect.objectContaining({ path })]));
    expect((await call('GET', '/v1/vaults')).body.items).toEqual([]);
  });

  it.each<[string, object, string, RegExp]>([
    ['a selector without "="', { labelSelector: 'app' }, 'labelSelector', /key=value/],
    ['a key with two slashes', { labelSelector: 'a/b/c=d' }, 'labelSelector', /key=value/],
    [
      'a label value of 64 characters',
      { labelSelector: `a=${'b'.repeat(64)}` },
      'labelSelector',
      /key=value/,
    ],
    [
      'a label key with a blank',
      { labelSelector: { matchLabels: { 'a b': 'c' } } },
      'labelSelector.matchLabels.a b',
      /label key/,
    ],
    [
      'a label value with a blank',
      { labelSelector: { matchLabels: { a: 'b c' } } },
      'labelSelector.matchLabels.a',
      /label value/,
    ],
    [
      'an operator of node selectors',
      { labelSelector: { matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] } },
      'labelSelector.matchExpressions[0].operator',
      /NotIn/,
    ],
    [
      'a value that no label has',
      { labelSelector: { matchExpressions: [{ key: 'a', operator: 'In', values: ['x y'] }] } },
      'labelSelector.matchExpressions[0].values[0]',
      /label value/,
    ],
    ['a number among resources', { resources: ['pods', 1] }, 'resources[1]', /expected string/],
    ['a number for resources', { resources: 1 }, 'resources', /expected array.* or .*string/],
    ['a namespace in capitals', { namespaces: ['Shop'] }, 'namespaces[0]', /namespace name/],
  ])('of a backup with %s are invalid, and say which rule', async (_what, change, path, rule) => {
    await world.prepare();
    const reply = await call('POST', BACKUPS, { ...BACKUP_BODY, ...change });
    expect(reply).toMatchObject({ status: 422, body: { code: 'invalid' } });
    expect(reply.body.errors).toMatchObject([{ path }]);
    expect(JSON.stringify(reply.body.errors)).toMatch(rule);
    expect(await world.backupCount()).toBe(0);
  });

  it.each([
    { 'app.kubernetes.io/name': 'web', tier: '' },
    { A1: 'x_y.z-1', 'example.com/B': 'v'.repeat(63) },
  ])('of a backup with the labels %j are taken', async (matchLabels) => {
    await world.prepare();
    const body = { ...BACKUP_BODY, labelSelector: { matchLabels } };
    expect((await call('POST', BACKUPS, body)).status).toBe(202);
  });

  it('with an unknown field inside a selector are unknown_field', async () => {
    await world.prepare();
    const body = { ...BACKUP_BODY, labelSelector: { matchLabels: { a: 'b' }, matchFields: [] } };
    expect((await call('POST', BACKUPS, body)).body).toMatchObject({
      code: 'unknown_field',
      errors: [{ path: 'labelSelector.matchFields' }],
    });
  });

  it.each([
    ['an array', '[]'],
    ['a number', '7'],
    ['null', 'null'],
  ])('that are %s are invalid', async (_what, body) => {
    await world.prepare();
    expect((await call('POST', BACKUPS, body)).body.code).toBe('invalid');
  });

  it.each([
    ['nothing', ''],
    ['bytes that are no UTF-8', '"\ud800"'],
    ['two documents', '{}{}'],
  ])('that hold %s are refused', async (_what, body) => {
    await world.prepare();
    const reply = await call('POST', BACKUPS, body);
    expect([400, 422]).toContain(reply.status);
    expect(await world.backupCount()).toBe(0);
  });

  it('that carry a key named __proto__ change nothing', async () => {
    await world.prepare();
    const text = `{"__proto__":{"name":"p"},${JSON.stringify(BACKUP_BODY).slice(1)}`;
    expect((await call('POST', BACKUPS, text)).body.code).toBe('unknown_field');
    expect(({} as Record<string, unknown>).name).toBeUndefined();
  });
});

describe('queries', () => {
  it.each([
    '?limit=0',
    '?limit=501',
    '?limit=ten',
    '?cursor=nonsense',
    '?cursor=e30',
    '?phase=Running',
  ])('of a list with %s are invalid', async (query) => {
    await world.prepare();
    expect(await call('GET', `${BACKUPS}${query}`)).toMatchObject({
      status: 422,
      body: { code: 'invalid' },
    });
  });

  it('that nobody knows are unknown_field', async () => {
    await world.prepare();
    expect((await call('GET', `${BACKUPS}?colour=red`)).body.code).toBe('unknown_field');
    expect((await call('GET', '/v1/vaults?cursor=x')).body.code).toBe('invalid');
    expect((await call('GET', '/v1/clusters?cursor=-1')).body.code).toBe('invalid');
  });
});

describe('lists', () => {
  it('of backups come newest first, in pages that a cursor joins', async () => {
    await world.prepare();
    for (const name of ['b1', 'b2', 'b3', 'b4', 'b5']) {
      await call('POST', BACKUPS, { ...BACKUP_BODY, name });
      await world.clock.advance(1_000);
    }
    const names: unknown[] = [];
    let cursor = '';
    do {
      const page = await call('GET', `${BACKUPS}?limit=2${cursor}`);
      const items = Array.isArray(page.body.items) ? page.body.items : [];
      expect(items.length).toBeLessThanOrEqual(2);
      names.push(...items.map((item: { name: string }) => item.name));
      const { nextCursor } = page.body;
      cursor = typeof nextCursor === 'string' ? `&cursor=${encodeURIComponent(nextCursor)}` : '';
    } while (cursor !== '');
    expect(names).toEqual(['b5', 'b4', 'b3', 'b2', 'b1']);
  });

  it('of backups keep what every filter wants', async () => {
    await world.prepare();
    await call('POST', '/v1/vaults', { ...VAULT_BODY, name: 'second', bucketName: 'cnfs-oss-b' });
    await call('POST', BACKUPS, BACKUP_BODY);
    await world.finish({ plan: 'nightly' });
    await world.clock.advance(1_000);
    await call('POST', BACKUPS, { ...BACKUP_BODY, name: 'b2', vault: 'second' });
    const names = async (query: string): Promise<unknown> => {
      const { items } = (await call('GET', `${BACKUPS}?${query}`)).body;
      return Array.isArray(items) ? items.map((item: { name: string }) => item.name) : items;
    };
    expect(await names('vault=second')).toEqual(['b2']);
    expect(await names('vault=main')).toEqual(['b1']);
    expect(await names('plan=nightly')).toEqual(['b1']);
    expect(await names('plan=weekly')).toEqual([]);
    expect(await names('namespace=shop')).toEqual(['b1']);
    expect(await names('phase=New')).toEqual(['b2']);
    expect(await names('phase=Completed&vault=second')).toEqual([]);
    expect(await names('phase=Completed&vault=main&namespace=shop&plan=nightly')).toEqual(['b1']);
  });

  it('of vaults and clusters have pages too', async () => {
    await world.prepare();
    world.directory.add({ id: 'c2' });
    await call('POST', '/v1/clusters', { id: 'c2' });
    await call('POST', '/v1/vaults', { ...VAULT_BODY, name: 'second', bucketName: 'cnfs-oss-b' });
    for (const path of ['/v1/vaults', '/v1/clusters']) {
      const first = (await call('GET', `${path}?limit=1`)).body;
      expect(first.items).toHaveLength(1);
      const second = (await call('GET', `${path}?limit=1&cursor=${String(first.nextCursor)}`)).body;
      expect(second.items).toHaveLength(1);
      expect(second.items).not.toEqual(first.items);
      expect(second.nextCursor).toBeUndefined();
    }
  });
});
