/** A vault to rebuild from, and the catalogue that comes of it. */
import type { AppServices } from '../../shared/app/app-services.ts';
import { keepPlan } from '../../shared/app/keep-plan.ts';
import { probeVault } from '../../shared/app/probe-vault.ts';
import { type RebuildReport, rebuild } from '../../shared/app/rebuild.ts';
import type { BackupRecord } from '../../shared/domain/backup-record.ts';
import type { InMemoryRecordStore } from './in-memory-record-store.ts';
import type { RestoreWorld } from './restore-world.ts';
import { samplePlan } from './sample-plan.ts';

/** The account's owner. */
export const OWNER = { accountId: '1000', arn: 'acs:ram::1000:root', isAccountOwner: true };
/** Where the vault lies. */
export const PLACE = {
  bucketRegion: 'cn-hangzhou',
  bucketName: 'cnfs-oss-vault',
  bucketSubdirectory: 'team',
};
/** Its plan, after the last of its edits. */
export const PLAN = samplePlan({ revision: 12 });

/** The world's services over `records`. */
export function services({ backups }: RestoreWorld, records = backups.records): AppServices {
  const { control, stores, directory, disks, cloudBackup, clock, entropy, log } = backups;
  return {
    ...{ records, control, stores, directory, disks, cloudBackup, clock, entropy, log },
    accountId: '1000',
    region: 'cn-hangzhou',
    networks: [],
    managedBucketPattern: /^cnfs-oss/,
    landingImage: backups.landingImage,
  };
}

/** A vault that says what it is, with a plan of twelve edits. */
export async function fillVault(world: RestoreWorld): Promise<void> {
  const given = services(world);
  const row = await given.records.get('vaults', ['1000', 'main', 'vault-1']);
  if (row === undefined) throw new Error('No vault');
  await probeVault(given, row);
  for (const revision of [1, 2, 9, 10, 12]) {
    await keepPlan(given, { ...PLAN, revision, paused: revision < 12 });
  }
  await keepPlan(given, samplePlan({ id: 'pl-gone', spec: { name: 'gone' } }), true);
}

/** All invocations of a rebuild, each ended in its turn. */
export async function rebuildAll(given: AppServices): Promise<readonly RebuildReport[]> {
  const reports: RebuildReport[] = [];
  let cursor: string | undefined;
  do {
    const report = await rebuild(given, OWNER, PLACE, cursor);
    reports.push(report);
    cursor = report.nextCursor;
  } while (cursor !== undefined);
  return reports;
}

/** The record as the vault can tell it: its fence belongs to a run that is over. */
export function told(record: BackupRecord): BackupRecord {
  return { ...record, fence: 0 };
}

/** The record as a catalogue has it. */
export async function recordOf(records: InMemoryRecordStore, { id }: BackupRecord) {
  return (await records.get('backups', ['c1', id]))?.value;
}
