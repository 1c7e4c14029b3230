/** The OSS adapter when things go wrong, on the emulator with planned faults. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSdk, type OssSdk } from '../../infra/emulators/oss/sdk-client.ts';
import { type OssEmulator, startOssEmulator } from '../../infra/emulators/oss/server.ts';
import type { CloudCredentials } from '../../shared/adapters/credentials.ts';
import { OssObjectStores } from '../../shared/adapters/oss/oss-object-store.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { SeededEntropy } from '../support/seeded-entropy.ts';

const region = 'cn-hangzhou';
const OWNER = { accessKeyId: 'LTAIowner', accessKeySecret: 'owner-secret' };
const ACCOUNT = '1';

let emulator: OssEmulator;
let sdk: OssSdk;
let store: ObjectStore;
let keys: CloudCredentials;
let dir: string;
const time = { offsetMs: 0 };

beforeEach(async () => {
  dir = mkdtempSync(`${tmpdir()}/oss-faults-`);
  time.offsetMs = 0;
  emulator = await startOssEmulator({
    dir,
    now: () => Date.now() + time.offsetMs,
    region,
    accountId: ACCOUNT,
    credentials: (id) => {
      if (id === OWNER.accessKeyId) return { ...OWNER, principalId: ACCOUNT };
      if (!id.startsWith('STS.')) return undefined;
      return {
        accessKeySecret: `${id}-secret`,
        securityToken: `${id}-token`,
        principalId: 'role:session',
        expiresAtMs: id === 'STS.old' ? Date.now() - 1_000 : Date.now() + 3_600_000,
      };
    },
  });
  sdk = createSdk({
    ...OWNER,
    endpoint: emulator.url,
    region: `oss-${region}`,
    sldEnable: true,
    bucket: 'vault',
  });
  await sdk.putBucket('vault');
  keys = OWNER;
  const pacing = { clock: new FakeClock({ impatient: true }), entropy: new SeededEntropy() };
  const stores = new OssObjectStores(
    () => emulator.url,
    () => keys,
    pacing,
  );
  store = stores.open({ region, name: 'vault' });
});

afterEach(async () => {
  await emulator.close();
  rmSync(dir, { recursive: true });
});

const ACTIONS = [
  'PutObject',
  'GetObject',
  'HeadObject',
  'ListObjectsV2',
  'DeleteMultipleObjects',
  'InitiateMultipartUpload',
  'UploadPart',
  'ListParts',
  'CompleteMultipartUpload',
  'GetBucketInfo',
];

describe('OssObjectStore when things go wrong', () => {
  test.each(['throttle', 'unavailable', 'error', 'drop', 'lostReply'] as const)(
    'every call outlives %s, with its true outcome',
    async (kind) => {
      for (const action of ACTIONS) emulator.faults.add({ action, kind, times: 2 });
      await store.put('a', Buffer.from('one'), { ifAbsent: true });
      expect(Buffer.from(await store.get('a')).toString()).toBe('one');
      expect(await store.head('a')).toMatchObject({ sizeBytes: 3 });
      const id = await store.startUpload('b', { ifAbsent: true });
      const part = await store.uploadPart('b', id, 1, Buffer.from('part'));
      expect(await store.listParts('b', id)).toEqual([part]);
      const info = await store.completeUpload('b', id, [part], { ifAbsent: true });
      expect(info.sizeBytes).toBe(4);
      expect((await store.list('')).objects.map((o) => o.key)).toEqual(['a', 'b']);
      await store.remove(['a', 'b']);
      expect(emulator.faults.unhit()).toEqual([]);
      expect((await store.list('')).objects).toEqual([]);
    },
  );

  test('a put whose reply was lost does not claim an object of others', async () => {
    await store.put('a', Buffer.from('theirs'));
    emulator.faults.add({ action: 'PutObject', kind: 'drop', times: 1 });
    const attempt = store.put('a', Buffer.from('mine!!'), { ifAbsent: true });
    await expect(attempt).rejects.toMatchObject({ code: 'already_exists' });
  });

  test('in a versioned bucket a lost reply of a put leaves one answer too', async () => {
    await sdk.putBucketVersioning('vault', 'Enabled');
    emulator.faults.add({ action: 'PutObject', kind: 'lostReply', times: 1 });
    const info = await store.put('a', Buffer.from('one'), { ifAbsent: true });
    expect((await store.head('a'))?.versionId).toBe(info.versionId);
    const again = store.put('a', Buffer.from('one'), { ifAbsent: true });
    await expect(again).rejects.toMatchObject({ code: 'already_exists' });
  });

  test('a bucket that stays away is unavailable for now, one that refuses for good', async () => {
    emulator.faults.add({ action: 'HeadObject', kind: 'unavailable', times: 6 });
    await expect(store.head('a')).rejects.toMatchObject({
      code: 'bucket_unavailable',
      retryable: true,
    });
    emulator.faults.add({ action: 'HeadObject', kind: 'throttle', times: 6 });
    await expect(store.head('a')).rejects.toMatchObject({ code: 'throttled', retryable: true });
    emulator.faults.add({ action: 'GetObject', kind: 'forbidden', times: 1 });
    const refused = store.get('a');
    await expect(refused).rejects.toMatchObject({ code: 'bucket_unavailable', retryable: false });
    await expect(refused).rejects.toThrow('AccessDenied');
    expect(emulator.faults.unhit()).toEqual([]);
  });

  test('new keys are used as soon as they are there, and ended ones are waited out', async () => {
    const role = (id: string) => ({
      accessKeyId: id,
      accessKeySecret: `${id}-secret`,
      securityToken: `${id}-token`,
    });
    let asked = 0;
    const pacing = { clock: new FakeClock({ impatient: true }), entropy: new SeededEntropy() };
    const provide = () => {
      asked += 1;
      return role(asked < 3 ? 'STS.old' : 'STS.new');
    };
    const stores = new OssObjectStores(() => emulator.url, provide, pacing);
    const other = stores.open({ region, name: 'vault' });
    await other.put('a', Buffer.from('x'));
    expect(asked).toBeGreaterThanOrEqual(3);
  });

  test('what retention protects is `file_immutable`, and goes when its time is over', async () => {
    const { wormId } = await sdk.initiateBucketWorm('vault', 1);
    await sdk.completeBucketWorm('vault', wormId);
    await store.put('a', Buffer.from('one'), { ifAbsent: true });
    await expect(store.remove(['a'])).rejects.toMatchObject({ code: 'file_immutable' });
    const written = (await store.head('a'))?.modifiedAtMs ?? 0;
    expect(await store.retainedUntil('a')).toBe(written + 86_400_000);
    const replacing = store.put('a', Buffer.from('two'));
    await expect(replacing).rejects.toMatchObject({ code: 'file_immutable', retryable: false });
    time.offsetMs = 86_400_000 + 1_000;
    await store.remove(['a']);
    expect(await store.head('a')).toBeUndefined();
  });

  test('an object that is replaced while it is read is not mixed', async () => {
    await store.put('a', Buffer.alloc(4_000_000, 'a'));
    const chunks = await store.read('a');
    const iterator = chunks[Symbol.asyncIterator]();
    await iterator.next();
    await store.put('a', Buffer.alloc(4_000_000, 'b'));
    const seen = new Set<number>();
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      for (const byte of next.value) seen.add(byte);
    }
    expect([...seen]).toEqual(['a'.charCodeAt(0)]);
  });

  test('by IP address the adapter finds the emulator too', async () => {
    const pacing = { clock: new FakeClock({ impatient: true }), entropy: new SeededEntropy() };
    const url = emulator.url.replace('localhost', '127.0.0.1');
    const stores = new OssObjectStores(
      () => url,
      () => keys,
      pacing,
    );
    await stores.open({ region, name: 'vault' }).put('a', Buffer.from('x'));
    expect(await store.head('a')).toBeDefined();
  });
});
