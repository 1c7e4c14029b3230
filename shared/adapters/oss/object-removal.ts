/** Removing objects, in versioned buckets with all their versions. */
import { NotFoundError } from '../../domain/errors.ts';
import type { OssCalls } from './oss-calls.ts';

/** Keys of one DeleteMultipleObjects (OSS limit). */
const BATCH_MAX = 1000;
/** Keys whose versions are listed at once. */
const LISTS_AT_ONCE = 8;
/** Pages of versions of one key read at most: a key of ours is written once or twice. */
const VERSION_PAGES_MAX = 100;

interface Victim {
  readonly key: string;
  readonly versionId?: string;
}

/** Removes the keys; absent ones count as removed. @throws BackupCentreError `file_immutable` */
export async function removeObjects(
  calls: OssCalls,
  keys: readonly string[],
  isVersioned: boolean,
): Promise<void> {
  const victims = isVersioned ? await versionsOf(calls, keys) : keys.map((key) => ({ key }));
  for (let start = 0; start < victims.length; start += BATCH_MAX) {
    await removeBatch(calls, victims.slice(start, start + BATCH_MAX));
  }
}

/**
 * The reply of a batch names what was removed and says nothing of failures, so what it leaves out is
 * removed one by one: that reply has a reason.
 */
async function removeBatch(calls: OssCalls, victims: readonly Victim[]): Promise<void> {
  if (victims.length === 0) return;
  const reply = await calls.repeat(`remove ${victims.length} objects`, async (sdk) =>
    sdk.deleteMulti(
      victims.map((v) => (v.versionId === undefined ? v.key : { ...v, versionId: v.versionId })),
      { quiet: false },
    ),
  );
  const removed = new Set(reply.deleted.map((d) => identityOf(d.Key, d.VersionId)));
  for (const victim of victims) {
    if (removed.has(identityOf(victim.key, victim.versionId))) continue;
    const options = victim.versionId === undefined ? {} : { versionId: victim.versionId };
    await calls.guarded(
      `remove ${victim.key}`,
      async (sdk) => {
        await sdk.delete(victim.key, { ...options });
      },
      async (error) => {
        if (!(error instanceof NotFoundError)) throw error;
      },
    );
  }
}

function identityOf(key: string, versionId: string | undefined): string {
  return `${versionId ?? ''} ${key}`;
}

async function versionsOf(calls: OssCalls, keys: readonly string[]): Promise<Victim[]> {
  const victims: Victim[] = [];
  for (let start = 0; start < keys.length; start += LISTS_AT_ONCE) {
    const batch = keys.slice(start, start + LISTS_AT_ONCE);
    const lists = await Promise.all(batch.map(async (key) => await versionsOfKey(calls, key)));
    victims.push(...lists.flat());
  }
  return victims;
}

async function versionsOfKey(calls: OssCalls, key: string): Promise<Victim[]> {
  const victims: Victim[] = [];
  let markers: Record<string, string> = {};
  for (let page = 0; page < VERSION_PAGES_MAX; page += 1) {
    const query = { prefix: key, maxKeys: BATCH_MAX, encodingType: 'url', ...markers };
    const reply = await calls.repeat(`list the versions of ${key}`, async (sdk) =>
      sdk.getBucketVersions({ ...query }),
    );
    const entries = [...reply.objects, ...reply.deleteMarker];
    const own = entries.filter(({ name }) => decodeURIComponent(name) === key);
    victims.push(...own.map(({ versionId }) => ({ key, versionId })));
    // Keys come in order, and the prefix itself is the first of them.
    if (!reply.isTruncated || own.length < entries.length) break;
    markers = {
      keyMarker: decodeURIComponent(reply.nextKeyMarker ?? ''),
      versionIdMarker: reply.nextVersionIdMarker ?? '',
    };
  }
  return victims;
}
