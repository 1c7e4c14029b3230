/** Backup jobs of both ways, and the restore points that they leave. */
import type { JsonObject } from '../../domain/json.ts';
import type { CloudFiles, ContainerFiles } from '../../domain/volume-backup.ts';
import type { FilesBackup, HbrJob, HbrPoint } from '../../ports/cloud-backup.ts';
import { readyCluster } from './agents.ts';
import { type HbrCalls, where } from './hbr-calls.ts';
import { backupJobFrom, numberOf, pointFrom, seconds, TYPES, textOf } from './hbr-resources.ts';

/** Ids in one filter: a page of rows answers them. */
const IDS_PER_CALL = 50;
/** A point is complete about when its job is, seconds. */
const COMPLETION_SPREAD_S = 3_600;

/** A request for a backup of a volume on a node. */
export interface ContainerBackup extends FilesBackup {
  readonly files: ContainerFiles;
}

/** Starts a job of the client in the cluster. */
export async function startContainerBackup(
  calls: HbrCalls,
  request: ContainerBackup,
): Promise<string> {
  const { region, vaultId, files } = request;
  const clusterId = await readyCluster(calls, region, files.cluster);
  return await calls.start(
    {
      region,
      action: 'CreateBackupJob',
      attempt: `back up volume ${files.namespace}/${files.pvc} of cluster ${files.cluster}`,
      query: {
        SourceType: TYPES.container,
        JobName: request.jobName,
        VaultId: vaultId,
        Retention: request.retentionDays,
        ContainerClusterId: clusterId,
        ContainerResources: JSON.stringify([containerResource(files)]),
      },
    },
    'JobId',
  );
}

/** The job of that name that was created since then. */
export async function findContainerBackup(
  calls: HbrCalls,
  request: ContainerBackup,
  sinceMs: number,
): Promise<HbrJob | undefined> {
  const { region, vaultId, jobName } = request;
  const created = where('CreatedTime', 'GREATER_THAN_OR_EQUAL', seconds(sinceMs));
  for await (const fields of jobs(calls, { region, vaultId, way: 'container' }, created)) {
    if (textOf(fields, 'JobName') === jobName) return backupJobFrom(fields);
  }
  return undefined;
}

/** Where jobs are looked for. */
export interface JobScope {
  readonly region: string;
  readonly vaultId: string;
  readonly way: CloudFiles['way'];
}

/** The jobs' rows as HBR tells them; unknown ids are left out. */
export async function backupJobRows(
  calls: HbrCalls,
  scope: JobScope,
  ids: readonly string[],
): Promise<readonly JsonObject[]> {
  const found: JsonObject[] = [];
  for (let from = 0; from < ids.length; from += IDS_PER_CALL) {
    const sought = where('JobId', 'IN', ...ids.slice(from, from + IDS_PER_CALL));
    for await (const fields of jobs(calls, scope, sought)) found.push(fields);
  }
  return found;
}

/**
 * The points that the jobs left. A search knows neither jobs' ids nor, for NAS, less than one file
 * system: so the jobs tell where and when to look.
 */
export async function pointsOf(
  calls: HbrCalls,
  scope: JobScope,
  jobIds: readonly string[],
): Promise<readonly HbrPoint[]> {
  const groups = new Map<string, JsonObject[]>();
  for (const job of await backupJobRows(calls, scope, jobIds)) {
    if (numberOf(job, 'CompleteTime') === 0) continue;
    const source = scope.way === 'nas' ? [job.FileSystemId, job.CreateTime] : [];
    const key = JSON.stringify(source);
    groups.set(key, [...(groups.get(key) ?? []), job]);
  }
  const found: HbrPoint[] = [];
  for (const group of groups.values()) found.push(...(await pointsOfGroup(calls, scope, group)));
  return found;
}

async function pointsOfGroup(
  calls: HbrCalls,
  { region, vaultId, way }: JobScope,
  group: readonly JsonObject[],
): Promise<readonly HbrPoint[]> {
  const wanted = new Set(group.map((job) => textOf(job, 'JobId')));
  const times = group.map((job) => numberOf(job, 'CompleteTime'));
  const [{ FileSystemId: fileSystem, CreateTime: created } = {}] = group;
  const term = (field: string, value: unknown) =>
    way === 'container' || value === undefined ? [] : [match(field, 'MATCH_TERM', value)];
  const between = [
    Math.min(...times) - COMPLETION_SPREAD_S,
    Math.max(...times) + COMPLETION_SPREAD_S,
  ];
  const search = [
    match('VaultId', 'MATCH_TERM', vaultId),
    ...term('FileSystemId', fileSystem),
    ...term('CreateTime', created),
    match('CompleteTime', 'BETWEEN', between),
  ];
  const call = {
    region,
    action: 'SearchHistoricalSnapshots',
    attempt: `look for restore points in Cloud Backup vault ${vaultId}`,
    query: { SourceType: TYPES[way], Query: JSON.stringify(search) },
  };
  const found: HbrPoint[] = [];
  for await (const fields of calls.snapshots(call)) {
    if (wanted.delete(textOf(fields, 'JobId'))) found.push(pointFrom(fields));
    if (wanted.size === 0) break;
  }
  return found;
}

function jobs(calls: HbrCalls, scope: JobScope, filter: JsonObject): AsyncGenerator<JsonObject> {
  const { region, vaultId, way } = scope;
  const call = {
    region,
    action: 'DescribeBackupJobs2',
    attempt: `list backup jobs of Cloud Backup vault ${vaultId}`,
    query: { SourceType: TYPES[way], Filters: [where('VaultId', 'EQUAL', vaultId), filter] },
  };
  return calls.rows(call, ['BackupJobs', 'BackupJob']);
}

function match(field: string, operation: string, value: unknown): JsonObject {
  return { field, value, operation };
}

/** The volume as a pod on the node mounts it (API §B2). */
function containerResource(files: ContainerFiles): JsonObject {
  return {
    resourceType: 'PV',
    backupMethod: 'FILE',
    resourceId: files.pvUid,
    resourceInfo: JSON.stringify({
      pv_name: files.pv,
      pv_size: files.size,
      storage_class: files.storageClass,
      pvc_name: files.pvc,
      namespace: files.namespace,
    }),
    host: files.node,
    hostPrefix: hostPrefixOf(files),
    pvPath: '/',
  };
}

/** The volume's place below the kubelet's folder of pods. */
export function hostPrefixOf({ podUid, folder }: ContainerFiles): string {
  return `${podUid}/volumes/${folder}`;
}
