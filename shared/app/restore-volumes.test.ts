import { beforeEach, describe, expect, it } from 'vitest';
import {
  bindClaim,
  DISK_CLASS,
  diskWorld,
  seedDiskClaim,
} from '../../test/support/disk-samples.ts';
import type { RestoreWorld } from '../../test/support/restore-world.ts';
import type { BackupRecord } from '../domain/backup-record.ts';
import { type JsonObject, objectAt } from '../domain/json.ts';
import type { RestoreRecord } from '../domain/restore-record.ts';

let world: RestoreWorld;

beforeEach(async () => {
  world = await diskWorld();
});

function backUp(): Promise<BackupRecord> {
  return world.backups.backUp({ volumeBackup: true });
}

/** `<claim> <phase> <reason>` of each row. */
function rows(record: RestoreRecord): readonly string[] {
  return record.volumes.map(({ pvc, phase, reason }) => `${pvc} ${phase} ${reason}`);
}

/** Objects of the snapshot API in the target. */
function snapshotObjects(): readonly JsonObject[] {
  return Object.entries(world.target.dump()).flatMap(([key, object]) =>
    key.startsWith('volumesnapshot') ? [object] : [],
  );
}

/** Ids of the backup's snapshots, which nothing may remove. */
function snapshotsOf(backup: BackupRecord): readonly string[] {
  return backup.volumes.flatMap(({ resourceId }) => resourceId ?? []);
}

describe('a claim on a snapshot', () => {
  it('is made by the driver of the target, and its snapshot objects go once it is bound', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUp();
    const [snapshot] = snapshotsOf(backup);
    const record = await world.restore(backup);
    expect(record.phase).toBe('Completed');
    expect(record.errors).toEqual([]);
    expect(rows(record)).toEqual(['data InProgress pendingConsumer']);
    expect(await world.outcome(record)).toEqual([
      'namespaces shop created',
      'persistentvolumeclaims shop/data created',
      'persistentvolumes pv-data omitted restored_from_snapshot',
      'pods shop/pod-data created',
    ]);
    const claim = world.target.peek('persistentvolumeclaims', 'shop', 'data');
    const name = String(objectAt(claim, 'spec', 'dataSource')?.name);
    expect(claim?.spec).toEqual({
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '20Gi' } },
      storageClassName: DISK_CLASS,
      dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name },
    });
    const made = snapshotObjects();
    expect(made.map((object) => objectAt(object, 'metadata')?.name)).toEqual([name, name]);
    expect(made.map((object) => object.spec)).toEqual([
      {
        deletionPolicy: 'Retain',
        driver: 'diskplugin.csi.alibabacloud.com',
        source: { snapshotHandle: snapshot },
        volumeSnapshotRef: {
          apiVersion: 'snapshot.storage.k8s.io/v1',
          kind: 'VolumeSnapshot',
          namespace: 'shop',
          name,
        },
        sourceVolumeMode: 'Filesystem',
      },
      { source: { volumeSnapshotContentName: name } },
    ]);

    expect(await world.workOnRelease(record.id)).toBe('waiting');
    expect(snapshotObjects()).toHaveLength(2);
    await bindClaim(world.target, 'shop/data');
    await world.backups.clock.advance(15_000);
    expect(await world.workOnRelease(record.id)).toBe('ended');
    expect(snapshotObjects()).toEqual([]);
    const after = await world.record(record.id);
    expect(after.phase).toBe('Completed');
    expect(after.volumes).toMatchObject([
      { pvc: 'data', phase: 'Completed', progress: 1, pv: 'pvc-shop-data', resourceId: snapshot },
    ]);
    expect(after.progress).toMatchObject({ volumesTotal: 1, volumesDone: 1 });
    expect(world.backups.disks.living().snapshots).toEqual([snapshot]);
  });
});
