/** Rows about the services that take volumes' data: ECS snapshots and Cloud Backup. */
import type { Cluster } from '../domain/cluster.ts';
import type { BackupCentreError } from '../domain/errors.ts';
import type { PrecheckItem } from '../domain/precheck-item.ts';
import { remedyOf } from '../domain/remedy.ts';
import { RUN_TAG } from '../domain/volumes/snapshot-tags.ts';
import type { AgentStatus } from '../ports/cloud-backup.ts';
import type { AppServices } from './app-services.ts';
import { type Answer, askRow } from './precheck-row.ts';
import { HBR_VAULT_NAME } from './steps/backup/hbr-vault.ts';

/** What backups and restores of disks ask of ECS. */
const ECS_ACTIONS =
  'ecs:DescribeDisks, ecs:DescribeSnapshots, ecs:ListTagResources, ecs:CreateSnapshot, ' +
  'ecs:DeleteSnapshot, ecs:CopySnapshot, ecs:CreateDisk, ecs:DeleteDisk, ecs:TagResources';
/** What backups and restores of files ask of Cloud Backup. */
const HBR_ACTIONS =
  'hbr:DescribeVaults, hbr:CreateVault, hbr:DescribeContainerCluster, hbr:CreateBackupJob, ' +
  'hbr:DescribeBackupJobs2, hbr:CancelBackupJob, hbr:CreateBackupPlan, hbr:UpdateBackupPlan, ' +
  'hbr:DescribeBackupPlans, hbr:ExecuteBackupPlan, hbr:SearchHistoricalSnapshots, ' +
  'hbr:DeleteSnapshot, hbr:CreateRestoreJob, hbr:DescribeRestoreJobs2, hbr:CancelRestoreJob; ' +
  'for NAS also nas:DescribeFileSystems';

/** A tag that nothing carries: looking for it shows the right to look, and lists nothing. */
const NO_RUN = { key: RUN_TAG, value: 'precheck' } as const;

/** How a client of Cloud Backup that cannot be used is brought about, by what it is now. */
const AGENT_REMEDIES: Readonly<Record<Exclude<AgentStatus, 'READY'>, string>> = {
  UNREGISTERED:
    "Install ACK's backup component migrate-controller (ACK console, Add-ons): it registers the " +
    'cluster with Cloud Backup and runs its client, hbr-client, on nodes with label ' +
    'csdr.alibabacloud.com/agent-enable',
  MISS:
    'See that a pod of the DaemonSet hbr-client runs: give a node the label ' +
    'csdr.alibabacloud.com/agent-enable, and the cluster a node that is not virtual',
  UNKNOWN:
    'See that the pods of the DaemonSet hbr-client run and can reach Cloud Backup, then ask again',
};

/** The rows, each asked on its own. */
export async function checkCloud(
  services: Pick<AppServices, 'disks' | 'cloudBackup' | 'clock'>,
  { id, region }: Cluster,
): Promise<readonly PrecheckItem[]> {
  const { disks, cloudBackup, clock } = services;
  return await Promise.all([
    askRow(clock, {
      check: 'ecs_snapshot_access',
      needed: `the right to snapshot disks in ${region} and to make disks of snapshots`,
      ask: async () => {
        await Promise.all([disks.findDisks(region, NO_RUN), disks.findSnapshots(region, NO_RUN)]);
        // ECS has no harmless question about rights to change: they show at the first backup.
        return { found: `disks and snapshots of ${region} can be read; nothing was changed` };
      },
      remedyOf: (refusal) => cloudRemedy(refusal, ECS_ACTIONS),
    }),
    askRow(clock, {
      check: 'hbr_activated',
      needed: `Cloud Backup in ${region}, for volumes that are not backed up by ECS snapshots`,
      ask: async () => {
        const vault = await cloudBackup.findVault(region, HBR_VAULT_NAME);
        return { found: vaultFound(vault) };
      },
      remedyOf: (refusal) =>
        refusal.code === 'cloud_backup_unavailable'
          ? `Open Cloud Backup for the account in ${region} and settle what is overdue; disks that ` +
            'are backed up by ECS snapshots do without'
          : cloudRemedy(refusal, HBR_ACTIONS),
    }),
    askRow(clock, {
      check: 'hbr_client',
      needed:
        'a client of Cloud Backup in the cluster that is READY, for volumes that are backed up ' +
        'neither by ECS snapshots nor, as NAS, by plan',
      ask: async () => agentAnswer(await cloudBackup.agentStatus(region, id)),
      remedyOf: (refusal) =>
        refusal.code === 'cloud_backup_unavailable'
          ? (remedyOf(refusal.code) ?? '')
          : cloudRemedy(refusal, HBR_ACTIONS),
    }),
  ]);
}

function vaultFound(vault: { readonly id: string; readonly ready: boolean } | undefined): string {
  if (vault === undefined) return `it answers; vault ${HBR_VAULT_NAME} is created at first use`;
  const state = vault.ready ? 'ready' : 'not ready yet';
  return `it answers; vault ${HBR_VAULT_NAME} (${vault.id}) is ${state}`;
}

function agentAnswer(status: AgentStatus): Answer {
  if (status === 'READY') return { found: 'READY' };
  const found =
    status === 'UNREGISTERED'
      ? 'Cloud Backup does not know the cluster'
      : `its client is ${status}`;
  return { found, remedy: AGENT_REMEDIES[status] };
}

/** Rights where they lack, patience where the service is in trouble. */
function cloudRemedy({ code, retryable }: BackupCentreError, actions: string): string {
  if (code === 'cloud_access_denied') {
    return `Allow the centre's RAM role ${actions}`;
  }
  if (retryable) return 'Ask again in a minute: the service is busy or does not answer';
  return `See what the service says, and that the centre's RAM role may ${actions}`;
}
