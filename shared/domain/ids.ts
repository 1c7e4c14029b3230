/** Ids. Record ids sort newest first, so that a list under a cluster needs no index. */

/** Largest millisecond that fits 13 digits (year 2286). */
const TIME_MAX = 9_999_999_999_999;

/** `bk-<reversed time>-<hex>`: newer ids sort before older ones. */
export function recordId(prefix: 'bk' | 'rs' | 'pl', nowMs: number, hex: string): string {
  return `${prefix}-${String(TIME_MAX - nowMs).padStart(13, '0')}-${hex}`;
}

/** Whether a text has the form of a record id. */
export function isRecordId(text: string): boolean {
  return /^(bk|rs|pl)-\d{13}-[0-9a-f]+$/.test(text);
}

/** A time as a key part that sorts by time. */
export function timeKey(ms: number): string {
  return String(ms).padStart(13, '0');
}

/** The one of the shards that the rows of a run in `waiting` are in. */
export function waitingShard(runId: string): string {
  return shardOf(runId);
}

/** The one of the shards that the plans of a cluster are in. */
export function planShard(cluster: string): string {
  return shardOf(cluster);
}

/** The one of the shards that a backup's row in `expiries` is in. */
export function expiryShard(backupId: string): string {
  return shardOf(backupId);
}

function shardOf(text: string): string {
  let sum = 0;
  for (let i = 0; i < text.length; i += 1) sum = (sum * 31 + text.charCodeAt(i)) % 8191;
  return String(sum % SHARDS.length).padStart(2, '0');
}

/** Tables that are read by time spread their rows over these. */
export const SHARDS: readonly string[] = ['00', '01', '02', '03', '04', '05', '06', '07'];
