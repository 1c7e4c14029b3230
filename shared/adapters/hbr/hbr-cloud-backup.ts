/** CloudBackup over HBR: containers by the client in their cluster, NAS by plans, in every region. */
import { BackupCentreError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { CloudFiles } from '../../domain/volume-backup.ts';
import type {
  AgentStatus,
  CloudBackup,
  FilesBackup,
  FilesRestore,
  HbrJob,
  HbrPoint,
  HbrVault,
} from '../../ports/cloud-backup.ts';
import type { Pacing } from '../bounded-retry.ts';
import type { CredentialsProvider } from '../credentials.ts';
import { agentStatus } from './agents.ts';
import {
  backupJobRows,
  findContainerBackup,
  pointsOf,
  startContainerBackup,
} from './backup-jobs.ts';
import { HbrCalls } from './hbr-calls.ts';
import { isGone, isRefusal } from './hbr-errors.ts';
import { backupJobFrom, numberOf, TYPES, textOf } from './hbr-resources.ts';
import { NasFileSystems } from './nas-file-systems.ts';
import { NasPlans } from './nas-plans.ts';
import { describeRestores, findRestore, startRestore } from './restore-jobs.ts';

/** HBR's clock may be so much behind ours; jobs are told apart by more than their time. */
const CLOCK_SKEW_MS = 300_000;

type Way = CloudFiles['way'];

const WAYS: readonly Way[] = ['container', 'nas'];

/** What is told of jobs of one kind. */
type Describe = (way: Way) => Promise<readonly HbrJob[]>;

/** Cloud Backup of an account. */
export class HbrCloudBackup implements CloudBackup {
  private readonly calls: HbrCalls;
  private readonly plans: NasPlans;
  private readonly fileSystems: NasFileSystems;

  /**
   * `nasEndpointOf`: where NAS is asked when a file system was made, which HBR wants to know of it.
   * Without it HBR is not told.
   */
  constructor(
    endpointOf: (region: string) => string,
    credentials: CredentialsProvider,
    pacing: Pacing,
    options: { readonly nasEndpointOf?: (region: string) => string } = {},
  ) {
    this.calls = new HbrCalls(endpointOf, credentials, pacing);
    this.fileSystems = new NasFileSystems(options.nasEndpointOf, credentials, pacing);
    this.plans = new NasPlans(this.calls, this.fileSystems, () => pacing.clock.now());
  }

  /** Of several, one that is ready, else the oldest. */
  async findVault(region: string, name: string): Promise<HbrVault | undefined> {
    const query = { VaultRegionId: region, VaultName: name };
    const rows = await this.vaults(region, query, `look for Cloud Backup vault ${name}`);
    const [first] = rows
      .filter((fields) => textOf(fields, 'VaultName') === name)
      .map((fields) => ({
        id: textOf(fields, 'VaultId'),
        ready: textOf(fields, 'Status') === 'CREATED',
        createdAt: numberOf(fields, 'CreatedTime'),
      }))
      .sort((a, b) => Number(b.ready) - Number(a.ready) || a.createdAt - b.createdAt);
    return first === undefined ? undefined : { id: first.id, ready: first.ready };
  }

  async createVault(region: string, name: string): Promise<string> {
    return await this.calls.start(
      {
        region,
        action: 'CreateVault',
        attempt: `create Cloud Backup vault ${name} in ${region}`,
        query: {
          VaultRegionId: region,
          VaultName: name,
          VaultType: 'STANDARD',
          VaultStorageClass: 'STANDARD',
        },
      },
      'VaultId',
    );
  }

  async agentStatus(region: string, cluster: string): Promise<AgentStatus> {
    return await agentStatus(this.calls, region, cluster);
  }

  async startBackup(request: FilesBackup): Promise<string> {
    const { files } = request;
    return await this.inVault(request, async () =>
      files.way === 'nas'
        ? await this.plans.start({ ...request, files })
        : await startContainerBackup(this.calls, { ...request, files }),
    );
  }

  async findBackup(request: FilesBackup, sinceMs: number): Promise<HbrJob | undefined> {
    const { files } = request;
    const fromMs = sinceMs - CLOCK_SKEW_MS;
    if (files.way === 'nas') return await this.plans.find({ ...request, files }, fromMs);
    return await findContainerBackup(this.calls, { ...request, files }, fromMs);
  }

  async describeBackups(
    region: string,
    vaultId: string,
    way: Way,
    ids: readonly string[],
  ): Promise<readonly HbrJob[]> {
    return (await backupJobRows(this.calls, { region, vaultId, way }, ids)).map(backupJobFrom);
  }

  /** A job that has ended, or that is not there, is fine. */
  async cancelBackup(region: string, vaultId: string, jobId: string): Promise<void> {
    await this.cancel(
      {
        region,
        action: 'CancelBackupJob',
        attempt: `cancel backup job ${jobId}`,
        query: { VaultId: vaultId, JobId: jobId },
      },
      async (way) => await this.describeBackups(region, vaultId, way, [jobId]),
    );
  }

  async findPoints(
    region: string,
    vaultId: string,
    way: Way,
    jobIds: readonly string[],
  ): Promise<readonly HbrPoint[]> {
    return await pointsOf(this.calls, { region, vaultId, way }, jobIds);
  }

  /** Forced: older versions of the API keep the newest snapshot of a source otherwise. */
  async deletePoint(region: string, vaultId: string, way: Way, id: string): Promise<void> {
    try {
      await this.calls.send({
        region,
        action: 'DeleteSnapshot',
        attempt: `delete Cloud Backup point ${id}`,
        query: { VaultId: vaultId, SourceType: TYPES[way], SnapshotId: id, Force: true },
      });
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  async startRestore(request: FilesRestore): Promise<string> {
    const { calls, fileSystems } = this;
    return await this.inVault(
      request,
      async () => await startRestore({ calls, fileSystems }, request),
    );
  }

  async findRestore(request: FilesRestore, sinceMs: number): Promise<HbrJob | undefined> {
    return await findRestore(this.calls, request, sinceMs - CLOCK_SKEW_MS);
  }

  async describeRestores(
    region: string,
    vaultId: string,
    way: Way,
    ids: readonly string[],
  ): Promise<readonly HbrJob[]> {
    return await describeRestores(this.calls, { region, vaultId, way }, ids);
  }

  /** A job that has ended, or that is not there, is fine. */
  async cancelRestore(region: string, vaultId: string, jobId: string): Promise<void> {
    await this.cancel(
      {
        region,
        action: 'CancelRestoreJob',
        attempt: `cancel restore job ${jobId}`,
        query: { VaultId: vaultId, RestoreId: jobId },
      },
      async (way) => await this.describeRestores(region, vaultId, way, [jobId]),
    );
  }

  /** A refusal because the job has ended bears no code of its own: the job tells. */
  private async cancel(call: Parameters<HbrCalls['send']>[0], describe: Describe): Promise<void> {
    try {
      await this.calls.send(call);
    } catch (error) {
      if (isGone(error)) return;
      if (!isRefusal(error)) throw error;
      const told = await Promise.all(WAYS.map(describe));
      if (told.flat().some(({ state }) => state === 'running')) throw error;
    }
  }

  /**
   * HBR may call a request `illegal` whose vault was deleted (ACK §5.3), without a code that says so:
   * after a refusal the vault is looked for.
   */
  private async inVault(
    { region, vaultId }: { readonly region: string; readonly vaultId: string },
    start: () => Promise<string>,
  ): Promise<string> {
    try {
      return await start();
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const attempt = `look for Cloud Backup vault ${vaultId}`;
      const rows = await this.vaults(region, { VaultId: vaultId }, attempt);
      if (rows.some((fields) => textOf(fields, 'VaultId') === vaultId)) throw error;
      throw new BackupCentreError('hbr_vault_missing', error.message, { details: error.details });
    }
  }

  private async vaults(
    region: string,
    query: JsonObject,
    attempt: string,
  ): Promise<readonly JsonObject[]> {
    const found: JsonObject[] = [];
    const call = { region, action: 'DescribeVaults', attempt, query };
    for await (const fields of this.calls.rows(call, ['Vaults', 'Vault'])) found.push(fields);
    return found;
  }
}
