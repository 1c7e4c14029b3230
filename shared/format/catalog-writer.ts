/** Writes `catalog.ndjson.gz`: gzip members of 1,000 lines, whose places the manifest holds. */
import { CATALOG_CHUNK_LINES, parseCatalogLine } from './catalog-line.ts';
import { packMember } from './gzip-member.ts';
import type { CatalogChunk } from './manifest.ts';

/** Takes lines, gives members. */
export class CatalogWriter {
  /** The members so far. */
  readonly chunks: CatalogChunk[] = [];
  private lines: string[] = [];
  private offset = 0;

  /** Adds a line; returns a member whenever one is full. */
  async add(line: string): Promise<Uint8Array | undefined> {
    this.lines.push(line);
    return this.lines.length < CATALOG_CHUNK_LINES ? undefined : await this.flush();
  }

  /** The rest, undefined where there is none. */
  async flush(): Promise<Uint8Array | undefined> {
    const [firstLine] = this.lines;
    if (firstLine === undefined) return undefined;
    const { resource, namespace, name } = parseCatalogLine(firstLine);
    const bytes = await packMember(Buffer.from(`${this.lines.join('\n')}\n`));
    this.chunks.push({
      offset: this.offset,
      length: bytes.length,
      lines: this.lines.length,
      first: { resource, ...(namespace === undefined ? {} : { namespace }), name },
    });
    this.offset += bytes.length;
    this.lines = [];
    return bytes;
  }
}
