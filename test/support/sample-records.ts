/** Records as small as they may be, for tests that need one of a table. */
import { type BackupRecord, NO_PROGRESS } from '../../shared/domain/backup-record.ts';

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
