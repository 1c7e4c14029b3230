import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ObjectFiles, TooLargeError } from './object-files.ts';

let dir: string;
let files: ObjectFiles;

beforeEach(() => {
  dir = mkdtempSync(`${tmpdir()}/oss-files-`);
  files = new ObjectFiles(dir);
});

afterEach(() => rmSync(dir, { recursive: true }));

async function* chunks(...texts: string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

async function* failing(): AsyncGenerator<Buffer> {
  yield Buffer.from('begun');
  throw new Error('the sender went away');
}

describe('ObjectFiles', () => {
  it('takes as many bytes as allowed and keeps nothing of more', async () => {
    expect((await files.receive(chunks('12', '34'), 4)).sizeBytes).toBe(4);
    await expect(files.receive(chunks('12', '345'), 4)).rejects.toThrow(TooLargeError);
    expect(readdirSync(dir)).toHaveLength(1);
  });

  it('keeps nothing when the source fails', async () => {
    await expect(files.receive(failing(), 100)).rejects.toThrow('the sender went away');
    expect(readdirSync(dir)).toEqual([]);
  });

  it('duplicates what is discarded at the same time', async () => {
    const { segments } = await files.receive(chunks('shared'), 100);
    const copying = files.duplicate(segments);
    await files.discard(segments);
    const copies = await copying;
    expect((await buffer(files.read(copies, 0, 5))).toString()).toBe('shared');
    await expect.poll(() => readdirSync(dir)).toEqual(copies.map(({ file }) => file));
  });

  it('removes a discarded file once a reader that never began is destroyed', async () => {
    const { segments } = await files.receive(chunks('x'), 100);
    const stream = files.read(segments, 0, 0);
    await files.discard(segments);
    expect(readdirSync(dir)).toHaveLength(1);
    stream.destroy();
    await expect.poll(() => readdirSync(dir)).toEqual([]);
  });
});
