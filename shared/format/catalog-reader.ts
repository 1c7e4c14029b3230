/** Reads `catalog.ndjson.gz`: all lines in order, or those from one number on. */
import { BackupCentreError } from '../domain/errors.ts';
import { type CatalogLine, parseCatalogLine } from './catalog-line.ts';
import { unpackMember } from './gzip-member.ts';
import type { CatalogChunk } from './manifest.ts';
import type { RangeSource } from './range-source.ts';

/** The catalogue of one backup. */
export class CatalogReader {
  private readonly source: RangeSource;
  private readonly chunks: readonly CatalogChunk[];

  constructor(source: RangeSource, chunks: readonly CatalogChunk[]) {
    this.source = source;
    this.chunks = chunks;
  }

  /** Line `n` (from 0), undefined beyond the end. One range. */
  async line(n: number): Promise<CatalogLine | undefined> {
    for await (const line of this.lines(n)) return line;
    return undefined;
  }

  /** All lines from number `from` on; one range per 1,000. @throws BackupCentreError `bundle_invalid` */
  async *lines(from = 0): AsyncGenerator<CatalogLine> {
    let number = 0;
    for (const chunk of this.chunks) {
      if (number + chunk.lines > from) {
        const texts = await this.chunkTexts(chunk);
        for (const text of texts.slice(Math.max(0, from - number))) yield parseCatalogLine(text);
      }
      number += chunk.lines;
    }
  }

  private async chunkTexts(chunk: CatalogChunk): Promise<string[]> {
    const packed = await this.source.read(chunk.offset, chunk.length);
    const what = `${this.source.name} at byte ${chunk.offset}`;
    const texts = (await unpackMember(packed, what)).toString('utf8').split('\n');
    texts.pop();
    if (texts.length === chunk.lines) return texts;
    throw new BackupCentreError(
      'bundle_invalid',
      `Cannot read ${what}: expected ${chunk.lines} lines, found ${texts.length}`,
    );
  }
}
