import { checkRoleAgainst, describeRegions, openHbrService } from './account.ts';
import type { HbrAction } from './action.ts';
import { cancelBackupJob, createBackupJob, describeBackupJobs2 } from './backup-jobs.ts';
import {
  createBackupPlan,
  deleteBackupPlan,
  describeBackupPlans,
  disableBackupPlan,
  enableBackupPlan,
  executeBackupPlan,
  updateBackupPlan,
} from './backup-plans.ts';
import {
  addContainerCluster,
  deleteContainerCluster,
  describeContainerCluster,
  describeContainerResource,
  updateContainerCluster,
} from './clusters.ts';
import { cancelRestoreJob, createRestoreJob, describeRestoreJobs2 } from './restore-jobs.ts';
import { deleteSnapshot, searchHistoricalSnapshots } from './snapshots.ts';
import { createVault, deleteVault, describeTask, describeVaults, updateVault } from './vaults.ts';

/** What an account may call before it has opened the service. */
export const WITHOUT_ACTIVATION: ReadonlySet<string> = new Set([
  'OpenHbrService',
  'DescribeRegions',
]);

/** The operations of the emulator, by name. */
export function actionTable(
  grantedRoles: readonly string[] | undefined,
): ReadonlyMap<string, HbrAction> {
  return new Map<string, HbrAction>([
    ['CreateVault', createVault],
    ['DescribeVaults', describeVaults],
    ['UpdateVault', updateVault],
    ['DeleteVault', deleteVault],
    ['DescribeTask', describeTask],
    ['AddContainerCluster', addContainerCluster],
    ['DescribeContainerCluster', describeContainerCluster],
    ['UpdateContainerCluster', updateContainerCluster],
    ['DeleteContainerCluster', deleteContainerCluster],
    ['DescribeContainerResource', describeContainerResource],
    ['CreateBackupJob', createBackupJob],
    ['DescribeBackupJobs2', describeBackupJobs2],
    ['CancelBackupJob', cancelBackupJob],
    ['CreateBackupPlan', createBackupPlan],
    ['UpdateBackupPlan', updateBackupPlan],
    ['DescribeBackupPlans', describeBackupPlans],
    ['DeleteBackupPlan', deleteBackupPlan],
    ['EnableBackupPlan', enableBackupPlan],
    ['DisableBackupPlan', disableBackupPlan],
    ['ExecuteBackupPlan', executeBackupPlan],
    ['CreateRestoreJob', createRestoreJob],
    ['DescribeRestoreJobs2', describeRestoreJobs2],
    ['CancelRestoreJob', cancelRestoreJob],
    ['SearchHistoricalSnapshots', searchHistoricalSnapshots],
    ['DeleteSnapshot', deleteSnapshot],
    ['OpenHbrService', openHbrService],
    ['CheckRole', checkRoleAgainst(grantedRoles)],
    ['DescribeRegions', describeRegions],
  ]);
}
