import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { BackupWorld } from '../../test/support/backup-world.ts';
import type { BackupRecord } from '../domain/backup-record.ts';
import type { CatalogLine } from '../format/catalog-line.ts';
import type { BackupKeys } from '../format/vault-keys.ts';

let world: BackupWorld;
let record: BackupRecord;
let keys: BackupKeys;

beforeEach(async () => {
  world = await BackupWorld.create();
  for (let i = 0; i < 8; i += 1) {
    world.cluster.seed({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'shop', name: `web-${i}`, labels: { n: String(i) } },
      data: { payload: randomBytes(200_000).toString('base64') },
    });
  }
  record = await world.backUp();
  keys = await world.keys(record);
});

async function tamper(key: string, change: (bytes: Buffer) => Uint8Array): Promise<void> {
  await world.bucket.put(key, change(Buffer.from(await world.bucket.get(key))));
}

async function line(name: string): Promise<CatalogLine> {
  const found = (await world.catalog(record)).find((l) => l.name === name);
  if (found === undefined) throw new Error(`No ${name} in the catalogue`);
  return found;
}

async function failures(): Promise<readonly string[]> {
  const { verification } = await world.verify(record);
  expect(verification?.ok).toBe(verification?.failures.length === 0);
  return (verification?.failures ?? []).map((f) => `${f.object?.name ?? '-'}: ${f.message}`);
}

describe('verifying a backup', () => {
  it('finds an intact one intact, every file and object of it', async () => {
    const { verification, phase } = await world.verify(record);
    expect(verification).toMatchObject({
      ok: true,
      filesChecked: 8,
      objectsChecked: 9,
      failures: [],
    });
    expect(phase).toBe('Completed');
  });

  it('needs one invocation, however many workers the backup took', async () => {
    const record = await world.backUp();
    const row = await world.records.get('backups', ['c1', record.id]);
    await world.records.put('backups', row?.key ?? [], { ...record, fence: 7 }, 'any');
    const begun = world.clock.now();
    expect((await world.verify(record)).verification).toMatchObject({ ok: true });
    expect(world.clock.now()).toBe(begun);
  });

  it('goes on where the time of an invocation ended', async () => {
    const { verification } = await world.verify(record, 14_000);
    expect(verification).toMatchObject({ ok: true, objectsChecked: 9 });
  });

  it.each(['manifest', 'catalog', 'resourceList', 'logs', 'results', 'volumeInfo'] as const)(
    'finds a flipped bit in the file %s',
    async (file) => {
      await tamper(keys[file], (bytes) => {
        const at = bytes.length - 12;
        bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
        return bytes;
      });
      expect((await failures()).join('\n')).toContain(keys[file]);
    },
  );

  it.each(['marker', 'manifest', 'catalog', 'archive', 'logs'] as const)(
    'finds the file %s gone',
    async (file) => {
      await world.bucket.remove([keys[file]]);
      expect((await failures()).join('\n')).toContain(keys[file]);
    },
  );

  it('names the objects behind a flipped bit in the archive', async () => {
    const { memberOffset, memberLength } = await line('web-3');
    await tamper(keys.archive, (bytes) => {
      const at = memberOffset + memberLength - 6;
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      return bytes;
    });
    const found = await failures();
    expect(found.some((f) => f.startsWith('web-3: '))).toBe(true);
    expect(found.some((f) => f.startsWith('web-7: '))).toBe(false);
    expect(found.at(-1)).toContain('SHA-256');
  });

  it('finds an object that was changed and packed again with care', async () => {
    const { memberOffset, memberLength, offset } = await line('web-3');
    await tamper(keys.archive, (bytes) => {
      const raw = gunzipSync(bytes.subarray(memberOffset, memberOffset + memberLength));
      const at = raw.indexOf('"n":"', offset) + 5;
      raw.write('9', at);
      const packed = gzipSync(raw);
      // A member of another length moves all that follow; they are named too.
      return Buffer.concat([
        bytes.subarray(0, memberOffset),
        packed,
        bytes.subarray(memberOffset + memberLength),
      ]);
    });
    const found = await failures();
    expect(found.some((f) => f.startsWith('web-3: '))).toBe(true);
  });

  it('finds a member dropped and two members swapped', async () => {
    const first = await line('web-0');
    const last = await line('web-7');
    expect(last.memberOffset).toBeGreaterThan(first.memberOffset);
    const original = Buffer.from(await world.bucket.get(keys.archive));
    const cut = (l: CatalogLine) =>
      original.subarray(l.memberOffset, l.memberOffset + l.memberLength);
    const between = original.subarray(first.memberOffset + first.memberLength, last.memberOffset);
    const end = original.subarray(last.memberOffset + last.memberLength);
    await tamper(keys.archive, () => Buffer.concat([between, cut(last), end]));
    expect((await failures()).some((f) => f.startsWith('web-0: '))).toBe(true);
    await tamper(keys.archive, () => Buffer.concat([cut(last), between, cut(first), end]));
    const swapped = await failures();
    expect(swapped.some((f) => f.startsWith('web-0: '))).toBe(true);
    expect(swapped.some((f) => f.startsWith('web-7: '))).toBe(true);
  });

  it('finds bytes appended to the archive', async () => {
    await tamper(keys.archive, (bytes) => Buffer.concat([bytes, gzipSync('more')]));
    expect((await failures()).join('\n')).toContain(keys.archive);
  });
});
