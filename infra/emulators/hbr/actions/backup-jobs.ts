import { badRequest, resourceNotFound } from '../errors.ts';
import { RecordFilter } from '../filters.ts';
import { addBackupJob, type HbrCore } from '../hbr-core.ts';
import { pageFields, pageOf, textField } from '../parameters.ts';
import { type BackupJobRecord, type ContainerResource, isEnded } from '../records.ts';
import { backupJobFields, seconds } from '../wire.ts';
import {
  type HbrAction,
  type HbrCall,
  pathRules,
  readyCluster,
  usableVault,
  vaultOf,
} from './action.ts';

/** How filters of job lists match. */
export const FILTER_OPERATORS = [
  'EQUAL',
  'NOT_EQUAL',
  'GREATER_THAN',
  'GREATER_THAN_OR_EQUAL',
  'LESS_THAN',
  'LESS_THAN_OR_EQUAL',
  'BETWEEN',
  'IN',
];

/** Of the public source types, none starts by this call here; containers do. */
export const createBackupJob: HbrAction = (core, call) => {
  const { parameters } = call;
  const sourceType = parameters.required('SourceType');
  if (sourceType !== 'CONTAINER') throw badRequest(`SourceType is ${sourceType}.`);
  const vault = usableVault(core, call);
  const cluster = readyCluster(core, call, 'ContainerClusterId');
  const retentionDays = parameters.integer('Retention', 1);
  const job = addBackupJob(core, {
    accountId: call.accountId,
    vaultId: vault.id,
    name: parameters.text('JobName') ?? '',
    source: {
      type: 'CONTAINER',
      clusterId: cluster.id,
      clusterIdentifier: cluster.identifier,
      resource: containerResource(call),
    },
    rules: pathRules(call),
    triggerMode: 'MANUAL',
    createdAtMs: core.now(),
    ...(retentionDays === undefined ? {} : { retentionDays }),
  });
  return { JobId: job.id };
};

export const describeBackupJobs2: HbrAction = (core, { parameters, accountId }) => {
  const page = parameters.page();
  const sourceType = parameters.text('SourceType');
  const direction = parameters.oneOf('SortDirection', ['ASCEND', 'DESCEND'], 'DESCEND');
  const own = core.state.jobs
    .all()
    .filter((job) => job.accountId === accountId)
    .filter((job) => sourceType === undefined || job.source.type === sourceType);
  const found = jobFilter(core).matching(own, parameters.filters());
  found.sort((a, b) => a.createdAtMs - b.createdAtMs);
  if (direction === 'DESCEND') found.reverse();
  const now = core.now();
  return {
    ...pageFields(found.length, page),
    BackupJobs: { BackupJob: pageOf(found, page).map((job) => backupJobFields(job, now)) },
  };
};

/** A job that waits or runs becomes CANCELING, and CANCELED by the clock. */
export const cancelBackupJob: HbrAction = (core, call) => {
  const jobId = call.parameters.required('JobId');
  const vaultId = call.parameters.text('VaultId');
  if (vaultId !== undefined) vaultOf(core, call, vaultId);
  const job = core.state.jobs.get(jobId);
  const isOwn = job?.accountId === call.accountId && [undefined, job.vaultId].includes(vaultId);
  if (job === undefined || !isOwn) throw resourceNotFound(`Job ${jobId}`);
  if (isEnded(job.status)) throw badRequest(`Job ${jobId} is ${job.status}.`);
  if (job.status !== 'CANCELING') {
    core.state.jobs.put({ ...job, status: 'CANCELING', updatedAtMs: core.now() });
  }
  return {};
};

function jobFilter(core: HbrCore): RecordFilter<BackupJobRecord> {
  return new RecordFilter(
    {
      RegionId: () => core.region,
      PlanId: (job) => job.planId ?? '',
      JobId: (job) => job.id,
      VaultId: (job) => job.vaultId,
      InstanceId: () => '',
      Bucket: ({ source }) => (source.type === 'OSS' ? source.bucket : ''),
      FileSystemId: ({ source }) => (source.type === 'NAS' ? source.fileSystemId : ''),
      Status: (job) => job.status,
      CreatedTime: (job) => seconds(job.createdAtMs),
      CompleteTime: ({ completedAtMs }) =>
        completedAtMs === undefined ? undefined : seconds(completedAtMs),
      instanceName: () => '',
    },
    FILTER_OPERATORS,
  );
}

/** The one item of ContainerResources, every part of it checked. */
function containerResource({ parameters }: HbrCall): ContainerResource {
  parameters.required('ContainerResources');
  const items = parameters.json('ContainerResources');
  if (!Array.isArray(items) || items.length !== 1) {
    throw badRequest('ContainerResources is no JSON array of one resource.');
  }
  const [item] = items as unknown[];
  const part = (name: string): string => {
    const text = textField(item, name);
    if (text !== '') return text;
    throw badRequest(`ContainerResources[0].${name} is missing.`);
  };
  const resource: ContainerResource = {
    resourceType: part('resourceType'),
    backupMethod: part('backupMethod'),
    resourceId: part('resourceId'),
    resourceInfo: part('resourceInfo'),
    host: part('host'),
    hostPrefix: part('hostPrefix'),
    pvPath: part('pvPath'),
  };
  if (resource.resourceType !== 'PV') throw badRequest(`resourceType is ${resource.resourceType}.`);
  if (resource.backupMethod !== 'FILE') {
    throw badRequest(`backupMethod is ${resource.backupMethod}.`);
  }
  checkResourceInfo(resource.resourceInfo);
  return resource;
}

const RESOURCE_INFO_PARTS = ['pv_name', 'pv_size', 'storage_class', 'pvc_name', 'namespace'];

function checkResourceInfo(text: string): void {
  try {
    const info: unknown = JSON.parse(text);
    const isObject = typeof info === 'object' && info !== null;
    if (isObject && RESOURCE_INFO_PARTS.every((name) => name in info)) return;
  } catch {
    // Refused below, like JSON of another form.
  }
  throw badRequest(`resourceInfo is no JSON object with ${RESOURCE_INFO_PARTS.join(', ')}.`);
}
