import { describe, expect, it } from 'vitest';
import { clientToken, RUN_TAG, snapshotName, snapshotTags } from './snapshot-tags.ts';
import { shortened, stableHash } from './stable-hash.ts';

const spec = {
  name: 'daily',
  vault: 'main',
  namespaces: ['shop'],
  volumeBackup: true,
  clusterScope: 'related',
  retentionDays: 30,
} as const;
const record = { id: 'bk-1', cluster: 'c1', vaultIdentity: 'vi', spec };
const subject = { record, runId: 'run-1', zone: 'cn-hangzhou-h' };

describe('tags of a snapshot', () => {
  it('say where its data is from', () => {
    expect(snapshotTags({ ...subject, volume: { namespace: 'shop', pvc: 'data' } })).toEqual({
      'backup-centre.io/cluster': 'c1',
      'backup-centre.io/vault': 'main',
      'backup-centre.io/vault-identity': 'vi',
      'backup-centre.io/backup': 'daily',
      'backup-centre.io/backup-id': 'bk-1',
      'backup-centre.io/run': 'run-1',
      'backup-centre.io/namespace': 'shop',
      'backup-centre.io/claim': 'data',
      'backup-centre.io/zone': 'cn-hangzhou-h',
    });
  });

  it('are found by the run', () => {
    const tags = snapshotTags({ ...subject, volume: { namespace: 'shop', pvc: 'data' } });
    expect(tags[RUN_TAG]).toBe('run-1');
  });

  it('cut what is too long so that two long names stay two', () => {
    const claims = ['a', 'b'].map((last) => `${'x'.repeat(252)}${last}`);
    const values = claims.map(
      (pvc) =>
        snapshotTags({ ...subject, volume: { namespace: 'shop', pvc } })[
          'backup-centre.io/claim'
        ] ?? '',
    );
    expect(values.map((v) => v.length)).toEqual([128, 128]);
    expect(new Set(values).size).toBe(2);
  });

  it('stay below the twenty that ECS takes, with keys it accepts', () => {
    const keys = Object.keys(snapshotTags({ ...subject, volume: { namespace: 's', pvc: 'd' } }));
    expect(keys.length).toBeLessThanOrEqual(20);
    expect(keys.filter((key) => /^(aliyun|acs:)/.test(key) || key.length > 128)).toEqual([]);
  });
});

describe('the name of a snapshot', () => {
  it.each([
    ['daily', 'd-bp1', 'bc-daily-d-bp1'],
    ['a.b', 'd-bp1', 'bc-a-b-d-bp1'],
  ])('of backup %s and disk %s is %s', (backup, disk, name) => {
    expect(snapshotName(backup, disk)).toBe(name);
  });

  it('has 128 characters at most', () => {
    expect(snapshotName('b'.repeat(200), 'd-1')).toMatch(/^bc-b{108}-[0-9a-f]{16}$/);
  });
});

describe('a client token', () => {
  const given = { runId: 'r'.repeat(200), subject: 'd-1', attempt: 1 };

  it('is the same for the same attempt, short and plain', () => {
    expect(clientToken(given)).toBe(clientToken({ ...given }));
    expect(clientToken(given)).toMatch(/^[\x21-\x7e]{1,64}$/);
  });

  it.each([
    ['run', { runId: 'other' }],
    ['disk', { subject: 'd-2' }],
    ['attempt', { attempt: 2 }],
  ])('differs by %s', (_what, change) => {
    expect(clientToken({ ...given, ...change })).not.toBe(clientToken(given));
  });
});

describe('the stable hash', () => {
  // 16-bit units, little endian: '' is the offset basis itself, 'a' is the bytes 61 00.
  it.each([
    ['', 'cbf29ce484222325'],
    ['a', '089be207b544f1e4'],
  ])('of "%s" is known', (text, hash) => {
    expect(stableHash(text)).toBe(hash);
  });

  it('tells apart what differs in case, order or script', () => {
    const texts = ['a', 'A', 'ab', 'ba', 'a/b', '中', '中文', 'aa'];
    expect(new Set(texts.map(stableHash)).size).toBe(texts.length);
  });

  it('shortens only what is too long', () => {
    expect(shortened('x'.repeat(20), 20)).toBe('x'.repeat(20));
    expect(shortened('x'.repeat(21), 20)).toMatch(/^xxx-[0-9a-f]{16}$/);
  });
});
