/** The one vault of Cloud Backup in a region, made at first use. */
import { ConditionFailedError } from '../../../domain/errors.ts';
import type { BackupServices } from '../../backup-services.ts';

/** The product's own name for it, shared by all clusters of the region (ACK §4.6). */
export const HBR_VAULT_NAME = 'ack-backup-data';

/** A claim this old whose vault is not there belonged to a worker that died, ms. */
const CLAIM_MS_MAX = 300_000;

/**
 * Id of the region's vault once jobs may use it; undefined while it is being made. Two runs never make
 * two: who makes it holds a claim. @throws BackupCentreError `cloud_backup_unavailable`,
 * `cloud_access_denied`
 */
export async function readyVault(
  services: BackupServices,
  region: string,
  runId: string,
): Promise<string | undefined> {
  const found = await services.cloudBackup.findVault(region, HBR_VAULT_NAME);
  if (found !== undefined) return found.ready ? found.id : undefined;
  if (!(await claim(services, region, runId))) return undefined;
  await services.cloudBackup.createVault(region, HBR_VAULT_NAME);
  return undefined;
}

async function claim(services: BackupServices, region: string, runId: string): Promise<boolean> {
  const key = [`cloud-backup:${region}`, HBR_VAULT_NAME];
  const row = await services.records.get('names', key);
  const now = services.clock.now();
  if (row !== undefined && now - row.value.claimedAtMs < CLAIM_MS_MAX) return false;
  const value = {
    location: `cloud-backup:${region}`,
    name: HBR_VAULT_NAME,
    kind: 'hbr-vault',
    cluster: '',
    runId,
    recordId: '',
    claimedAtMs: now,
  } as const;
  try {
    await services.records.put(
      'names',
      key,
      value,
      row === undefined ? 'absent' : { version: row.version },
    );
    return true;
  } catch (error) {
    if (error instanceof ConditionFailedError) return false;
    throw error;
  }
}
