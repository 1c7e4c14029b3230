/**
 * Append-only streams of a running run in the control bucket: log lines, items, catalogue chunks. A
 * chunk is written under its sequence number before the checkpoint that counts it, so a chunk written
 * by a worker that died is simply written again. Expired by the control bucket's lifecycle rule.
 */
import { scratchChunkKey, scratchPrefix } from '../format/control-keys.ts';
import type { ObjectStore } from '../ports/object-store.ts';

/** Names of the streams. */
export type ScratchStream =
  | 'logs'
  | 'items'
  | 'catalog'
  | 'results'
  | 'plan'
  | 'volumes'
  | 'landings';

/** Chunked streams of one run. */
export class RunScratch {
  private readonly store: ObjectStore;
  private readonly runId: string;

  constructor(store: ObjectStore, runId: string) {
    this.store = store;
    this.runId = runId;
  }

  /** Writes chunk `sequence` (0, 1, ...), replacing one that a dead worker left. */
  async write(stream: ScratchStream, sequence: number, bytes: Uint8Array): Promise<void> {
    await this.store.put(scratchChunkKey(this.runId, stream, sequence), bytes);
  }

  /** The chunks below `count` in order, or all there are. A missing chunk ends the stream. */
  async *read(stream: ScratchStream, count = Number.POSITIVE_INFINITY): AsyncIterable<Uint8Array> {
    let next: string | undefined;
    let sequence = 0;
    do {
      const page = await this.store.list(scratchPrefix(this.runId, stream), {
        limit: 1000,
        ...(next === undefined ? {} : { next }),
      });
      for (const object of page.objects) {
        if (sequence >= count || object.key !== scratchChunkKey(this.runId, stream, sequence))
          return;
        yield await this.store.get(object.key);
        sequence += 1;
      }
      next = page.next;
    } while (next !== undefined);
  }

  /** One chunk. @throws NotFoundError */
  async chunk(stream: ScratchStream, sequence: number): Promise<Uint8Array> {
    return await this.store.get(scratchChunkKey(this.runId, stream, sequence));
  }

  /** Number of chunks there are without a gap. */
  async count(stream: ScratchStream): Promise<number> {
    let count = 0;
    let next: string | undefined;
    do {
      const page = await this.store.list(scratchPrefix(this.runId, stream), {
        limit: 1000,
        ...(next === undefined ? {} : { next }),
      });
      count += page.objects.length;
      next = page.next;
    } while (next !== undefined);
    return count;
  }

  /** Removes everything of this run; safe to repeat. */
  async clear(): Promise<void> {
    for (;;) {
      const page = await this.store.list(`${scratchPrefix(this.runId)}`, { limit: 1000 });
      if (page.objects.length === 0) return;
      await this.store.remove(page.objects.map((o) => o.key));
    }
  }
}
