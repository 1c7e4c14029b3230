import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { BackupCentreError } from '../../domain/errors.ts';
import { type OpenedStream, readResuming } from './resuming-read.ts';

const BODY = Buffer.from('abcdefghijklmnopqrstuvwxyz');

/** A reply from `offset` that breaks, or just ends, after `bytes`. */
function reply(offset: number, bytes: number, how: 'breaks' | 'ends' = 'breaks'): OpenedStream {
  async function* content() {
    if (bytes > 0) yield BODY.subarray(offset, offset + bytes);
    if (how === 'breaks' && offset + bytes < BODY.length) {
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    }
  }
  return {
    stream: Readable.from(content(), { objectMode: false }),
    etag: 'E1',
    lengthBytes: BODY.length - offset,
  };
}

async function text(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

describe('a resuming read', () => {
  test.each(['breaks', 'ends'] as const)('goes on where a reply %s early', async (how) => {
    const opened: [number, string | undefined][] = [];
    const open = async (offset: number, etag: string | undefined) => {
      opened.push([offset, etag]);
      return reply(offset, offset === 10 ? 5 : 100);
    };
    expect(await text(readResuming('read a', reply(0, 10, how), 0, open))).toBe(BODY.toString());
    expect(opened).toEqual([
      [10, 'E1'],
      [15, 'E1'],
    ]);
  });

  test('gives up when nothing comes any more', async () => {
    let opens = 0;
    const open = async (offset: number) => {
      opens += 1;
      return reply(offset, 0);
    };
    const reading = text(readResuming('read a', reply(0, 3), 0, open));
    await expect(reading).rejects.toMatchObject({ code: 'bucket_unavailable', retryable: true });
    expect(opens).toBe(4);
  });

  test('passes on what the service says when it is asked again', async () => {
    const open = async () => {
      throw new BackupCentreError('bundle_invalid', 'replaced');
    };
    const reading = text(readResuming('read a', reply(0, 3), 0, open));
    await expect(reading).rejects.toMatchObject({ code: 'bundle_invalid' });
  });

  test('closes the connection when the reader stops', async () => {
    const first = reply(0, 26);
    for await (const _chunk of readResuming('read a', first, 0, async () => reply(0, 1))) break;
    expect(first.stream.destroyed).toBe(true);
  });
});
