/**
 * Writes an archive as a series of gzip members (FORMAT.md). Objects go in one by one; whole members
 * come out in order, packed in parallel, each with the catalogue lines of its objects. Memory is
 * bounded: at most `PACKING_MAX` members are being packed.
 */
import {
  archivePath,
  type CatalogLine,
  type CatalogSubject,
  formatCatalogLine,
} from './catalog-line.ts';
import { packLargeMember } from './gzip-member.ts';
import { NormalisedHasher } from './normalised-hash.ts';
import { TAR_END, tarHeaderMax, tarPadding, writeTarHeader } from './tar-entry.ts';

/** Unpacked size of a member, bytes; a larger object is a member of its own. */
export const MEMBER_RAW_TARGET = 1024 * 1024;

/** Members packed at once: zlib's thread pool has four threads. */
const PACKING_MAX = 4;

/** Content of `metadata/version`: the archive format that Velero knows. */
const VELERO_FORMAT_VERSION = '1.1.0';

/** A finished member. `M` is what the caller marked its end with. */
export interface BundleMember<M> {
  readonly bytes: Uint8Array;
  /** Catalogue lines of its objects as text. */
  readonly lines: readonly string[];
  readonly rawBytes: number;
  readonly mark: M;
}

interface Pending {
  readonly subject: CatalogSubject;
  readonly sha256: string;
  readonly offset: number;
  readonly length: number;
}

interface Packing<M> {
  readonly packed: Promise<Buffer>;
  readonly pending: readonly Pending[];
  readonly raw: Buffer;
  readonly rawBytes: number;
  readonly mark: M;
}

/** Where a writer goes on: `offset` is the length of the archive so far; 0 begins a new one. */
export class BundleWriter<M> {
  private readonly mtimeS: number;
  private readonly hasher = new NormalisedHasher();
  private readonly free: Buffer[] = [];
  private readonly packing: Packing<M>[] = [];
  private offset: number;
  private raw: Buffer;
  private used = 0;
  private pending: Pending[] = [];

  constructor(options: { readonly offset: number; readonly mtimeMs: number }) {
    this.offset = options.offset;
    this.mtimeS = Math.floor(options.mtimeMs / 1000);
    this.raw = Buffer.allocUnsafe(MEMBER_RAW_TARGET);
    if (options.offset === 0) {
      this.write('metadata/version', [Buffer.from(VELERO_FORMAT_VERSION)]);
    }
  }

  /**
   * Whether an object of this size closes the member that is being filled; `seal` it first, so that the
   * mark of its end is the caller's.
   */
  isFullFor(sizeBytes: number): boolean {
    // Header, padding and the few bytes of a type that the list left out come on top.
    return this.used > 0 && this.used + sizeBytes + 4096 > MEMBER_RAW_TARGET;
  }

  /** Adds an object of which `parts` are the bytes. @throws BackupCentreError `bundle_invalid` */
  add(subject: CatalogSubject, parts: readonly Uint8Array[]): void {
    const before = this.used;
    const { offset, length } = this.write(archivePath(subject), parts);
    try {
      const sha256 = this.hasher.hash(this.raw.subarray(offset, offset + length));
      this.pending.push({ subject, sha256, offset, length });
    } catch (error) {
      this.used = before;
      throw error;
    }
  }

  /** Closes the member that is being filled, if there is anything in it. */
  seal(mark: M): void {
    if (this.used === 0) return;
    const { raw, used, pending } = this;
    const packed = packLargeMember(raw.subarray(0, used));
    // Awaited in order by `take`; until then a failure must not count as unhandled.
    packed.catch(() => undefined);
    this.packing.push({ packed, pending, raw, rawBytes: used, mark });
    this.raw = this.free.pop() ?? Buffer.allocUnsafe(MEMBER_RAW_TARGET);
    this.used = 0;
    this.pending = [];
  }

  /** Whether the member that is being filled has nothing in it. */
  get isEmpty(): boolean {
    return this.used === 0;
  }

  /** Whether members should be taken before more objects go in. */
  get isBusy(): boolean {
    return this.packing.length >= PACKING_MAX;
  }

  /** The next finished member, undefined when none is being packed. */
  async take(): Promise<BundleMember<M> | undefined> {
    const next = this.packing[0];
    if (next === undefined) return undefined;
    const bytes = await next.packed;
    this.packing.shift();
    if (next.raw.length === MEMBER_RAW_TARGET && this.free.length < PACKING_MAX) {
      this.free.push(next.raw);
    }
    const lines = next.pending.map((p) => formatCatalogLine(placed(p, this.offset, bytes.length)));
    this.offset += bytes.length;
    return { bytes, lines, rawBytes: next.rawBytes, mark: next.mark };
  }

  /** Adds the end of the archive; nothing may follow but `seal` and `take`. */
  end(): void {
    this.reserve(TAR_END.length);
    this.raw.set(TAR_END, this.used);
    this.used += TAR_END.length;
  }

  private write(path: string, parts: readonly Uint8Array[]): { offset: number; length: number } {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const padding = tarPadding(length);
    this.reserve(tarHeaderMax(path) + length + padding);
    const file = { path, sizeBytes: length, mtimeS: this.mtimeS };
    const offset = this.used + writeTarHeader(this.raw, this.used, file);
    let at = offset;
    for (const part of parts) {
      this.raw.set(part, at);
      at += part.length;
    }
    this.raw.fill(0, at, at + padding);
    this.used = at + padding;
    return { offset, length };
  }

  private reserve(sizeBytes: number): void {
    if (this.used + sizeBytes <= this.raw.length) return;
    const grown = Buffer.allocUnsafe(this.used + sizeBytes);
    this.raw.copy(grown, 0, 0, this.used);
    this.raw = grown;
  }
}

function placed(p: Pending, memberOffset: number, memberLength: number): CatalogLine {
  const { apiVersion, resource, kind, namespace, name, uid, why } = p.subject;
  return {
    apiVersion,
    resource,
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    uid,
    why,
    sha256: p.sha256,
    memberOffset,
    memberLength,
    offset: p.offset,
    length: p.length,
  };
}
