import { describe, expect, it } from 'vitest';
import { seedDiskClaim } from '../../test/support/disk-samples.ts';
import { InMemoryRecordStore } from '../../test/support/in-memory-record-store.ts';
import type { Intercept } from '../../test/support/interception.ts';
import {
  landingWorld,
  newNasPlace,
  playCluster,
  seedNasClaim,
} from '../../test/support/landing-samples.ts';
import {
  fillVault,
  OWNER,
  PLACE,
  PLAN,
  rebuildAll,
  recordOf,
  services,
  told,
} from '../../test/support/rebuild-samples.ts';
import { sampleObject } from '../../test/support/restore-samples.ts';
import { RestoreWorld } from '../../test/support/restore-world.ts';
import { expiryShard, planShard } from '../domain/ids.ts';
import type { TableName } from '../ports/record-store.ts';
import { rebuild } from './rebuild.ts';
import { registerCluster } from './register-cluster.ts';

/** Everything that a rebuild restores, times of doing it aside. */
async function catalogue(records: InMemoryRecordStore): Promise<string> {
  const prefixes = { '1000': ['vaults', 'vault_claims'], c1: ['backups', 'vault_bindings'] };
  const found: unknown[] = [];
  for (const [prefix, tables] of Object.entries(prefixes)) {
    for (const table of tables as TableName[]) {
      found.push(await records.list(table, { prefix: [prefix], limit: 1000 }));
    }
  }
  found.push(await records.list('names', { prefix: ['cnfs-oss-vault/team/'], limit: 1000 }));
  found.push(await records.list('plans', { prefix: [planShard('c1')], limit: 1000 }));
  found.push(await records.list('backups', { prefix: ['unknown'], limit: 1000 }));
  found.push((await records.get('clusters', ['1000', 'c1']))?.value.resources);
  return JSON.stringify(found, (key, value: unknown) =>
    ['claimedAtMs', 'boundAtMs', 'checkedAtMs', 'version'].includes(key) ? undefined : value,
  );
}

describe('a rebuild', () => {
  it('brings vault, plan, names and backups back as they were, the plan paused', async () => {
    const world = await RestoreWorld.create();
    await fillVault(world);
    world.seed(sampleObject('ConfigMap', 'shop/web', { data: { a: '1' } }));
    const first = await world.backups.backUp({ namespaces: ['shop', 'missing'] });
    const second = await world.backups.backUp();
    const records = new InMemoryRecordStore();
    const reports = await rebuildAll(services(world, records));
    expect(reports.map(({ plans }) => plans.restored)).toEqual([['nightly'], []]);
    expect(reports.at(-1)?.backups).toEqual({
      ...{ restored: 2, failed: [], present: 0, active: [], abortedUploads: 0 },
    });
    expect(reports.flatMap(({ clusterTroubles }) => clusterTroubles)).toEqual([]);
    expect(await recordOf(records, first)).toEqual(told(first));
    expect(await recordOf(records, second)).toEqual(told(second));
    const expiries = await records.list('expiries', { prefix: [expiryShard(first.id)], limit: 10 });
    expect(expiries.rows.map(({ key }) => key.at(-1))).toContain(first.id);
    const vault = (await records.get('vaults', ['1000', 'main', 'vault-1']))?.value;
    expect(vault).toMatchObject({ phase: 'Available', creator: 'acs:ram::1000:root' });
    expect(vault?.deletedAtMs).toBeUndefined();
    for (const claim of ['name/main', 'location/cnfs-oss-vault/team/']) {
      expect((await records.get('vault_claims', ['1000', claim]))?.value.identity).toBe('vault-1');
    }
    const plan = (await records.get('plans', [planShard('c1'), 'c1', PLAN.id]))?.value;
    expect(plan).toEqual({ ...PLAN, paused: true });
    expect(await records.get('vault_plans', ['vault-1', PLAN.id])).toBeDefined();
    const names = await records.list('names', { prefix: ['cnfs-oss-vault/team/'], limit: 10 });
    expect(names.rows.map(({ value }) => `${value.kind} ${value.name} ${value.recordId}`)).toEqual([
      'plan gone pl-gone',
      `plan nightly ${PLAN.id}`,
      `backup nightly-1 ${first.id}`,
      `backup nightly-2 ${second.id}`,
    ]);
    expect(await records.get('vault_bindings', ['c1', 'main', 'vault-1'])).toBeDefined();
    expect((await records.get('clusters', ['1000', 'c1']))?.value.region).toBe('cn-hangzhou');
  });

  it('leaves a catalogue that lives as it is', async () => {
    const world = await RestoreWorld.create();
    await fillVault(world);
    const record = await world.backups.backUp();
    const running = await world.backups.start();
    await world.backups.bucket.startUpload('team/backups/nightly-2/nightly-2.tar.gz');
    await rebuildAll(services(world));
    const before = await catalogue(world.backups.records);
    const reports = await rebuildAll(services(world));
    expect(reports.at(-1)?.backups).toMatchObject({ restored: 0, present: 2, abortedUploads: 0 });
    expect(await catalogue(world.backups.records)).toBe(before);
    expect(await recordOf(world.backups.records, record)).toEqual(record);
    expect((await world.backups.record(running)).phase).toBe('New');
    expect(await world.backups.bucket.listUploads('')).toHaveLength(1);
  });

  it('restores disks and files as before', async () => {
    const world = await landingWorld();
    playCluster(world.target);
    await fillVault(world);
    seedNasClaim(world, 'shop/pics', 'cats');
    const backup = await world.backups.backUp({ volumeBackup: true });
    expect(backup.volumes[0]).toMatchObject({ method: 'cloudBackup', phase: 'Completed' });
    const { records } = world.backups;
    records.lose();
    const given = services(world);
    await rebuildAll(given);
    const rebuilt = await recordOf(records, backup);
    expect(rebuilt).toEqual(told(backup));
    if (rebuilt === undefined) throw new Error('Not rebuilt');
    await registerCluster(given, OWNER, { id: 'c2' });
    const restored = await world.restore(rebuilt);
    expect(restored.errors).toEqual([]);
    expect(restored.volumes[0]).toMatchObject({ pvc: 'pics', phase: 'Completed', progress: 1 });
    expect(world.backups.cloudBackup.contentOf(newNasPlace('shop/pics'))).toBe('cats');
  });

  it('keeps all that is known of a snapshot', async () => {
    const world = await RestoreWorld.create();
    await fillVault(world);
    world.seed(
      sampleObject('Deployment', 'kube-system/csi-provisioner', {
        spec: {
          template: { spec: { containers: [{ name: 'p', image: 'csi-provisioner:v1.32.1' }] } },
        },
      }),
    );
    seedDiskClaim(world, 'shop/data');
    const backup = await world.backups.backUp({ volumeBackup: true });
    expect(backup.volumes).toHaveLength(1);
    const records = new InMemoryRecordStore();
    await rebuildAll(services(world, records));
    expect((await recordOf(records, backup))?.volumes).toEqual(backup.volumes);
  });

  it('lists what is no backup as Failed with its reason, and aborts its uploads', async () => {
    const world = await RestoreWorld.create();
    await fillVault(world);
    const { bucket } = world.backups;
    const damaged = await world.backups.backUp();
    const unmarked = await world.backups.backUp();
    await bucket.remove(['team/backups/nightly-2/velero-backup.json']);
    await bucket.put('team/backups/nightly-1/manifest.json', Buffer.from('{}'));
    await bucket.startUpload('team/backups/cut/cut.tar.gz');
    await bucket.startUpload('team/elsewhere/file');
    const records = new InMemoryRecordStore();
    const { failed, restored, abortedUploads } = (await rebuildAll(services(world, records))).at(-1)
      ?.backups ?? { failed: [], restored: -1, abortedUploads: -1 };
    expect({ restored, abortedUploads }).toEqual({ restored: 0, abortedUploads: 1 });
    expect(failed).toEqual([
      'cut: it was never finished: team/backups/cut/velero-backup.json is missing',
      expect.stringContaining('nightly-1: team/backups/nightly-1/manifest.json is not the one of'),
      'nightly-2: it was never finished: team/backups/nightly-2/velero-backup.json is missing',
    ]);
    const listed = await records.list('backups', { prefix: ['c1'], limit: 10 });
    expect(listed.rows.map(({ value }) => `${value.spec.name} ${value.phase}`).sort()).toEqual([
      `${damaged.spec.name} Failed`,
      `${unmarked.spec.name} Failed`,
    ]);
    const unknown = await records.list('backups', { prefix: ['unknown'], limit: 10 });
    expect(unknown.rows.map(({ value }) => value.message)).toEqual([
      'Cannot restore backup cut: it was never finished: team/backups/cut/velero-backup.json is missing',
    ]);
    const left = await bucket.listUploads('');
    expect(left.map(({ key }) => key)).toEqual(['team/elsewhere/file']);
  });

  it('tells which clusters it could not register, and restores the rest', async () => {
    const world = await RestoreWorld.create();
    await fillVault(world);
    const backup = await world.backups.backUp();
    world.backups.directory.remove('c1');
    const records = new InMemoryRecordStore();
    const reports = await rebuildAll(services(world, records));
    const troubles = reports.flatMap(({ clusterTroubles }) => clusterTroubles);
    expect([...new Set(troubles.map(({ cluster }) => cluster))]).toEqual(['c1']);
    expect(await recordOf(records, backup)).toEqual(told(backup));
  });

  it('refuses a place without a vault, and one of another account', async () => {
    const world = await RestoreWorld.create();
    const given = services(world, new InMemoryRecordStore());
    await expect(rebuild(given, OWNER, PLACE)).rejects.toMatchObject({ code: 'not_found' });
    await fillVault(world);
    const other = { ...given, accountId: '2000' };
    await expect(rebuild(other, OWNER, PLACE)).rejects.toMatchObject({
      code: 'account_not_allowed',
    });
    await expect(rebuild(given, OWNER, PLACE, 'nowhere')).rejects.toMatchObject({
      code: 'invalid',
    });
  });

  it.each([false, true])(
    'that dies at any call ends with the same when it is done again (after the call: %s)',
    async (after) => {
      const world = await RestoreWorld.create();
      await fillVault(world);
      await world.backups.backUp();
      await world.backups.backUp();
      await world.backups.bucket.remove(['team/backups/nightly-2/velero-backup.json']);
      const whole = new InMemoryRecordStore();
      await rebuildAll(services(world, whole));
      const expected = await catalogue(whole);
      expect(expected).toContain('nightly-1');
      let calls = 1;
      for (let wasHit = true; wasHit; calls += 1) {
        await world.backups.bucket.startUpload('team/backups/nightly-2/nightly-2.tar.gz');
        const records = new InMemoryRecordStore();
        let seen = 0;
        const intercept: Intercept = async (_call, proceed) => {
          seen += 1;
          if (seen === calls && after) await proceed();
          if (seen >= calls) throw new Error('Killed');
          return await proceed();
        };
        records.intercept = intercept;
        world.backups.bucket.intercept = intercept;
        await rebuildAll(services(world, records)).catch(() => undefined);
        wasHit = seen >= calls;
        const alive: Intercept = (_call, proceed) => proceed();
        records.intercept = alive;
        world.backups.bucket.intercept = alive;
        await rebuildAll(services(world, records));
        expect((await catalogue(records)) === expected, `call ${calls}`).toBe(true);
        expect(await world.backups.bucket.listUploads(''), `call ${calls}`).toEqual([]);
      }
      expect(calls).toBeGreaterThan(30);
    },
  );
});
