/** Gzip members: packed in zlib's thread pool, by the way that suits the data; unpacked whole. */
import { promisify } from 'node:util';
import { constants, deflateRaw, gunzip, gzip } from 'node:zlib';
import { BackupCentreError } from '../domain/errors.ts';

const gzipAsync = promisify(gzip);
const deflateAsync = promisify(deflateRaw);
const gunzipAsync = promisify(gunzip);

/**
 * Above this ratio at level 1 the data hardly repeats (keys, hashes, base64): Huffman coding alone then
 * gives about the same size in a quarter of the time (measured: 52 against 196 MiB/s on base64).
 */
const REPEATS_LITTLE = 0.5;

/** Part of a member that is tried first, bytes: a few objects, a fiftieth of the time of packing. */
const SAMPLE_BYTES = 48 * 1024;

/** Bytes unpacked per visit to the thread pool: most members take one or two. */
const UNPACK_CHUNK = 1024 * 1024;

/** Largest unpacked member accepted, bytes: no object may be larger than etcd's limit by far. */
const MEMBER_RAW_MAX = 256 * 1024 * 1024;

/** Packs a member in the thread pool; the same bytes give the same member. */
export async function packLargeMember(raw: Uint8Array): Promise<Buffer> {
  const strategy = (await repeatsLittle(raw))
    ? constants.Z_HUFFMAN_ONLY
    : constants.Z_DEFAULT_STRATEGY;
  // One visit to the thread pool: the default of 16 KiB per visit costs dozens.
  const chunkSize = Math.max(64 * 1024, raw.length);
  const packed = await gzipAsync(raw, { level: 1, strategy, chunkSize });
  // Copied out of a buffer that is mostly empty, so that it does not live on with it.
  return packed.length < chunkSize / 2 ? Buffer.from(packed) : packed;
}

/** Whether searching for repeats would not pay, judged by the middle. */
async function repeatsLittle(raw: Uint8Array): Promise<boolean> {
  if (raw.length <= SAMPLE_BYTES) return false;
  const from = (raw.length - SAMPLE_BYTES) >> 1;
  const sample = raw.subarray(from, from + SAMPLE_BYTES);
  const packed = await deflateAsync(sample, { level: 1, chunkSize: 64 * 1024 });
  return packed.length > SAMPLE_BYTES * REPEATS_LITTLE;
}

/** Packs one small thing. */
export async function packMember(raw: Uint8Array): Promise<Buffer> {
  return await gzipAsync(raw);
}

/** Unpacks one or several members. @throws BackupCentreError `bundle_invalid` */
export async function unpackMember(packed: Uint8Array, what: string): Promise<Buffer> {
  try {
    return await gunzipAsync(packed, {
      maxOutputLength: MEMBER_RAW_MAX,
      chunkSize: UNPACK_CHUNK,
    });
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new BackupCentreError('bundle_invalid', `Cannot unpack ${what}: found ${found}`);
  }
}
