/**
 * What the emulator knows, on disk: buckets, object versions, multipart uploads, undelivered
 * events. Object bytes are files beside it (object-files.ts); a row is written only after its files
 * are complete, so a file without a row is garbage and a row without a file does not happen.
 *
 * lmdb keeps what was written before a throw inside a transaction, so every transaction here checks
 * first and writes after.
 */
import { mkdirSync } from 'node:fs';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { OssEvent } from './events.ts';
import type { Segment } from './object-files.ts';

/** `Enabled` keeps every version, `Suspended` only writes the `null` one; absent = never enabled. */
type Versioning = 'Enabled' | 'Suspended';

/** Server-side encryption of a bucket or an object. Nothing is encrypted; it is only recorded. */
export interface Encryption {
  readonly algorithm: string;
  readonly kmsKeyId?: string;
}

/** A bucket-level retention policy. */
export interface WormPolicy {
  readonly wormId: string;
  readonly state: 'InProgress' | 'Locked';
  readonly days: number;
  readonly createdAtMs: number;
}

/** When a lifecycle action is due: days after the last change, or once a date has passed. */
export interface LifecycleTerm {
  readonly days?: number;
  readonly createdBeforeMs?: number;
}

/** One lifecycle rule, as far as the emulator executes it. */
export interface LifecycleRule {
  readonly id: string;
  readonly prefix: string;
  readonly enabled: boolean;
  readonly tags: Readonly<Record<string, string>>;
  readonly expiration?: LifecycleTerm;
  readonly expiredObjectDeleteMarker?: boolean;
  readonly noncurrentDays?: number;
  readonly abortMultipartUpload?: LifecycleTerm;
  readonly transitions: readonly (LifecycleTerm & { readonly storageClass: string })[];
}

/** A bucket and its settings. */
export interface BucketRecord {
  readonly name: string;
  readonly accountId: string;
  readonly region: string;
  readonly createdAtMs: number;
  readonly storageClass: string;
  readonly dataRedundancy: string;
  readonly acl: string;
  readonly versioning?: Versioning;
  readonly encryption?: Encryption;
  readonly worm?: WormPolicy;
  readonly lifecycle?: readonly LifecycleRule[];
}

/** What a caller said about an object beside its bytes. */
export interface ObjectAttributes {
  /** Standard headers that come back with the object, lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** `x-oss-meta-*` without the prefix. */
  readonly userMeta: Readonly<Record<string, string>>;
  readonly storageClass: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly encryption?: Encryption;
}

/** A version that holds an object. */
export interface StoredObject extends ObjectAttributes {
  readonly kind: 'object';
  readonly versionId: string;
  readonly lastModifiedMs: number;
  readonly sizeBytes: number;
  /** Upper-case hex without quotes. */
  readonly etag: string;
  /** Base64 of the MD5 of the content; a multipart object has none. */
  readonly contentMd5?: string;
  /** CRC-64/XZ of the content as an unsigned decimal number. */
  readonly crc64: string;
  readonly objectType: 'Normal' | 'Multipart';
  readonly segments: readonly Segment[];
}

/** A version that says the key was deleted. */
export interface DeleteMarker {
  readonly kind: 'deleteMarker';
  readonly versionId: string;
  readonly lastModifiedMs: number;
}

/** One version of a key. */
export type ObjectVersion = StoredObject | DeleteMarker;

/** A multipart upload that is neither completed nor aborted. */
export interface UploadRecord {
  readonly uploadId: string;
  readonly initiatedAtMs: number;
  readonly attributes: ObjectAttributes;
}

/** One uploaded part. */
export interface PartRecord {
  readonly partNumber: number;
  readonly etag: string;
  readonly crc64: string;
  readonly lastModifiedMs: number;
  readonly sizeBytes: number;
  readonly segments: readonly Segment[];
}

const MAX_SEQUENCE = 2n ** 64n - 1n;
const SEPARATOR = Buffer.from([0]);
const SEQUENCE_BYTES = 8;
/** Above every byte of UTF-8, so that prefix + this is the end of a prefix. */
const ABOVE_UTF8 = Buffer.from([0xff]);

/** The tables, and the only place that knows how their keys are built. */
export class OssState {
  readonly buckets: Database<BucketRecord, string>;
  /** bucket, key, newest first. Buffers, so that the order is the vendor's: that of UTF-8 bytes. */
  readonly versions: Database<ObjectVersion, Buffer>;
  readonly uploads: Database<UploadRecord, Buffer>;
  readonly parts: Database<PartRecord, Buffer>;
  readonly outbox: Database<OssEvent, number>;
  private readonly counters: Database<number, string>;
  private readonly root: RootDatabase;

  /** Opens or creates the state in `dir`. */
  constructor(dir: string) {
    mkdirSync(dir, { recursive: true });
    // noSync: a killed process loses nothing, since what was written is in the page cache; only a
    // power cut could, and an emulator need not survive that.
    this.root = open({ path: `${dir}/state.lmdb`, maxDbs: 8, noSync: true });
    const binary = { encoding: 'json', keyEncoding: 'binary' } as const;
    this.buckets = this.root.openDB({ name: 'buckets', encoding: 'json' });
    this.versions = this.root.openDB({ name: 'versions', ...binary });
    this.uploads = this.root.openDB({ name: 'uploads', ...binary });
    this.parts = this.root.openDB({ name: 'parts', ...binary });
    this.outbox = this.root.openDB({ name: 'outbox', encoding: 'json' });
    this.counters = this.root.openDB({ name: 'counters', encoding: 'json' });
  }

  /** Runs `change` alone; resolves with its result once it is durable against kill -9. */
  transaction<T>(change: () => T): Promise<T> {
    return this.root.transaction(change);
  }

  /** The next number of a counter; only inside a transaction. */
  next(counter: string): number {
    const value = (this.counters.get(counter) ?? 0) + 1;
    this.counters.putSync(counter, value);
    return value;
  }

  /** Closes the files; nothing may be called afterwards. */
  close(): Promise<void> {
    return this.root.close();
  }
}

/** The row of one version; a larger sequence sorts first. */
export function versionRow(bucket: string, key: string, sequence: number): Buffer {
  const inverted = Buffer.alloc(SEQUENCE_BYTES);
  inverted.writeBigUInt64BE(MAX_SEQUENCE - BigInt(sequence));
  return Buffer.concat([keyPrefix(bucket, key), SEPARATOR, inverted]);
}

/** The key of an object inside a row of `versions`. */
export function keyOfVersionRow(bucket: string, row: Buffer): string {
  return row.toString('utf8', Buffer.byteLength(bucket) + 1, row.length - SEQUENCE_BYTES - 1);
}

/** Bounds of the rows of exactly one key, in `versions` and `uploads`. */
export function rangeOfKey(bucket: string, key: string): { start: Buffer; end: Buffer } {
  const prefix = keyPrefix(bucket, key);
  return {
    start: Buffer.concat([prefix, SEPARATOR]),
    end: Buffer.concat([prefix, Buffer.from([1])]),
  };
}

/** Bounds of the rows of all keys that begin with `prefix`. */
export function rangeOfPrefix(bucket: string, prefix: string): { start: Buffer; end: Buffer } {
  const start = keyPrefix(bucket, prefix);
  return { start, end: Buffer.concat([start, ABOVE_UTF8]) };
}

/** The row of one multipart upload. */
export function uploadRow(bucket: string, key: string, uploadId: string): Buffer {
  return Buffer.concat([keyPrefix(bucket, key), SEPARATOR, Buffer.from(uploadId)]);
}

/** The key of an object inside a row of `uploads`. */
export function keyOfUploadRow(bucket: string, row: Buffer, uploadId: string): string {
  return row.toString('utf8', Buffer.byteLength(bucket) + 1, row.length - uploadId.length - 1);
}

/** The row of one part. */
export function partRow(uploadId: string, partNumber: number): Buffer {
  const number = Buffer.alloc(2);
  number.writeUInt16BE(partNumber);
  return Buffer.concat([Buffer.from(uploadId), number]);
}

function keyPrefix(bucket: string, key: string): Buffer {
  return Buffer.concat([Buffer.from(bucket), SEPARATOR, Buffer.from(key)]);
}
