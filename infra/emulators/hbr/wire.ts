/** Records as replies spell them. Times are unix seconds, progress is 0 to 10000. */
import { type HbrCore, vaultStatus } from './hbr-core.ts';
import {
  type BackupJobRecord,
  isEnded,
  type JobRun,
  type JobSource,
  type PathRules,
  type PlanRecord,
  type RestoreJobRecord,
  type SnapshotRecord,
  type VaultRecord,
} from './records.ts';

/** A reply's fields, or those of a row in it. */
export type WireFields = Readonly<Record<string, unknown>>;

export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

export function vaultFields(core: HbrCore, vault: VaultRecord): WireFields {
  const snapshots = core.state.snapshots.all().filter((s) => s.vaultId === vault.id);
  const status = vaultStatus(core, vault);
  return {
    VaultId: vault.id,
    VaultName: vault.name,
    Description: vault.description,
    VaultRegionId: core.region,
    VaultType: vault.vaultType,
    VaultStorageClass: vault.storageClass,
    Status: status,
    VaultStatusMessage: vault.forcedStatus === 'ERROR' ? 'INIT_VAULT_ERROR' : '',
    EncryptType: vault.encryptType,
    KmsKeyId: vault.kmsKeyId ?? '',
    WormEnabled: vault.wormEnabled,
    RedundancyType: 'LRS',
    BucketName: vault.id.replace('v-', 'hbr-'),
    Dedup: true,
    Replication: false,
    SearchEnabled: false,
    StorageSize: core.blobs.storageSize(vault.id),
    BytesDone: snapshots.reduce((sum, s) => sum + s.totals.bytesTotal, 0),
    SnapshotCount: snapshots.length,
    CreatedTime: seconds(vault.createdAtMs),
    UpdatedTime: seconds(vault.updatedAtMs),
    ChargeType: 'FREE',
    VaultOwnerId: Number(vault.accountId),
    SourceTypes: { SourceType: [...new Set(snapshots.map((s) => s.source.type))] },
    Tags: { Tag: [] },
  };
}

export function planFields(core: HbrCore, plan: PlanRecord): WireFields {
  const jobs = core.state.jobs.all().filter((job) => job.planId === plan.id);
  const finished = jobs.filter((job) => isEnded(job.status));
  const { retentionDays } = plan;
  return {
    PlanId: plan.id,
    PlanName: plan.name,
    VaultId: plan.vaultId,
    ...sourceFields(plan.source),
    BackupType: 'COMPLETE',
    Schedule: plan.schedule,
    Retention: retentionDays,
    KeepLatestSnapshots: plan.keepLatest ? 1 : 0,
    Disabled: plan.disabled,
    ...ruleFields(plan.rules),
    CreatedTime: seconds(plan.createdAtMs),
    UpdatedTime: seconds(plan.updatedAtMs),
    LatestExecuteJobId: jobs.at(-1)?.id,
    LatestFinishJobId: finished.at(-1)?.id,
    Rules: {
      Rule: [
        {
          RuleId: plan.ruleId,
          RuleName: plan.name,
          BackupType: 'COMPLETE',
          Schedule: plan.schedule,
          Retention: retentionDays,
          Disabled: plan.disabled,
          DoCopy: false,
        },
      ],
    },
  };
}

export function backupJobFields(job: BackupJobRecord, now: number): WireFields {
  return {
    JobId: job.id,
    JobName: job.name,
    BackupType: 'COMPLETE',
    TriggerMode: job.triggerMode,
    PlanId: job.planId ?? '',
    ...sourceFields(job.source),
    ...ruleFields(job.rules),
    ...runFields(job, now),
  };
}

export function restoreJobFields(job: RestoreJobRecord, now: number): WireFields {
  return {
    RestoreId: job.id,
    RestoreType: job.target.type,
    SourceType: job.sourceType,
    SnapshotId: job.snapshotId,
    SnapshotHash: job.snapshotHash,
    Options: job.options ?? '',
    ...targetFields(job),
    ...ruleFields(job.rules),
    ...runFields(job, now),
    ...(isEnded(job.status) ? { ErrorFile: errorFile(job) } : {}),
  };
}

export function snapshotFields(snapshot: SnapshotRecord): WireFields {
  const { totals } = snapshot;
  return {
    SnapshotId: snapshot.id,
    SnapshotHash: snapshot.hash,
    ParentSnapshotHash: snapshot.parentHash,
    JobId: snapshot.jobId,
    VaultId: snapshot.vaultId,
    PlanId: snapshot.planId,
    Status: snapshot.status,
    BackupType: 'COMPLETE',
    StorageClass: 'STANDARD',
    ...sourceFields(snapshot.source),
    Path: JSON.stringify(pathsOf(snapshot.source)),
    BytesTotal: totals.bytesTotal,
    BytesDone: totals.bytesDone,
    ActualBytes: totals.actualBytes,
    ItemsTotal: totals.itemsTotal,
    ItemsDone: totals.itemsDone,
    ActualItems: totals.itemsDone,
    ErrorFile: errorFile(snapshot),
    Retention: snapshot.retentionDays,
    CreatedTime: seconds(snapshot.createdAtMs),
    StartTime: seconds(snapshot.startedAtMs),
    CompleteTime: seconds(snapshot.completedAtMs),
    UpdatedTime: seconds(snapshot.completedAtMs),
    ...(snapshot.expiresAtMs === undefined ? {} : { ExpireTime: seconds(snapshot.expiresAtMs) }),
  };
}

/** What tells where a job's data came from. */
function sourceFields(source: JobSource): WireFields {
  const common = { SourceType: source.type, Paths: { Path: pathsOf(source) } };
  switch (source.type) {
    case 'CONTAINER':
      return { ...common, Identifier: source.clusterIdentifier };
    case 'NAS':
      return { ...common, FileSystemId: source.fileSystemId, CreateTime: source.createTime };
    case 'OSS':
      return { ...common, Bucket: source.bucket, Prefix: source.prefix };
  }
}

function pathsOf(source: JobSource): readonly string[] {
  switch (source.type) {
    case 'CONTAINER':
      return [source.resource.pvPath];
    case 'NAS':
      return source.paths;
    case 'OSS':
      return [];
  }
}

function targetFields({ target }: RestoreJobRecord): WireFields {
  switch (target.type) {
    case 'CONTAINER':
      return { ClusterId: target.clusterId, TargetPath: target.pvPath };
    case 'NAS':
      return {
        TargetFileSystemId: target.fileSystemId,
        TargetCreateTime: target.createTime,
        TargetPath: target.path,
      };
    case 'OSS':
      return { TargetBucket: target.bucket, TargetPrefix: target.prefix };
  }
}

function ruleFields({ include, exclude }: PathRules): WireFields {
  const text = (paths: readonly string[]) => (paths.length === 0 ? '' : JSON.stringify(paths));
  return { Include: text(include), Exclude: text(exclude) };
}

/** Status, times and amounts; while a job runs its amounts grow with its progress. */
function runFields(job: JobRun, now: number): WireFields {
  const { totals, startedAtMs, endsAtMs, completedAtMs } = job;
  const isDone = job.status === 'COMPLETE' || job.status === 'PARTIAL_COMPLETE';
  const share = isDone ? 1 : shareOf(startedAtMs, endsAtMs, Math.min(now, completedAtMs ?? now));
  const part = (amount: number) => Math.floor(amount * share);
  const elapsedMs = Math.max(1, (completedAtMs ?? now) - (startedAtMs ?? now));
  const bytesDone = part(totals?.bytesDone ?? 0);
  return {
    VaultId: job.vaultId,
    Status: job.status,
    Progress: part(10_000),
    BytesTotal: totals?.bytesTotal ?? 0,
    BytesDone: bytesDone,
    ActualBytes: part(totals?.actualBytes ?? 0),
    ItemsTotal: totals?.itemsTotal ?? 0,
    ItemsDone: part(totals?.itemsDone ?? 0),
    ActualItems: part(totals?.itemsDone ?? 0),
    Speed: startedAtMs === undefined ? 0 : Math.floor((bytesDone * 1000) / elapsedMs),
    ErrorMessage: job.errorMessage ?? '',
    CreatedTime: seconds(job.createdAtMs),
    UpdatedTime: seconds(job.updatedAtMs),
    ...(startedAtMs === undefined ? {} : { StartTime: seconds(startedAtMs) }),
    ...(completedAtMs === undefined ? {} : { CompleteTime: seconds(completedAtMs) }),
    ...(isDone ? { Report: reportFields(job.id) } : {}),
  };
}

function shareOf(
  startedAtMs: number | undefined,
  endsAtMs: number | undefined,
  now: number,
): number {
  if (startedAtMs === undefined || endsAtMs === undefined || endsAtMs <= startedAtMs) return 0;
  return Math.min(0.9999, Math.max(0, (now - startedAtMs) / (endsAtMs - startedAtMs)));
}

/** Names of report files, not counts: so the service spells them. */
function reportFields(jobId: string): WireFields {
  const file = (part: string) => `temp/report/${jobId}_${part}.csv`;
  return {
    TotalFiles: file('total'),
    SuccessFiles: file('success'),
    FailedFiles: file('failed'),
    SkippedFiles: file('skipped'),
    ReportTaskStatus: 'COMPLETE',
  };
}

/** A table of what failed, as text: a heading, then a line for each item. */
function errorFile({ totals }: Pick<JobRun, 'totals'>): string {
  if (totals === undefined || totals.failed.length === 0) return '';
  const lines = totals.failed.map(({ path, message }) => `/${path}\t${message}`);
  return ['Item\tError Message', ...lines].join('\n');
}
