/** How copies and disks that a restore makes are named and tagged at ECS, so that they are found again. */
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import { madeName } from '../../../domain/volumes/restored-claim.ts';
import { RUN_TAG } from '../../../domain/volumes/snapshot-tags.ts';
import { shortened } from '../../../domain/volumes/stable-hash.ts';
import type { CloudTags } from '../../../ports/disk-cloud.ts';

const PREFIX = 'backup-centre.io/';

/** Tag of a copy: the snapshot that it is of. */
export const SNAPSHOT_TAG = `${PREFIX}snapshot`;
/** Tag of a disk: the volume that will name it. */
export const VOLUME_TAG = `${PREFIX}volume`;

/** Longest value of a tag (API §C1). */
const VALUE_LENGTH_MAX = 128;

/** Tags of everything a restore makes. */
function commonTags({ runId, cluster, spec, id }: RestoreRecord): CloudTags {
  const { vault, name, backup } = spec;
  const values = { cluster, vault, restore: name, 'restore-id': id, backup };
  const tags: Record<string, string> = { [RUN_TAG]: runId };
  for (const [key, value] of Object.entries(values)) {
    tags[`${PREFIX}${key}`] = shortened(value, VALUE_LENGTH_MAX);
  }
  return tags;
}

/** Tags of a copy of a snapshot. */
export function copyTags(record: RestoreRecord, snapshotId: string): CloudTags {
  return { ...commonTags(record), [SNAPSHOT_TAG]: snapshotId };
}

/** Tags of the disk of a claim; `namespace` is that of the target. */
export function diskTags(
  record: RestoreRecord,
  { namespace, pvc }: { readonly namespace: string; readonly pvc: string },
): CloudTags {
  return {
    ...commonTags(record),
    [`${PREFIX}namespace`]: shortened(namespace, VALUE_LENGTH_MAX),
    [`${PREFIX}claim`]: shortened(pvc, VALUE_LENGTH_MAX),
    [VOLUME_TAG]: madeName({ runId: record.runId, namespace, pvc }),
  };
}
