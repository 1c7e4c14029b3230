import { badRequest, resourceNotFound } from '../errors.ts';
import { RecordFilter } from '../filters.ts';
import type { HbrCore } from '../hbr-core.ts';
import { newId } from '../ids.ts';
import { pageFields, pageOf, textField } from '../parameters.ts';
import {
  type ConflictPolicy,
  isEnded,
  type PathRules,
  type RestoreJobRecord,
  type RestoreTarget,
  type SnapshotRecord,
} from '../records.ts';
import { restoreJobFields, seconds } from '../wire.ts';
import {
  type HbrAction,
  type HbrCall,
  pathRules,
  readyCluster,
  textList,
  usableVault,
} from './action.ts';
import { FILTER_OPERATORS } from './backup-jobs.ts';

const POLICIES: readonly ConflictPolicy[] = [
  'OVERWRITE_EXISTING',
  'SKIP_THE_FILE',
  'OVERWRITE_OLDER',
];

/** A snapshot goes back to a place of the kind that it came from. */
export const createRestoreJob: HbrAction = (core, call) => {
  const { parameters } = call;
  const restoreType = parameters.required('RestoreType');
  const sourceType = parameters.required('SourceType');
  const vault = usableVault(core, call);
  const snapshot = snapshotOf(core, call, vault.id);
  if (snapshot.source.type !== sourceType) {
    throw badRequest(`SourceType is ${sourceType}, the snapshot's is ${snapshot.source.type}.`);
  }
  if (restoreType !== sourceType) {
    throw badRequest(`RestoreType is ${restoreType}, SourceType is ${sourceType}.`);
  }
  const { policy, rules } = restoreOptions(call);
  const options = parameters.text('Options');
  const now = core.now();
  const job: RestoreJobRecord = {
    id: newId('r'),
    accountId: call.accountId,
    vaultId: vault.id,
    status: 'CREATED',
    createdAtMs: now,
    updatedAtMs: now,
    sourceType: snapshot.source.type,
    snapshotId: snapshot.id,
    snapshotHash: snapshot.hash,
    target: restoreTarget(core, call, snapshot),
    policy,
    rules,
    ...(options === undefined ? {} : { options }),
  };
  core.state.restores.put(job);
  return { RestoreId: job.id };
};

export const describeRestoreJobs2: HbrAction = (core, { parameters, accountId }) => {
  const page = parameters.page();
  const restoreType = parameters.text('RestoreType');
  const own = core.state.restores
    .all()
    .filter((job) => job.accountId === accountId)
    .filter((job) => restoreType === undefined || job.target.type === restoreType);
  const found = restoreFilter(core).matching(own, parameters.filters()).reverse();
  const now = core.now();
  return {
    ...pageFields(found.length, page),
    RestoreJobs: { RestoreJob: pageOf(found, page).map((job) => restoreJobFields(job, now)) },
  };
};

/** What a running job wrote stays in its target. */
export const cancelRestoreJob: HbrAction = (core, call) => {
  const restoreId = call.parameters.required('RestoreId');
  const vaultId = call.parameters.text('VaultId');
  const job = core.state.restores.get(restoreId);
  const isOwn = job?.accountId === call.accountId && [undefined, job.vaultId].includes(vaultId);
  if (job === undefined || !isOwn) throw resourceNotFound(`Restore job ${restoreId}`);
  if (isEnded(job.status)) throw badRequest(`Restore job ${restoreId} is ${job.status}.`);
  if (job.status !== 'CANCELING') {
    core.state.restores.put({ ...job, status: 'CANCELING', updatedAtMs: core.now() });
  }
  return {};
};

function restoreFilter(core: HbrCore): RecordFilter<RestoreJobRecord> {
  const snapshot = (job: RestoreJobRecord) => core.state.snapshots.get(job.snapshotId);
  return new RecordFilter(
    {
      RegionId: () => core.region,
      PlanId: (job) => snapshot(job)?.planId ?? '',
      JobId: (job) => snapshot(job)?.jobId ?? '',
      RestoreId: (job) => job.id,
      VaultId: (job) => job.vaultId,
      InstanceId: () => '',
      Bucket: ({ target }) => (target.type === 'OSS' ? target.bucket : ''),
      FileSystemId: ({ target }) => (target.type === 'NAS' ? target.fileSystemId : ''),
      Status: (job) => job.status,
      CompleteTime: ({ completedAtMs }) =>
        completedAtMs === undefined ? undefined : seconds(completedAtMs),
    },
    FILTER_OPERATORS,
  );
}

function snapshotOf(core: HbrCore, { parameters }: HbrCall, vaultId: string): SnapshotRecord {
  const snapshotId = parameters.required('SnapshotId');
  const snapshot = core.state.snapshots.get(snapshotId);
  const hash = parameters.text('SnapshotHash');
  const isMeant = snapshot?.vaultId === vaultId && [undefined, snapshot.hash].includes(hash);
  if (snapshot === undefined || !isMeant) throw resourceNotFound(`Snapshot ${snapshotId}`);
  return snapshot;
}

function restoreTarget(core: HbrCore, call: HbrCall, { source }: SnapshotRecord): RestoreTarget {
  const { parameters } = call;
  switch (source.type) {
    case 'CONTAINER': {
      parameters.required('TargetContainer');
      const cluster = readyCluster(core, call, 'TargetContainerClusterId');
      const place = parameters.json('TargetContainer');
      const [host, hostPrefix, pvPath] = ['host', 'hostPrefix', 'pvPath'].map((name) => {
        const text = textField(place, name);
        if (text === '') throw badRequest(`TargetContainer.${name} is missing.`);
        return text;
      });
      return {
        type: 'CONTAINER',
        clusterId: cluster.id,
        clusterIdentifier: cluster.identifier,
        host: host ?? '',
        hostPrefix: hostPrefix ?? '',
        pvPath: pvPath ?? '',
      };
    }
    case 'NAS': {
      const fileSystemId = parameters.required('TargetFileSystemId');
      const createTime = parameters.integer('TargetCreateTime', 0);
      if (core.places.nas(fileSystemId, createTime) === undefined) {
        throw resourceNotFound(`File system ${fileSystemId}`);
      }
      const path = parameters.text('TargetPath') ?? '/';
      const time = createTime === undefined ? {} : { createTime };
      return { type: 'NAS', fileSystemId, path, ...time };
    }
    case 'OSS':
      return {
        type: 'OSS',
        bucket: parameters.required('TargetBucket'),
        prefix: parameters.text('TargetPrefix') ?? '',
      };
  }
}

function restoreOptions(call: HbrCall): { policy: ConflictPolicy; rules: PathRules } {
  const options = call.parameters.json('Options');
  const { include, exclude } = pathRules(call);
  const of = (name: string): unknown =>
    typeof options === 'object' && options !== null && name in options
      ? options[name as keyof typeof options]
      : undefined;
  const wanted = of('conflictPolicy') ?? 'OVERWRITE_EXISTING';
  const policy = POLICIES.find((candidate) => candidate === wanted);
  if (policy === undefined) throw badRequest(`conflictPolicy is ${String(wanted)}.`);
  return {
    policy,
    rules: {
      include: [...include, ...textList(of('includes'), 'Options.includes')],
      exclude: [...exclude, ...textList(of('excludes'), 'Options.excludes')],
    },
  };
}
