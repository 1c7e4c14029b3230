/** Checks members of an archive against the catalogue: each entry, each object, nothing besides. */
import { BackupCentreError } from '../domain/errors.ts';
import { archivePath, type CatalogLine } from './catalog-line.ts';
import { unpackMember } from './gzip-member.ts';
import { NormalisedHasher } from './normalised-hash.ts';
import { scanObject } from './object-scan.ts';
import { readTarFiles, type TarFile } from './tar-entry.ts';

/** What is wrong, and with which object where one is named. */
export interface AuditFailure {
  readonly line?: CatalogLine;
  readonly found: string;
}

/** The only file of an archive that the catalogue does not list. */
const UNLISTED = 'metadata/version';

/** Checks archives; keeps buffers between members. */
export class ArchiveAuditor {
  private readonly hasher = new NormalisedHasher();

  /** Checks one member against the lines that name it; none for what lies between members. */
  async check(packed: Uint8Array, lines: readonly CatalogLine[]): Promise<readonly AuditFailure[]> {
    const member = await unpack(packed);
    if (typeof member === 'string') {
      return lines.length === 0
        ? [{ found: member }]
        : lines.map((line) => ({ line, found: member }));
    }
    const { raw, files } = member;
    const listed = new Set(lines.map((line) => line.offset));
    const extra = files.filter((f) => f.path !== UNLISTED && !listed.has(f.offset));
    return [
      ...lines.flatMap((line) => this.checkObject(raw, files, line)),
      ...extra.map((f) => ({ found: `${f.path} is in the archive, not in the catalogue` })),
    ];
  }

  private checkObject(
    raw: Uint8Array,
    files: readonly TarFile[],
    line: CatalogLine,
  ): readonly AuditFailure[] {
    const file = files.find((f) => f.offset === line.offset);
    if (file === undefined || file.sizeBytes !== line.length) {
      return [{ line, found: 'no entry of its size at its place' }];
    }
    if (file.path !== archivePath(line)) return [{ line, found: `the entry ${file.path}` }];
    const bytes = raw.subarray(line.offset, line.offset + line.length);
    const uid = scanObject(bytes)?.metadata.uid ?? '';
    if (uid !== line.uid) return [{ line, found: `an object of UID ${String(uid)}` }];
    const sha256 = this.hash(bytes);
    return sha256 === line.sha256 ? [] : [{ line, found: `content of hash ${sha256}` }];
  }

  private hash(bytes: Uint8Array): string {
    try {
      return this.hasher.hash(bytes);
    } catch (error) {
      if (error instanceof BackupCentreError) return 'none';
      throw error;
    }
  }
}

/** The member's content and files; a text says what is wrong with it. */
async function unpack(
  packed: Uint8Array,
): Promise<{ readonly raw: Uint8Array; readonly files: readonly TarFile[] } | string> {
  try {
    const raw = await unpackMember(packed, 'the member');
    const files = readTarFiles(raw);
    return files === undefined ? 'a member that is no tar' : { raw, files };
  } catch (error) {
    if (error instanceof BackupCentreError) return `a member that cannot be unpacked`;
    throw error;
  }
}
