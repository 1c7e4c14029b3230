/**
 * The writing side of a capture: objects become members, members become parts, and each part is followed
 * by a chunk of the catalogue and a checkpoint. While one part is on its way the next one is filled.
 */

import { type BundleMember, BundleWriter } from '../../../format/bundle-writer.ts';
import type { CatalogSubject } from '../../../format/catalog-line.ts';
import type { RunScratch } from '../../run-scratch.ts';
import { type ArchiveUpload, PART_BYTES_ACCEPTED } from './archive-upload.ts';
import { eventLine, writeCaptureChunk } from './capture-log.ts';
import type { CaptureEvent, CaptureState } from './capture-state.ts';
import type { ObjectSink } from './object-intake.ts';

/** Lines after which a chunk is written even without a whole part: chunks are held in memory. */
const CHUNK_LINES_MAX = 20_000;
/** Time after which a checkpoint is made even without a whole part, ms: the work a dead worker loses. */
const CHECKPOINT_MS = 20_000;

/** Where the lists were when a member was closed. */
export interface CapturePosition {
  readonly round: number;
  readonly task: number;
  /** Token of the page that was being read. */
  readonly token?: string;
  /** `CaptureState.growth` when the round began. */
  readonly grownFrom: number;
}

interface Mark {
  readonly position: CapturePosition;
  readonly events: readonly string[];
}

/** What a session writes to and starts from. */
export interface SessionOptions {
  readonly upload: ArchiveUpload;
  readonly scratch: RunScratch;
  readonly state: CaptureState;
  readonly position: CapturePosition;
  /** Chunks written so far, and the packed bytes that await their part. */
  readonly chunks: number;
  readonly pending: Uint8Array;
  readonly mtimeMs: number;
  now(): number;
  /** Stores a checkpoint: chunks so far and the position that they reach. */
  save(chunks: number, position: CapturePosition): Promise<void>;
}

/** One worker's share of a capture. */
export class CaptureSession implements ObjectSink {
  position: CapturePosition;
  private readonly options: SessionOptions;
  private readonly writer: BundleWriter<Mark>;
  private parts: Uint8Array[];
  private partBytes: number;
  private lines: string[] = [];
  private events: string[] = [];
  private reached: CapturePosition;
  private chunks: number;
  private savedAtMs: number;
  private commit: Promise<void> = Promise.resolve();

  constructor(options: SessionOptions) {
    this.options = options;
    this.position = options.position;
    this.reached = options.position;
    this.chunks = options.chunks;
    this.parts = options.pending.length === 0 ? [] : [options.pending];
    this.partBytes = options.pending.length;
    this.savedAtMs = options.now();
    const offset = options.upload.sentBytes + this.partBytes;
    this.writer = new BundleWriter({ offset, mtimeMs: options.mtimeMs });
  }

  /** Bytes of the archive so far; a part on its way counts once it has arrived. */
  get archiveBytes(): number {
    return this.options.upload.sentBytes + this.partBytes;
  }

  /** Makes room for an object of this size; members that are finished leave. */
  async prepare(sizeBytes: number): Promise<void> {
    if (!this.writer.isFullFor(sizeBytes)) return;
    this.seal();
    while (this.writer.isBusy) await this.takeMember();
  }

  write(subject: CatalogSubject, parts: readonly Uint8Array[]): void {
    this.writer.add(subject, parts);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.options.state.addObject({ ...subject, length });
  }

  note(event: CaptureEvent): void {
    this.options.state.apply(event);
    this.events.push(eventLine(event));
  }

  /** Makes a checkpoint when one is due. */
  async pause(): Promise<void> {
    const due = this.options.now() - this.savedAtMs >= CHECKPOINT_MS;
    if (due || this.events.length >= CHUNK_LINES_MAX) await this.settle();
  }

  /** Makes a checkpoint of everything done so far. */
  async settle(): Promise<void> {
    await this.drain();
    await this.commitPart(false);
    await this.commit;
  }

  /** Ends the archive and sends its last part. */
  async finish(): Promise<void> {
    this.writer.end();
    await this.drain();
    await this.commitPart(true);
    await this.commit;
  }

  /** Resolves when nothing of this session is under way any more. */
  async stop(): Promise<void> {
    await this.commit.catch(() => undefined);
  }

  private seal(): void {
    if (this.writer.isEmpty) return;
    this.writer.seal({ position: this.position, events: this.takeEvents() });
  }

  /** Lets everything that was written so far become lines and bytes of the part. */
  private async drain(): Promise<void> {
    this.seal();
    while (await this.takeMember());
    for (const event of this.takeEvents()) this.lines.push(event);
    this.reached = this.position;
  }

  private takeEvents(): readonly string[] {
    const { events } = this;
    this.events = [];
    return events;
  }

  private async takeMember(): Promise<boolean> {
    const member = await this.writer.take();
    if (member === undefined) return false;
    this.keep(member);
    const full = this.partBytes >= this.options.upload.partBytesMin;
    if (full || this.lines.length >= CHUNK_LINES_MAX) await this.commitPart(false);
    return true;
  }

  private keep(member: BundleMember<Mark>): void {
    this.parts.push(member.bytes);
    this.partBytes += member.bytes.length;
    // Wants come after the objects that gave rise to them; the order within a member does not matter.
    for (const line of member.lines) this.lines.push(line);
    for (const event of member.mark.events) this.lines.push(event);
    this.reached = member.mark.position;
  }

  /** Sends what is there, once the part before is through. */
  private async commitPart(isLast: boolean): Promise<void> {
    await this.commit;
    const enough = isLast || this.partBytes >= PART_BYTES_ACCEPTED;
    const bytes = Buffer.concat(this.parts);
    const { lines, chunks, reached } = this;
    this.lines = [];
    this.chunks += 1;
    this.parts = enough ? [] : [bytes];
    this.partBytes = enough ? 0 : bytes.length;
    this.savedAtMs = this.options.now();
    this.commit = this.send({ bytes, lines, chunk: chunks, reached, enough, isLast });
    // Awaited before the next part and at the end; a failure meanwhile must not count as unhandled.
    this.commit.catch(() => undefined);
  }

  private async send(part: {
    readonly bytes: Uint8Array;
    readonly lines: readonly string[];
    readonly chunk: number;
    readonly reached: CapturePosition;
    readonly enough: boolean;
    readonly isLast: boolean;
  }): Promise<void> {
    const { upload, scratch, save } = this.options;
    if (part.enough) await upload.send(part.bytes);
    if (part.isLast) upload.close();
    const pending = part.enough ? new Uint8Array(0) : part.bytes;
    await writeCaptureChunk(scratch, part.chunk, part.lines, pending);
    await save(part.chunk + 1, part.reached);
  }
}
