import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNT, BUCKET, CREDENTIALS, clientOf, REGION } from './emulator-fixture.ts';
import type { OssSdk } from './sdk-client.ts';
import { type OssEvent, startOssEmulator } from './server.ts';

const root = new URL('../../..', import.meta.url).pathname;
const work = mkdtempSync(`${tmpdir()}/oss-durability-`);
const script = `${work}/emulator.cjs`;
let child: ChildProcess | undefined;

/** An emulator that never finishes delivering an event, in a process of its own. */
const CHILD = `
  import { startOssEmulator } from './server.ts';
  startOssEmulator({
    dir: process.argv[2],
    now: Date.now,
    region: '${REGION}',
    accountId: '${ACCOUNT}',
    credentials: (id) => (${JSON.stringify(CREDENTIALS)})[id],
    onEvent: () => new Promise(() => {}),
  }).then(({ url }) => console.log(url));
`;

beforeAll(() =>
  build({
    stdin: { contents: CHILD, resolveDir: new URL('.', import.meta.url).pathname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['lmdb'],
    outfile: script,
  }),
);

afterAll(() => {
  child?.kill('SIGKILL');
  rmSync(work, { recursive: true });
});

async function startChild(dir: string): Promise<OssSdk> {
  child = spawn(process.execPath, [script, dir], {
    env: { ...process.env, NODE_PATH: `${root}/node_modules` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('Cannot read from the emulator: it has no stdout');
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise<string>((resolve) => lines.once('line', resolve));
  return clientOf({ url });
}

async function killChild(): Promise<void> {
  const exited = once(child ?? expect.unreachable('no child runs'), 'exit');
  child?.kill('SIGKILL');
  await exited;
}

const startHere = (dir: string, events: OssEvent[]) =>
  startOssEmulator({
    dir,
    now: Date.now,
    region: REGION,
    accountId: ACCOUNT,
    credentials: (id) => CREDENTIALS[id],
    onEvent: (event) => void events.push(event),
  });

const bodyOf = (key: string) => Buffer.from(`${key} `.repeat(5000));

describe('kill -9 in the middle of writes', () => {
  it('loses nothing that was answered, shows nothing in halves, and leaves no garbage', async () => {
    const dir = `${work}/writes`;
    const client = await startChild(dir);
    await client.putBucket(BUCKET);
    const answered: string[] = [];
    const asked: string[] = [];
    let sixtyAnswered = () => {};
    const enough = new Promise<void>((resolve) => {
      sixtyAnswered = resolve;
    });
    const writers = Array.from({ length: 6 }, async (_, writer) => {
      for (let n = 0; n < 1000; n += 1) {
        const key = `w${writer}/${n}`;
        asked.push(key);
        await client.put(key, bodyOf(key));
        answered.push(key);
        if (answered.length === 60) sixtyAnswered();
      }
    });
    const ended = Promise.allSettled(writers);
    await enough;
    await killChild();
    const outcomes = await ended;
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);

    const events: OssEvent[] = [];
    const emulator = await startHere(dir, events);
    try {
      const reader = clientOf(emulator);
      const { objects } = await reader.listV2({ 'max-keys': 1000 });
      const kept = objects.map(({ name }) => name);
      expect(kept).toEqual(expect.arrayContaining(answered));
      expect(asked).toEqual(expect.arrayContaining(kept));
      for (const key of kept) {
        expect((await reader.get(key)).content.equals(bodyOf(key))).toBe(true);
      }
      expect(readdirSync(`${dir}/objects`)).toHaveLength(kept.length);
      await emulator.eventsDelivered();
      const told = events.map(({ oss }) => oss.object.key);
      expect([...told].sort()).toEqual([...kept].sort());
    } finally {
      await emulator.close();
    }
  });

  it('keeps an upload with its parts, and its completion', async () => {
    const dir = `${work}/parts`;
    const part = Buffer.alloc(102_400, 7);
    const first = await startChild(dir);
    await first.putBucket(BUCKET);
    const { uploadId } = await first.initMultipartUpload('big');
    const one = await first.uploadPart('big', uploadId, 1, part, 0, part.length);
    await killChild();

    const second = await startChild(dir);
    const two = await second.uploadPart('big', uploadId, 2, part, 0, part.length);
    const parts = [one, two].map(({ etag }, index) => ({ number: index + 1, etag }));
    await second.completeMultipartUpload('big', uploadId, parts);
    await killChild();

    const third = await startChild(dir);
    const { content } = await third.get('big');
    expect(content.equals(Buffer.concat([part, part]))).toBe(true);
    await killChild();
  });

  it('sweeps files that no row names', async () => {
    const dir = `${work}/sweep`;
    const events: OssEvent[] = [];
    const emulator = await startHere(dir, events);
    await clientOf(emulator).putBucket(BUCKET);
    await clientOf(emulator).put('kept', Buffer.from('x'));
    await emulator.close();
    writeFileSync(`${dir}/objects/half-written`, 'garbage');
    const again = await startHere(dir, events);
    try {
      expect(readdirSync(`${dir}/objects`)).toHaveLength(1);
      expect((await clientOf(again).get('kept')).content.toString()).toBe('x');
    } finally {
      await again.close();
    }
  });
});
