/**
 * The archive on its way into the vault: a multipart upload whose parts hold whole gzip members. Its
 * state is small and complete, so that another worker goes on after the last part it knows of; a part
 * that a dead worker sent after that is simply sent again under its number.
 */
import { createHash, type Hash } from 'node:crypto';
import { AlreadyExistsError, BackupCentreError, NotFoundError } from '../../../domain/errors.ts';
import type { ObjectInfo, ObjectStore, PutOptions } from '../../../ports/object-store.ts';

/** Bytes of a part at least, the last excepted (design §4). */
const PART_BYTES_MIN = 8 * 1024 * 1024;
/** Smallest part the service accepts, the last excepted. @see ObjectStore.uploadPart */
export const PART_BYTES_ACCEPTED = 100 * 1024;
/** Parts of one upload at most. @see ObjectStore.uploadPart */
const PARTS_MAX = 10_000;
/** From this part on parts are larger, so that 10,000 of them hold 200 GiB. */
const LARGE_PARTS_FROM = 5_000;
const LARGE_PART_BYTES_MIN = 32 * 1024 * 1024;
/** Bytes of one GET when an archive is read back. */
const READ_BACK_BYTES = 16 * 1024 * 1024;

/** How an archive is uploaded. */
export interface UploadOptions {
  readonly encrypt: boolean;
  /** Bytes of a part at least; the default is what design §4 says. */
  readonly partBytesMin?: number;
}

/** What a checkpoint holds of an upload. */
export interface UploadState {
  readonly uploadId: string;
  readonly etags: readonly string[];
  /** Bytes in finished parts. */
  readonly offset: number;
  /** Hex SHA-256 of the archive once the last part is there, where one worker sent all of them. */
  readonly sha?: string;
  readonly closed: boolean;
}

/** One upload, part by part. */
export class ArchiveUpload {
  private readonly store: ObjectStore;
  private readonly key: string;
  private readonly put: PutOptions;
  private readonly smallPart: number;
  private readonly uploadId: string;
  /** Undefined where another worker sent the parts before. */
  private readonly hash: Hash | undefined;
  private readonly etags: string[];
  private offset: number;
  private digest: string | undefined;
  private closed: boolean;

  private constructor(init: {
    store: ObjectStore;
    key: string;
    options: UploadOptions;
    state: UploadState;
    hash?: Hash;
  }) {
    this.store = init.store;
    this.key = init.key;
    const { encrypt, partBytesMin } = init.options;
    this.put = putOptions(encrypt);
    this.smallPart = partBytesMin ?? PART_BYTES_MIN;
    this.uploadId = init.state.uploadId;
    this.etags = [...init.state.etags];
    this.offset = init.state.offset;
    this.hash = init.hash;
    this.digest = init.state.sha;
    this.closed = init.state.closed;
  }

  /** Begins anew; an upload that a dead worker began and nobody knows of is aborted first. */
  static async begin(
    store: ObjectStore,
    key: string,
    options: UploadOptions,
  ): Promise<ArchiveUpload> {
    for (const left of await store.listUploads(key)) {
      await store.abortUpload(left.key, left.uploadId);
    }
    const uploadId = await store.startUpload(key, putOptions(options.encrypt));
    const state = { uploadId, etags: [], offset: 0, closed: false };
    return new ArchiveUpload({ store, key, options, state, hash: createHash('sha256') });
  }

  static resume(
    store: ObjectStore,
    key: string,
    options: UploadOptions,
    state: UploadState,
  ): ArchiveUpload {
    return new ArchiveUpload({ store, key, options, state });
  }

  /** Bytes a part should have at least before it is sent. */
  get partBytesMin(): number {
    return this.etags.length < LARGE_PARTS_FROM ? this.smallPart : LARGE_PART_BYTES_MIN;
  }

  /** Bytes sent so far. */
  get sentBytes(): number {
    return this.offset;
  }

  /** Whether its last part was sent. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** Sends a part. @throws UploadLostError */
  async send(bytes: Uint8Array): Promise<void> {
    const number = this.etags.length + 1;
    if (number > PARTS_MAX) {
      throw new BackupCentreError(
        'bundle_invalid',
        `Cannot go on with ${this.key}: an archive has at most ${PARTS_MAX} parts`,
      );
    }
    const part = await this.orLost(this.store.uploadPart(this.key, this.uploadId, number, bytes));
    this.hash?.update(bytes);
    this.etags.push(part.etag);
    this.offset += bytes.length;
  }

  /** No part follows. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.digest = this.hash?.digest('hex');
  }

  state(): UploadState {
    return {
      uploadId: this.uploadId,
      etags: [...this.etags],
      offset: this.offset,
      ...(this.digest === undefined ? {} : { sha: this.digest }),
      closed: this.closed,
    };
  }

  /** Makes the archive visible; safe to repeat. @throws UploadLostError */
  async complete(): Promise<{ readonly info: ObjectInfo; readonly sha256: string }> {
    const parts = this.etags.map((etag, i) => ({ number: i + 1, etag }));
    const done = this.store.completeUpload(this.key, this.uploadId, parts, this.put);
    const info = await this.orLost(done);
    return { info, sha256: this.digest ?? (await this.readBack(info)) };
  }

  /**
   * SHA-256 of an archive whose parts came from several workers. No checkpoint holds the state of a hash:
   * only one computed in WebAssembly could be saved, at five times the price for every archive. A
   * cluster's objects (etcd holds 8 GiB at most by its own advice) are read back within one invocation.
   */
  private async readBack({ sizeBytes, versionId }: ObjectInfo): Promise<string> {
    const hash = createHash('sha256');
    const version = versionId === undefined ? {} : { versionId };
    for (let offset = 0; offset < sizeBytes; offset += READ_BACK_BYTES) {
      const length = Math.min(READ_BACK_BYTES, sizeBytes - offset);
      hash.update(await this.store.get(this.key, { offset, length, ...version }));
    }
    return hash.digest('hex');
  }

  private async orLost<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      if (error instanceof AlreadyExistsError) throw error;
      const gone = error instanceof NotFoundError;
      const differs = error instanceof BackupCentreError && error.code === 'bundle_invalid';
      if (gone || differs) throw new UploadLostError(error.message);
      throw error;
    }
  }
}

/** The service no longer has the upload, or has other parts than were sent: begin anew. */
export class UploadLostError extends BackupCentreError {
  constructor(message: string) {
    super('bundle_invalid', message, { retryable: true });
  }
}

function putOptions(encrypt: boolean): PutOptions {
  return { ifAbsent: true, encrypt, contentType: 'application/gzip' };
}
