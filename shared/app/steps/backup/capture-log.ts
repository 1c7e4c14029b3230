/**
 * The chunks of a capture in the run's scratch: catalogue lines as they will stand in the catalogue
 * (they begin with `{`) and events (they begin with `[`), in the order they happened. A chunk may end
 * with packed members that were too few for a part.
 */
import { BackupCentreError } from '../../../domain/errors.ts';
import { parseCatalogLine } from '../../../format/catalog-line.ts';
import type { RunScratch } from '../../run-scratch.ts';
import type { CaptureEvent, CaptureState } from './capture-state.ts';

const STREAM = 'catalog';

/** A line that holds packed bytes; only that of the last chunk counts. */
interface PendingLine {
  readonly pending: string;
}

/** An event as a line. */
export function eventLine(event: CaptureEvent): string {
  return JSON.stringify([event]);
}

/** Writes chunk `sequence`. */
export async function writeCaptureChunk(
  scratch: RunScratch,
  sequence: number,
  lines: readonly string[],
  pending: Uint8Array,
): Promise<void> {
  const last: PendingLine = { pending: Buffer.from(pending).toString('base64') };
  const tail = pending.length === 0 ? [] : [JSON.stringify([last])];
  const text = [...lines, ...tail].map((line) => `${line}\n`).join('');
  await scratch.write(STREAM, sequence, Buffer.from(text));
}

/** Puts the first `count` chunks into a state; returns the packed bytes that await their part. */
export async function replayCapture(
  scratch: RunScratch,
  count: number,
  state: CaptureState,
): Promise<Uint8Array> {
  let pending: Uint8Array = new Uint8Array(0);
  let chunks = 0;
  for await (const lines of captureChunks(scratch, count)) {
    chunks += 1;
    pending = new Uint8Array(0);
    for (const line of lines) {
      if (line.startsWith('{')) {
        state.addObject(parseCatalogLine(line));
        continue;
      }
      const [event] = JSON.parse(line) as [CaptureEvent | PendingLine];
      if ('pending' in event) pending = Buffer.from(event.pending, 'base64');
      else state.apply(event);
    }
  }
  if (chunks === count) return pending;
  throw new BackupCentreError(
    'bundle_invalid',
    `Cannot go on with the capture: ${count - chunks} of ${count} chunks of its catalogue are gone`,
  );
}

/** Catalogue lines of the first `count` chunks, as they will stand in the catalogue. */
export async function* captureLines(scratch: RunScratch, count: number): AsyncGenerator<string> {
  for await (const lines of captureChunks(scratch, count)) {
    for (const line of lines) if (line.startsWith('{')) yield line;
  }
}

async function* captureChunks(
  scratch: RunScratch,
  count: number,
): AsyncGenerator<readonly string[]> {
  for await (const bytes of scratch.read(STREAM, count)) {
    const lines = Buffer.from(bytes).toString('utf8').split('\n');
    lines.pop();
    yield lines;
  }
}
