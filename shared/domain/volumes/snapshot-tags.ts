/**
 * How snapshots and disks of ours are named and tagged at ECS. Tags are how what was started
 * without being written down is found again, and how a person at ECS finds what a snapshot is of.
 */
import type { BackupRecord } from '../backup-record.ts';
import type { VolumeBackup } from '../volume-backup.ts';
import { shortened, stableHash } from './stable-hash.ts';

/** Longest name, and value of a tag (API §C1). */
const TEXT_LENGTH_MAX = 128;

const PREFIX = 'backup-centre.io/';

/** Tag that holds the id of the run that made the resource. */
export const RUN_TAG = `${PREFIX}run`;

/**
 * Tags of a volume's snapshot. Too long values are cut, with a hash of the whole; the record has
 * all.
 */
export function snapshotTags(given: {
  readonly record: Pick<BackupRecord, 'cluster' | 'vaultIdentity' | 'id' | 'spec'>;
  readonly runId: string;
  readonly zone: string;
  readonly volume: Pick<VolumeBackup, 'namespace' | 'pvc'>;
}): Readonly<Record<string, string>> {
  const { record, runId, zone, volume } = given;
  const values: Readonly<Record<string, string>> = {
    cluster: record.cluster,
    vault: record.spec.vault,
    'vault-identity': record.vaultIdentity,
    backup: record.spec.name,
    'backup-id': record.id,
    run: runId,
    namespace: volume.namespace,
    claim: volume.pvc,
    zone,
  };
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      `${PREFIX}${key}`,
      shortened(value, TEXT_LENGTH_MAX),
    ]),
  );
}

/** Name of the snapshot that a backup takes of a disk. */
export function snapshotName(backup: string, diskId: string): string {
  // Names may hold letters, digits, `:`, `_` and `-` only.
  return shortened(`bc-${backup}-${diskId}`.replace(/[^\w:-]/g, '-'), TEXT_LENGTH_MAX);
}

/**
 * Client token of one attempt at one resource: the same again gives the same result at ECS, another
 * attempt is another token. At most 64 ASCII characters (API §C1).
 */
export function clientToken(given: {
  readonly runId: string;
  /** The disk, or whatever else the call is about. */
  readonly subject: string;
  readonly attempt: number;
}): string {
  return `bc-${stableHash(given.runId)}-${stableHash(given.subject)}-${given.attempt}`;
}
