/** An object as a stream that goes on where a connection broke. */
import type { Readable } from 'node:stream';
import { BackupCentreError, UnavailableError } from '../../domain/errors.ts';
import { withDeadline } from '../deadline.ts';
import { fromOssError } from './oss-errors.ts';

/** A stream that brings nothing for this long is given up and opened again, ms. */
const SILENCE_MS_MAX = 60_000;
/** Breaks in a row without a byte in between that are borne. */
const BREAKS_MAX = 4;

/** The bytes from `offset` on, of the object that has this ETag. */
export interface OpenedStream {
  readonly stream: Readable;
  readonly etag: string;
  /** Bytes that the reply announced. */
  readonly lengthBytes: number;
}

/** Opens the object at an offset; with an ETag only if it is still the same. */
export type OpenStream = (offset: number, etag: string | undefined) => Promise<OpenedStream>;

/** Chunks of the object that `first` begins; the consumer may stop at any time. */
export async function* readResuming(
  attempt: string,
  first: OpenedStream,
  offset: number,
  open: OpenStream,
): AsyncGenerator<Uint8Array> {
  const end = offset + first.lengthBytes;
  let at = offset;
  let breaks = 0;
  let current = first;
  for (;;) {
    const startedAt = at;
    let failure: BackupCentreError | undefined;
    try {
      for await (const chunk of chunksOf(current.stream)) {
        at += chunk.length;
        yield chunk;
      }
    } catch (error) {
      failure = fromOssError(error, attempt);
    } finally {
      current.stream.destroy();
    }
    if (at >= end) return;
    breaks = at > startedAt ? 1 : breaks + 1;
    const found = failure ?? tooShort(attempt, at, end);
    if (!found.retryable || breaks > BREAKS_MAX) throw found;
    current = await open(at, first.etag);
  }
}

function tooShort(attempt: string, at: number, end: number): BackupCentreError {
  const message = `Cannot ${attempt} in OSS: the reply ended at byte ${at} of ${end}`;
  return new UnavailableError('bucket_unavailable', message);
}

async function* chunksOf(stream: Readable): AsyncGenerator<Uint8Array> {
  const iterator: AsyncIterator<unknown> = stream[Symbol.asyncIterator]();
  for (;;) {
    const next = await withDeadline(iterator.next(), SILENCE_MS_MAX, () =>
      Object.assign(new Error(`no byte for ${SILENCE_MS_MAX} ms`), { code: 'ETIMEDOUT' }),
    );
    if (next.done === true) return;
    if (!(next.value instanceof Uint8Array)) {
      throw new BackupCentreError('internal', 'A stream of OSS brought something else than bytes');
    }
    yield next.value;
  }
}
