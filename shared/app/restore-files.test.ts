import { beforeEach, describe, expect, it } from 'vitest';
import {
  landingWorld,
  NAS_CLASS,
  newNasPlace,
  playCluster,
  seedNasClaim,
} from '../../test/support/landing-samples.ts';
import { sampleObject } from '../../test/support/restore-samples.ts';
import type { RestoreWorld } from '../../test/support/restore-world.ts';
import type { BackupRecord } from '../domain/backup-record.ts';
import { textAt } from '../domain/json.ts';
import type { RestoreRecord } from '../domain/restore-record.ts';

let world: RestoreWorld;

beforeEach(async () => {
  world = await landingWorld();
  playCluster(world.target);
});

async function backUp(): Promise<BackupRecord> {
  const backup = await world.backups.backUp({ volumeBackup: true });
  expect(backup.volumes.map(({ phase }) => phase)).not.toContain('Failed');
  return backup;
}

/** `<claim> <phase> <reason>` of each row. */
function rows(record: RestoreRecord): readonly string[] {
  return record.volumes.map(({ pvc, phase, reason }) => `${pvc} ${phase} ${reason}`);
}

function uidOf(claim: string): string | undefined {
  return textAt(world.target.peek('persistentvolumeclaims', 'shop', claim), 'metadata', 'uid');
}

function pods(): readonly string[] {
  return Object.keys(world.target.dump()).filter((key) => key.startsWith('pods/'));
}

describe('files that Cloud Backup took from NAS', () => {
  it('land in a new volume before the workload is created, without a pod', async () => {
    seedNasClaim(world, 'shop/pics', 'cats');
    const backup = await backUp();
    const created: string[] = [];
    world.onCreate((_body, subject) => {
      const landed = world.backups.cloudBackup.contentOf(newNasPlace('shop/pics'));
      created.push(`${subject} ${landed ?? '-'}`);
    });
    const record = await world.restore(backup);
    expect(record.errors).toEqual([]);
    expect(record.phase).toBe('Completed');
    const point = backup.volumes[0]?.resourceId;
    expect(rows(record)).toEqual([
      `pics Completed files of Cloud Backup point ${point} are in a new volume`,
    ]);
    expect(record.volumes[0]).toMatchObject({ namespace: 'shop', resourceId: point, progress: 1 });
    expect(await world.outcome(record)).toEqual([
      'namespaces shop created',
      'persistentvolumeclaims shop/pics created',
      'persistentvolumes pv-pics omitted restored_from_cloud_backup',
      'pods shop/pod-pics created',
    ]);
    expect(created).toEqual([
      'namespaces shop -',
      'persistentvolumeclaims shop/pics -',
      'pods shop/pod-pics cats',
    ]);
    expect(world.target.peek('persistentvolumeclaims', 'shop', 'pics')?.spec).toEqual({
      accessModes: ['ReadWriteMany'],
      resources: { requests: { storage: '20Gi' } },
      storageClassName: NAS_CLASS,
      volumeName: 'new-shop-pics',
    });
    expect(pods()).toEqual(['pods/shop/pod-pics']);
    expect(world.backups.cloudBackup.started('restore')).toBe(1);
  });

  it('are not written to a claim that was there before', async () => {
    seedNasClaim(world, 'shop/pics', 'cats');
    const backup = await backUp();
    world.target.seed(sampleObject('Namespace', 'shop'));
    const spec = { storageClassName: NAS_CLASS };
    world.target.seed(sampleObject('PersistentVolumeClaim', 'shop/pics', { spec }));
    const before = uidOf('pics');
    const record = await world.restore(backup);
    expect(record.phase).toBe('Completed');
    expect(rows(record)).toEqual(['pics Skipped exists: the claim was left as it is']);
    expect(world.backups.cloudBackup.started('restore')).toBe(0);
    expect(uidOf('pics')).toBe(before);
  });
});
