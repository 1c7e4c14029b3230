/**
 * Reads an archive from front to back beside its catalogue. Each member must begin where the one before
 * ended; what lies between must be the version file or the end of the tar.
 */
import { FINDINGS_KEPT_MAX, type Finding } from '../../../domain/finding.ts';
import { ArchiveAuditor, type AuditFailure } from '../../../format/archive-audit.ts';
import type { CatalogLine } from '../../../format/catalog-line.ts';
import { type Manifest, manifestFile } from '../../../format/manifest.ts';
import { ReadAhead } from '../../../format/read-ahead.ts';
import { ResumableSha256 } from '../../../format/resumable-sha256.ts';
import type { BackupPlace } from '../../backup-services.ts';
import { fileSource, openCatalog } from '../../read-backup.ts';

/** A checkpoint follows this many bytes at the latest. */
const CHECKPOINT_BYTES = 64 * 1024 * 1024;

/** How far an audit is; plain JSON. */
export interface AuditProgress {
  readonly offset: number;
  /** Catalogue lines that were looked at. */
  readonly lines: number;
  /** Objects found intact. */
  readonly objects: number;
  readonly sha: string;
  readonly kinds: Readonly<Record<string, number>>;
  readonly failures: readonly Finding[];
  readonly isDone: boolean;
}

/** What an audit reads. */
export interface AuditOptions {
  readonly place: BackupPlace;
  readonly manifest: Manifest;
  readonly from: AuditProgress | null;
  save(progress: AuditProgress): Promise<void>;
  isShortOfTime(): boolean;
}

/** Checks the archive from where it was left; `isDone` is false where time ran out. */
export async function auditArchive(options: AuditOptions): Promise<AuditProgress> {
  const audit = await Audit.begin(options);
  return await audit.run();
}

class Audit {
  private readonly options: AuditOptions;
  private readonly auditor = new ArchiveAuditor();
  private readonly reader: ReadAhead;
  private readonly hash: ResumableSha256;
  private readonly sizeBytes: number;
  private readonly sha256: string;
  private readonly kinds: Map<string, number>;
  private readonly failures: Finding[];
  private lines: number;
  private objects: number;
  private savedAt: number;

  private constructor(options: AuditOptions, hash: ResumableSha256) {
    const { place, manifest, from } = options;
    const archive = manifestFile(manifest, place.keys.archive.slice(place.keys.prefix.length));
    const source = fileSource(place, manifest, place.keys.archive);
    this.options = options;
    this.hash = hash;
    this.sizeBytes = archive.sizeBytes;
    this.sha256 = archive.sha256;
    this.reader = new ReadAhead(source, archive.sizeBytes, from?.offset ?? 0);
    this.kinds = new Map(Object.entries(from?.kinds ?? {}));
    this.failures = [...(from?.failures ?? [])];
    this.lines = from?.lines ?? 0;
    this.objects = from?.objects ?? 0;
    this.savedAt = from?.offset ?? 0;
  }

  static async begin(options: AuditOptions): Promise<Audit> {
    return new Audit(options, await ResumableSha256.start(options.from?.sha));
  }

  async run(): Promise<AuditProgress> {
    const { place, manifest, save, isShortOfTime } = this.options;
    for await (const member of members(openCatalog(place, manifest).lines(this.lines))) {
      await this.checkMember(member);
      const short = isShortOfTime();
      if (!short && this.reader.position - this.savedAt < CHECKPOINT_BYTES) continue;
      await save(this.progress(false));
      this.savedAt = this.reader.position;
      if (short) return this.progress(false);
    }
    await this.checkBetween(this.sizeBytes);
    this.checkTotals();
    return this.progress(true);
  }

  private async checkMember(lines: readonly CatalogLine[]): Promise<void> {
    const [first] = lines;
    if (first === undefined) return;
    this.lines += lines.length;
    for (const { resource } of lines) {
      this.kinds.set(resource, (this.kinds.get(resource) ?? 0) + 1);
    }
    const { memberOffset, memberLength } = first;
    if (memberOffset < this.reader.position) {
      const found = `a member at byte ${memberOffset}, which lies before the one in front of it`;
      for (const line of lines) this.fail({ line, found });
      return;
    }
    await this.checkBetween(memberOffset);
    const packed = await this.take(memberLength);
    const failures = await this.auditor.check(packed, lines);
    for (const failure of failures) this.fail(failure);
    const broken = new Set(failures.map((f) => f.line));
    this.objects += lines.filter((line) => !broken.has(line)).length;
  }

  /** What no catalogue line names, up to a place in the archive. */
  private async checkBetween(until: number): Promise<void> {
    const length = until - this.reader.position;
    if (length <= 0) return;
    const packed = await this.take(length);
    for (const failure of await this.auditor.check(packed, [])) this.fail(failure);
  }

  private checkTotals(): void {
    const { manifest } = this.options;
    const digest = this.hash.digest();
    if (digest !== this.sha256) {
      this.fail({ found: `SHA-256 ${digest}, expected ${this.sha256}` });
    }
    if (this.lines !== manifest.counts.objects) {
      this.fail({ found: `${this.lines} objects, expected ${manifest.counts.objects}` });
    }
    for (const { resource, objects } of manifest.kinds) {
      const found = this.kinds.get(resource) ?? 0;
      if (found !== objects) this.fail({ found: `${found} ${resource}, expected ${objects}` });
    }
  }

  private async take(length: number): Promise<Uint8Array> {
    const bytes = await this.reader.take(length);
    this.hash.update(bytes);
    return bytes;
  }

  private fail({ line, found }: AuditFailure): void {
    if (this.failures.length >= FINDINGS_KEPT_MAX) return;
    const { archive } = this.options.place.keys;
    const what = line === undefined ? archive : `${line.resource} ${placeOf(line)} in ${archive}`;
    this.failures.push({
      code: 'bundle_invalid',
      ...(line === undefined ? {} : { object: objectOf(line) }),
      step: 'verify',
      message: `Cannot verify ${what}: found ${found}`,
    });
  }

  private progress(isDone: boolean): AuditProgress {
    return {
      offset: this.reader.position,
      lines: this.lines,
      objects: this.objects,
      sha: isDone ? '' : this.hash.save(),
      kinds: Object.fromEntries(this.kinds),
      failures: this.failures,
      isDone,
    };
  }
}

function placeOf(line: CatalogLine): string {
  return line.namespace === undefined ? line.name : `${line.namespace}/${line.name}`;
}

function objectOf(line: CatalogLine): NonNullable<Finding['object']> {
  const { apiVersion, resource, kind, namespace, name } = line;
  return { apiVersion, resource, kind, ...(namespace === undefined ? {} : { namespace }), name };
}

/** The lines of each member together. */
async function* members(lines: AsyncIterable<CatalogLine>): AsyncGenerator<readonly CatalogLine[]> {
  let held: CatalogLine[] = [];
  for await (const line of lines) {
    if (held[0] !== undefined && held[0].memberOffset !== line.memberOffset) {
      yield held;
      held = [];
    }
    held.push(line);
  }
  if (held.length > 0) yield held;
}
