import { beforeEach, expect, it } from 'vitest';
import { ApiWorld } from '../../test/support/api-world.ts';

const BODY = { bucketRegion: 'cn-hangzhou', bucketName: 'cnfs-oss-a', bucketSubdirectory: '' };

let world: ApiWorld;
beforeEach(async () => {
  world = new ApiWorld();
  await world.prepare();
});

const rebuild = async (given: object = {}) =>
  await world.call('POST', '/v1/rebuild', { ...BODY, ...given });

it('a rebuild goes on by its cursor until there is none', async () => {
  const identity = (await world.call('GET', '/v1/vaults/main')).body.identity;
  world.records.lose();
  const first = await rebuild();
  expect(first).toMatchObject({ status: 200, body: { nextCursor: 'backups/' } });
  const last = await rebuild({ cursor: first.body.nextCursor });
  expect(last.status).toBe(200);
  expect(last.body.nextCursor).toBeUndefined();
  expect((await world.call('GET', '/v1/vaults/main')).body).toMatchObject({
    ...{ identity, phase: 'Available' },
  });
});

it('a rebuild refuses a field that is not known', async () => {
  expect(await rebuild({ bucket: 'x' })).toMatchObject({
    status: 422,
    body: { code: 'unknown_field', errors: [{ path: 'bucket' }] },
  });
});

it.each<[string, object, string]>([
  ['no bucket', { bucketName: undefined }, 'bucketName'],
  ['no region', { bucketRegion: undefined }, 'bucketRegion'],
  ['a bucket name in capitals', { bucketName: 'CNFS' }, 'bucketName'],
  ['a cursor that is none', { cursor: 'nowhere' }, 'cursor'],
])('a rebuild with %s is invalid', async (_what, given, path) => {
  expect(await rebuild(given)).toMatchObject({
    status: 422,
    body: { code: 'invalid', errors: [{ path }] },
  });
});

it('a rebuild from a bucket that is not there says so, and changes nothing', async () => {
  const gone = world.stores.open({ region: 'cn-hangzhou', name: 'cnfs-oss-gone' });
  gone.facts.exists = false;
  const reply = await rebuild({ bucketName: 'cnfs-oss-gone' });
  expect(reply).toMatchObject({ status: 503, body: { code: 'bucket_unavailable' } });
  expect(String(reply.body.detail)).toContain('cnfs-oss-gone');
  expect((await world.call('GET', '/v1/vaults')).body.items).toHaveLength(1);
});

it('a rebuild from a place without files of ours is not_found, and changes nothing', async () => {
  await world.stores
    .open({ region: 'cn-hangzhou', name: 'cnfs-oss-a' })
    .put('team/photos/cat.jpg', Buffer.from('cat'));
  const reply = await rebuild({ bucketSubdirectory: 'team' });
  expect(reply).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect(reply.body.detail).toBe(
    'Cannot rebuild from bucket cnfs-oss-a: found no vault at team/metadata/vault-*.json',
  );
  expect((await world.call('GET', '/v1/vaults')).body.items).toHaveLength(1);
});
