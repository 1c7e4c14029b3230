/**
 * Backups of NAS file systems: a job starts only by a plan. There is one disabled plan for each HBR
 * vault, file system and path, used again and again so that jobs stay incremental.
 *
 * A job of a plan bears no mark of who wanted it, and several backups may want the same path at the
 * same minute. Each must own its restore point, since it deletes it at its end. So before a plan is
 * executed its name tells whose job comes next, and after which job.
 */
import { createHash } from 'node:crypto';
import { BackupCentreError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { NasFiles } from '../../domain/volume-backup.ts';
import type { FilesBackup, HbrJob } from '../../ports/cloud-backup.ts';
import { type HbrCalls, where } from './hbr-calls.ts';
import { isRefusal } from './hbr-errors.ts';
import { backupJobFrom, numberOf, seconds, TYPES, textOf } from './hbr-resources.ts';
import type { NasFileSystems } from './nas-file-systems.ts';

/** Should somebody enable a plan, it runs once a day. */
const INTERVAL = 'P1D';

/** A request for a backup of a NAS path. */
export interface NasBackup extends FilesBackup {
  readonly files: NasFiles;
}

/** A plan as far as it matters here. */
interface Plan {
  readonly id: string;
  readonly name: string;
  readonly retentionDays: number;
  readonly createdAtSeconds: number;
}

/** Plans of NAS paths, and the jobs they make. */
export class NasPlans {
  private readonly calls: HbrCalls;
  private readonly fileSystems: NasFileSystems;
  private readonly now: () => number;

  constructor(calls: HbrCalls, fileSystems: NasFileSystems, now: () => number) {
    this.calls = calls;
    this.fileSystems = fileSystems;
    this.now = now;
  }

  /** Executes the path's plan. @throws BackupCentreError `cloud_refused`, retryable while a job runs */
  async start(request: NasBackup): Promise<string> {
    const [plan] = await this.plansOf(request);
    if (plan === undefined) {
      const planId = await this.create(request);
      return await this.execute(request, planId);
    }
    const last = await this.lastJob(request, plan.id);
    if (last?.state === 'running') throw busy(request, last);
    await this.announce(request, plan, nameFor(request, last?.id ?? ''));
    try {
      return await this.execute(request, plan.id);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const other = await this.lastJob(request, plan.id);
      if (other?.state !== 'running') throw error;
      // Another request was faster: its job must not be taken for the one that was announced.
      await this.announce(request, plan, nameOf(request));
      throw busy(request, other);
    }
  }

  /** The job that a plan made after it was announced for this request. */
  async find(request: NasBackup, sinceMs: number): Promise<HbrJob | undefined> {
    const mine = ownedBy(request);
    const plan = (await this.plansOf(request)).find(({ name }) => name.startsWith(mine));
    if (plan === undefined) return undefined;
    const created = where('CreatedTime', 'GREATER_THAN_OR_EQUAL', seconds(sinceMs));
    const jobs: HbrJob[] = [];
    for await (const fields of this.jobs(request, plan.id, 'ASCEND', created)) {
      jobs.push(backupJobFrom(fields));
    }
    const before = jobs.findIndex(({ id }) => mine + fingerprint(id) === plan.name);
    return jobs[before + 1];
  }

  /** Oldest first: where two were made at the same moment, all go on with the same one. */
  private async plansOf({ region, vaultId, files }: NasBackup): Promise<readonly Plan[]> {
    const { fileSystemId } = files;
    const call = {
      region,
      action: 'DescribeBackupPlans',
      attempt: `look for the backup plan of ${placeOf(files)}`,
      query: { SourceType: TYPES.nas, Filters: [{ Key: 'vaultId', Values: [vaultId] }] },
    };
    const found: Plan[] = [];
    for await (const fields of this.calls.rows(call, ['BackupPlans', 'BackupPlan'])) {
      const name = textOf(fields, 'PlanName');
      const isMeant = textOf(fields, 'FileSystemId') === fileSystemId;
      if (!isMeant || !name.startsWith(nameOf({ files }))) continue;
      found.push({
        id: textOf(fields, 'PlanId'),
        name,
        retentionDays: numberOf(fields, 'Retention'),
        createdAtSeconds: numberOf(fields, 'CreatedTime'),
      });
    }
    return found.sort((a, b) => a.createdAtSeconds - b.createdAtSeconds || (a.id < b.id ? -1 : 1));
  }

  private async create(request: NasBackup): Promise<string> {
    const { region, vaultId, retentionDays, files } = request;
    const createdAt = await this.fileSystems.createdAtSeconds(region, files.fileSystemId);
    return await this.calls.start(
      {
        region,
        action: 'CreateBackupPlan',
        attempt: `create the backup plan of ${placeOf(files)}`,
        query: {
          SourceType: TYPES.nas,
          BackupType: 'COMPLETE',
          PlanName: nameFor(request, ''),
          VaultId: vaultId,
          Schedule: `I|${seconds(this.now())}|${INTERVAL}`,
          Disabled: true,
          Retention: retentionDays,
          FileSystemId: files.fileSystemId,
          ...(createdAt === undefined ? {} : { CreateTime: createdAt }),
          Path: [pathOf(files)],
        },
      },
      'PlanId',
    );
  }

  /** Writes a plan's name; its retention grows with the longest that was asked for. */
  private async announce(request: NasBackup, plan: Plan, name: string): Promise<void> {
    const { region, vaultId, retentionDays, files } = request;
    const isLonger = retentionDays > plan.retentionDays;
    await this.calls.send({
      region,
      action: 'UpdateBackupPlan',
      attempt: `update backup plan ${plan.id} of ${placeOf(files)}`,
      query: {
        SourceType: TYPES.nas,
        VaultId: vaultId,
        PlanId: plan.id,
        PlanName: name,
        ...(isLonger ? { Retention: retentionDays } : {}),
      },
    });
  }

  private async execute({ region, vaultId, files }: NasBackup, planId: string): Promise<string> {
    return await this.calls.start(
      {
        region,
        action: 'ExecuteBackupPlan',
        attempt: `back up ${placeOf(files)} by plan ${planId}`,
        query: { SourceType: TYPES.nas, VaultId: vaultId, PlanId: planId },
      },
      'JobId',
    );
  }

  private async lastJob(request: NasBackup, planId: string): Promise<HbrJob | undefined> {
    for await (const fields of this.jobs(request, planId, 'DESCEND')) return backupJobFrom(fields);
    return undefined;
  }

  private jobs(
    { region, vaultId }: NasBackup,
    planId: string,
    direction: 'ASCEND' | 'DESCEND',
    ...more: readonly JsonObject[]
  ): AsyncGenerator<JsonObject> {
    const call = {
      region,
      action: 'DescribeBackupJobs2',
      attempt: `list the jobs of backup plan ${planId}`,
      query: {
        SourceType: TYPES.nas,
        SortDirection: direction,
        Filters: [where('VaultId', 'EQUAL', vaultId), where('PlanId', 'EQUAL', planId), ...more],
      },
    };
    return this.calls.rows(call, ['BackupJobs', 'BackupJob']);
  }
}

/** The path as HBR is given it: no slash at its end. */
export function pathOf({ path }: NasFiles): string {
  return path.replace(/\/+$/, '') || '/';
}

/** For messages. */
export function placeOf(files: NasFiles): string {
  return `NAS ${files.fileSystemId}:${pathOf(files)}`;
}

/** What the names of a path's plan begin with. */
function nameOf({ files }: Pick<NasBackup, 'files'>): string {
  return `bc-nas-${fingerprint(files.fileSystemId, pathOf(files))}`;
}

/** What the plan's name begins with while its next job is this request's. */
function ownedBy(request: NasBackup): string {
  return `${nameOf(request)}-${fingerprint(request.jobName)}-`;
}

/** That name: 57 of the 64 characters that it may have. */
function nameFor(request: NasBackup, lastJobId: string): string {
  return ownedBy(request) + fingerprint(lastJobId);
}

function fingerprint(...words: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(words)).digest('hex').slice(0, 16);
}

function busy({ files }: NasBackup, job: HbrJob): BackupCentreError {
  const message = `Cannot back up ${placeOf(files)} now: its job ${job.id} is unfinished`;
  return new BackupCentreError('cloud_refused', message, { retryable: true });
}
