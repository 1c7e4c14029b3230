/** Removing what a backup has in its vault: the commit marker first, so that it ends being a backup. */
import type { BackupPlace } from './backup-services.ts';

/** Objects removed at once at most. @see https://help.aliyun.com/zh/oss/developer-reference/deletemultipleobjects */
const REMOVED_AT_ONCE = 1000;

/**
 * Removes every file and unfinished upload of a backup; what is gone already counts as removed.
 * @throws BackupCentreError `file_immutable` under a retention policy
 */
export async function removeBackupFiles(place: BackupPlace): Promise<void> {
  const { store, keys } = place;
  await store.remove([keys.marker]);
  for (const upload of await store.listUploads(keys.prefix)) {
    await store.abortUpload(upload.key, upload.uploadId);
  }
  for (;;) {
    const page = await store.list(keys.prefix, { limit: REMOVED_AT_ONCE });
    if (page.objects.length === 0) return;
    await store.remove(page.objects.map((o) => o.key));
  }
}
