/** Records as small as they may be, for tests that need one of a table. */
import { type BackupRecord, NO_PROGRESS } from '../../shared/domain/backup-record.ts';
import type { RestoreRecord, RestoreSpec } from '../../shared/domain/restore-record.ts';

/** A backup record; what matters to a test is given. */
export function sampleBackup(given: Partial<BackupRecord> = {}): BackupRecord {
  return {
    id: 'bk-8000000000000-00',
    runId: 'run-1',
    cluster: 'c1',
    vaultIdentity: 'vault-1',
    spec: {
      name: 'nightly',
      vault: 'main',
      namespaces: ['*'],
      volumeBackup: false,
      clusterScope: 'related',
      retentionDays: 30,
    },
    creator: 'acs:ram::1:root',
    namespacesResolved: [],
    phase: 'New',
    progress: NO_PROGRESS,
    errors: [],
    warnings: [],
    findingsDropped: 0,
    volumes: [],
    coverageGaps: [],
    billing: { ossBytes: 0, snapshotGiB: 0, cloudBackupBytes: 0 },
    fence: 0,
    createdAtMs: 0,
    ...given,
  };
}

/** A restore of a backup that has just been asked for; everything comes back, unless `spec` says otherwise. */
export function sampleRestore(
  backup: BackupRecord,
  given: Pick<RestoreRecord, 'id' | 'runId' | 'cluster' | 'createdAtMs'>,
  spec: Partial<RestoreSpec> & Pick<RestoreSpec, 'name'>,
): RestoreRecord {
  const namespaces = spec.namespaces ?? [];
  return {
    ...given,
    vaultIdentity: backup.vaultIdentity,
    backupId: backup.id,
    sourceCluster: backup.cluster,
    spec: {
      vault: 'main',
      backup: backup.spec.name,
      namespaceMapping: {},
      imageRegistryMapping: {},
      storageClassConversion: [],
      resourceModifiers: [],
      clusterScope: namespaces.length === 0 ? 'all' : 'related',
      volumes: 'restore',
      verify: false,
      dryRun: false,
      ...spec,
      namespaces,
    },
    creator: 'acs:ram::1000:root',
    namespacesResolved: namespaces,
    phase: 'New',
    progress: NO_PROGRESS,
    errors: [],
    warnings: [],
    findingsDropped: 0,
    volumes: [],
    counts: { created: 0, skipped: 0, failed: 0, omitted: 0 },
    fence: 0,
  };
}
