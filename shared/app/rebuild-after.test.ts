import { expect, it } from 'vitest';
import { workOnDeletion } from '../../test/support/deletion-samples.ts';
import {
  backUpDisks,
  bindClaim,
  diskClass,
  diskWorld,
  seedDiskClaim,
  snapshotObjects,
  snapshotsOf,
} from '../../test/support/disk-samples.ts';
import { InMemoryRecordStore } from '../../test/support/in-memory-record-store.ts';
import {
  fillVault,
  OWNER,
  PLACE,
  rebuildAll,
  recordOf,
  services,
  told,
} from '../../test/support/rebuild-samples.ts';
import { RestoreWorld } from '../../test/support/restore-world.ts';
import { samplePlan } from '../../test/support/sample-plan.ts';
import type { BackupRecord } from '../domain/backup-record.ts';
import { objectAt } from '../domain/json.ts';
import { vaultDocument } from '../format/vault-document.ts';
import { backupKeys, vaultIdentityKey } from '../format/vault-keys.ts';
import { expireDue } from './expire-backups.ts';
import { keepPlan } from './keep-plan.ts';
import { rebuild } from './rebuild.ts';
import { registerCluster } from './register-cluster.ts';

/** A backup of one disk whose catalogue was lost and rebuilt. */
async function rebuiltDisk(): Promise<{ world: RestoreWorld; backup: BackupRecord }> {
  const world = await diskWorld();
  await fillVault(world);
  seedDiskClaim(world, 'shop/data');
  const made = await backUpDisks(world);
  const { records } = world.backups;
  records.lose();
  await rebuildAll(services(world));
  const backup = await recordOf(records, made);
  if (backup === undefined) throw new Error('Not rebuilt');
  expect(backup).toEqual(told(made));
  expect(backup.volumes).toMatchObject([{ method: 'ecsSnapshot', phase: 'Completed' }]);
  return { world, backup };
}

it('a disk is restored from its snapshot after the store was lost', async () => {
  const { world, backup } = await rebuiltDisk();
  const [snapshot] = snapshotsOf(backup);
  expect(snapshot).toBeDefined();
  await registerCluster(services(world), OWNER, { id: 'c2' });
  world.target.seed(diskClass());
  const record = await world.restore(backup);
  expect(record.errors).toEqual([]);
  const handles = snapshotObjects(world).flatMap(
    (object) => objectAt(object, 'spec', 'source')?.snapshotHandle ?? [],
  );
  expect(handles).toEqual([snapshot]);
  await bindClaim(world.target, 'shop/data');
  expect(await world.workOnRelease(record.id)).toBe('ended');
  expect((await world.record(record.id)).volumes).toMatchObject([
    { pvc: 'data', method: 'ecsSnapshot', phase: 'Completed', resourceId: snapshot },
  ]);
});

it('the validity of a rebuilt backup ends, and its snapshot and files go', async () => {
  const { world, backup } = await rebuiltDisk();
  const { clock, disks, records, bucket } = world.backups;
  const { prefix } = backupKeys('team', backup.spec.name);
  const files = () => bucket.keys().filter((key) => key.startsWith(prefix));
  await clock.advance((backup.expiresAtMs ?? 0) - clock.now() - 1);
  expect(await expireDue(world.backups, clock.now() + 60_000)).toMatchObject({ expired: 0 });
  expect(files().length).toBeGreaterThan(0);
  await clock.advance(1);
  expect(await expireDue(world.backups, clock.now() + 60_000)).toMatchObject({ expired: 1 });
  expect(await workOnDeletion(world.backups, `delete-${backup.id}`)).toBe('ended');
  expect(disks.living().snapshots).toEqual([]);
  expect(disks.calls.deleteSnapshot).toBe(1);
  expect(files()).toEqual([]);
  expect((await recordOf(records, backup))?.expiry?.removedAtMs).toBe(clock.now());
});

it('a folder that a living run writes is told, and left alone', async () => {
  const world = await RestoreWorld.create();
  await fillVault(world);
  const id = await world.backups.start();
  const { records, bucket } = world.backups;
  // Between its name and its record: a start that is under way.
  await records.remove('backups', ['c1', id], 'any');
  await bucket.startUpload('team/backups/nightly-1/nightly-1.tar.gz');
  const [, report] = await rebuildAll(services(world));
  expect(report?.backups).toEqual({
    ...{ restored: 0, failed: [], present: 0, active: ['nightly-1'], abortedUploads: 0 },
  });
  expect(await bucket.listUploads('')).toHaveLength(1);
  expect(await records.get('backups', ['c1', id])).toBeUndefined();
});

it('goes through several pages of plans and of backups, each once', async () => {
  const world = await RestoreWorld.create();
  await fillVault(world);
  const given = services(world, new InMemoryRecordStore());
  const names = Array.from({ length: 205 }, (_, n) => `p${String(n).padStart(3, '0')}`);
  for (const name of names) {
    await keepPlan(services(world), samplePlan({ id: `pl-${name}`, spec: { name } }));
    await world.backups.bucket.put(`team/backups/${name}-b/rest`, Buffer.from('x'));
  }
  const reports = await rebuildAll(given);
  expect(reports.map(({ nextCursor }) => nextCursor?.split('/')[0])).toEqual([
    'plans',
    'plans',
    'backups',
    'backups',
    'backups',
    undefined,
  ]);
  expect(reports.flatMap(({ plans }) => plans.restored)).toEqual(['nightly', ...names]);
  expect(reports.flatMap(({ backups }) => backups.failed.map((f) => f.split(':')[0]))).toEqual(
    names.map((name) => `${name}-b`),
  );
});

it('earlier vaults of the place come back as tombstones, with their backups', async () => {
  const world = await RestoreWorld.create();
  await fillVault(world);
  const old = await world.backups.backUp();
  const { records, bucket } = world.backups;
  const row = await records.get('vaults', ['1000', 'main', 'vault-1']);
  if (row === undefined) throw new Error('No vault');
  const newer = { ...row.value, identity: 'vault-2', createdAtMs: row.value.createdAtMs + 5 };
  await bucket.put(vaultIdentityKey('team', 'vault-2'), Buffer.from(vaultDocument(newer)));
  const found = new InMemoryRecordStore();
  const reports = await rebuildAll(services(world, found));
  expect(reports.map(({ vault }) => vault.identity)).toEqual(['vault-2', 'vault-2']);
  const tombstone = (await found.get('vaults', ['1000', 'main', 'vault-1']))?.value;
  expect(tombstone?.deletedAtMs).toBe(newer.createdAtMs);
  expect((await recordOf(found, old))?.vaultIdentity).toBe('vault-1');
  expect((await found.get('vault_claims', ['1000', 'name/main']))?.value.identity).toBe('vault-2');
  // Plans of the earlier vault do not come back: what they were for is deleted.
  expect(reports.flatMap(({ plans }) => plans.restored)).toEqual([]);
  await expect(rebuild(services(world, found), OWNER, PLACE)).resolves.toMatchObject({
    vault: { identity: 'vault-2' },
  });
});
