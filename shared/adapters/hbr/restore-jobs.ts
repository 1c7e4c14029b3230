/** Restore jobs of both ways. A job names its snapshot and its target, and nothing of who asked. */
import { createHash } from 'node:crypto';
import type { JsonObject } from '../../domain/json.ts';
import type { CloudFiles, ContainerFiles, NasFiles } from '../../domain/volume-backup.ts';
import type { FilesRestore, HbrJob } from '../../ports/cloud-backup.ts';
import { readyCluster } from './agents.ts';
import type { JobScope } from './backup-jobs.ts';
import { hostPrefixOf } from './backup-jobs.ts';
import { type HbrCalls, where } from './hbr-calls.ts';
import { numberOf, restoreJobFrom, seconds, TYPES, textOf } from './hbr-resources.ts';
import type { NasFileSystems } from './nas-file-systems.ts';
import { pathOf, placeOf } from './nas-plans.ts';

/** Where kubelets keep pods; HBR's client takes whole paths for restores (API §B2). */
const KUBELET_PODS = '/var/lib/kubelet/pods';

/** What a restore is started with. */
export interface RestoreServices {
  readonly calls: HbrCalls;
  readonly fileSystems: NasFileSystems;
}

/** Starts a job that writes a point's files to their place; what lies there is overwritten. */
export async function startRestore(
  services: RestoreServices,
  request: FilesRestore,
): Promise<string> {
  const { region, vaultId, point, files } = request;
  const { query, body } =
    files.way === 'nas'
      ? await nasTarget(services.fileSystems, region, files)
      : await containerTarget(services.calls, region, files);
  return await services.calls.start(
    {
      region,
      action: 'CreateRestoreJob',
      attempt: `restore Cloud Backup point ${point.id} to ${targetOf(files)}`,
      query: {
        RestoreType: TYPES[files.way],
        SourceType: TYPES[files.way],
        VaultId: vaultId,
        SnapshotId: point.id,
        SnapshotHash: point.hash,
        Options: JSON.stringify({
          conflictPolicy: 'OVERWRITE_EXISTING',
          ...(files.way === 'container' ? { excludes: [markOf(files)] } : {}),
        }),
        ...query,
      },
      body,
    },
    'RestoreId',
  );
}

/** The newest job of that point to that place that was created since then. */
export async function findRestore(
  calls: HbrCalls,
  { region, vaultId, point, files }: FilesRestore,
  sinceMs: number,
): Promise<HbrJob | undefined> {
  let newest: JsonObject | undefined;
  for await (const fields of jobs(calls, { region, vaultId, way: files.way })) {
    if (numberOf(fields, 'CreatedTime') < seconds(sinceMs)) continue;
    if (textOf(fields, 'SnapshotId') !== point.id || !isTarget(fields, files)) continue;
    const age = newest === undefined ? 0 : numberOf(newest, 'CreatedTime');
    if (newest === undefined || numberOf(fields, 'CreatedTime') > age) newest = fields;
  }
  return newest === undefined ? undefined : restoreJobFrom(newest);
}

/** The jobs; a list knows no filter for their ids. Unknown ids are left out. */
export async function describeRestores(
  calls: HbrCalls,
  scope: JobScope,
  ids: readonly string[],
): Promise<readonly HbrJob[]> {
  const wanted = new Set(ids);
  const found: HbrJob[] = [];
  if (wanted.size === 0) return found;
  for await (const fields of jobs(calls, scope)) {
    if (wanted.delete(textOf(fields, 'RestoreId'))) found.push(restoreJobFrom(fields));
    if (wanted.size === 0) break;
  }
  return found;
}

function jobs(calls: HbrCalls, { region, vaultId, way }: JobScope): AsyncGenerator<JsonObject> {
  const call = {
    region,
    action: 'DescribeRestoreJobs2',
    attempt: `list restore jobs of Cloud Backup vault ${vaultId}`,
    query: { RestoreType: TYPES[way], Filters: [where('VaultId', 'EQUAL', vaultId)] },
  };
  return calls.rows(call, ['RestoreJobs', 'RestoreJob']);
}

/** A call's parameters that tell its target. */
interface Target {
  readonly query: JsonObject;
  /** TargetPath goes there in the vendor's own clients (API §A3). */
  readonly body: JsonObject;
}

async function nasTarget(
  fileSystems: NasFileSystems,
  region: string,
  files: NasFiles,
): Promise<Target> {
  const createdAt = await fileSystems.createdAtSeconds(region, files.fileSystemId);
  return {
    query: {
      TargetFileSystemId: files.fileSystemId,
      ...(createdAt === undefined ? {} : { TargetCreateTime: createdAt }),
    },
    body: { TargetPath: pathOf(files) },
  };
}

async function containerTarget(
  calls: HbrCalls,
  region: string,
  files: ContainerFiles,
): Promise<Target> {
  return {
    query: {
      TargetContainerClusterId: await readyCluster(calls, region, files.cluster),
      TargetContainer: JSON.stringify({
        host: files.node,
        hostPrefix: `${KUBELET_PODS}/${hostPrefixOf(files)}`,
        pvPath: '/',
      }),
    },
    body: {},
  };
}

function isTarget(fields: JsonObject, files: CloudFiles): boolean {
  if (files.way === 'container') return textOf(fields, 'Options').includes(markOf(files));
  const path = pathOf({ ...files, path: textOf(fields, 'TargetPath') });
  return textOf(fields, 'TargetFileSystemId') === files.fileSystemId && path === pathOf(files);
}

/**
 * HBR tells the options of a job that writes to a node, but not the node's place: a path that no
 * volume has is left out of the restore, and marks the job.
 */
function markOf({ cluster, node, podUid, folder }: ContainerFiles): string {
  const place = JSON.stringify([cluster, node, podUid, folder]);
  const hash = createHash('sha256').update(place).digest('hex').slice(0, 16);
  return `/.bc-restore-${hash}`;
}

function targetOf(files: CloudFiles): string {
  if (files.way === 'nas') return placeOf(files);
  return `volume ${files.namespace}/${files.pvc} of cluster ${files.cluster}`;
}
