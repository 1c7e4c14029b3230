import { type DiskStatus, diskStatus } from './disk-state.ts';
import type { Dispatcher } from './dispatch.ts';
import type { EcsStore } from './ecs-store.ts';
import type { DiskRecord, EcsInstance, SnapshotRecord } from './records.ts';
import { isExpired, type SnapshotStatus, snapshotStatus } from './snapshot-state.ts';

/** What the host of the emulator can see and do beside the API. */
export interface EcsControl {
  /** The directory that holds a disk's bytes; the same for as long as the disk lives. */
  diskDirectory(diskId: string): string;
  /** The directory that holds a snapshot's bytes; nobody may write there. */
  snapshotDirectory(snapshotId: string): string;
  /** Adds an instance or replaces the one of that id. */
  putInstance(instance: EcsInstance): Promise<void>;
  /** Releases an instance: its disks are detached, or released where they go with it. */
  removeInstance(instanceId: string): Promise<void>;
  /** Every disk, newest first, with its state of this moment. */
  disks(): (DiskRecord & { readonly status: DiskStatus })[];
  /** Every living snapshot, newest first, with its state of this moment. */
  snapshots(): (SnapshotRecord & { readonly status: SnapshotStatus })[];
  /** Makes a snapshot in creation fail now. */
  failSnapshot(snapshotId: string): Promise<void>;
  /** Makes the next `times` snapshots and copies fail when their creation would end. */
  failNextSnapshots(times: number): void;
  /**
   * Releases a disk as ECS does when it expires or goes with its instance: whatever its state, and
   * its snapshots in creation go too.
   */
  releaseDisk(diskId: string): Promise<void>;
}

/** Makes the control of an emulator, and the switch that planned failures work by. */
export function makeControl({
  store,
  dispatcher,
  options,
}: {
  readonly store: EcsStore;
  readonly dispatcher: Dispatcher;
  readonly options: { readonly now: () => number };
}): { readonly handle: EcsControl; readonly takePlannedFailure: () => boolean } {
  let failuresPlanned = 0;
  const newestFirst = (a: { seq: number }, b: { seq: number }) => b.seq - a.seq;
  const handle: EcsControl = {
    diskDirectory: (diskId) => store.diskBytes.path(diskId),
    snapshotDirectory: (snapshotId) => store.snapshotBytes.path(snapshotId),
    putInstance: (instance) =>
      store.commit(() => store.instances.putSync(instance.instanceId, instance)),
    removeInstance: (instanceId) =>
      dispatcher.serialise(() => removeInstance(store, instanceId, options.now())),
    disks: () =>
      store
        .allDisks()
        .map((disk) => ({ ...disk, status: diskStatus(disk, options.now()) }))
        .sort(newestFirst),
    snapshots: () =>
      store
        .allSnapshots()
        .filter((s) => !isExpired(s, options.now()))
        .map((s) => ({ ...s, status: snapshotStatus(s, options.now()) }))
        .sort(newestFirst),
    failSnapshot: (snapshotId) =>
      dispatcher.serialise(() => failSnapshot(store, snapshotId, options.now())),
    failNextSnapshots: (times) => {
      failuresPlanned += times;
    },
    releaseDisk: (diskId) => dispatcher.serialise(() => releaseDisk(store, diskId, options.now())),
  };
  return {
    handle,
    takePlannedFailure: () => {
      if (failuresPlanned === 0) return false;
      failuresPlanned -= 1;
      return true;
    },
  };
}

async function failSnapshot(store: EcsStore, snapshotId: string, nowMs: number): Promise<void> {
  const snapshot = store.snapshots.get(snapshotId);
  const status = snapshot === undefined ? 'unknown' : snapshotStatus(snapshot, nowMs);
  if (snapshot === undefined || status !== 'progressing') {
    throw new Error(`Cannot fail snapshot ${snapshotId}: it is ${status}, not progressing`);
  }
  const failed = { ...snapshot, failsAtMs: nowMs, modifiedAtMs: nowMs };
  await store.commit(() => store.snapshots.putSync(snapshotId, failed));
}

async function removeInstance(store: EcsStore, instanceId: string, nowMs: number): Promise<void> {
  for (const disk of store.allDisks()) {
    const here = disk.attachments.find((a) => a.instanceId === instanceId);
    if (here === undefined) continue;
    if (here.deleteWithInstance) {
      await releaseDisk(store, disk.diskId, nowMs);
      continue;
    }
    const attachments = disk.attachments.filter((a) => a !== here);
    const detached = { ...disk, attachments, detachedAtMs: nowMs };
    await store.commit(() => store.disks.putSync(disk.diskId, detached));
  }
  await store.commit(() => store.instances.removeSync(instanceId));
}

/** Removes a disk and its snapshots in creation. */
async function releaseDisk(store: EcsStore, diskId: string, nowMs: number): Promise<void> {
  const inWork = store.snapshotsInCreation(diskId, nowMs);
  await store.removeDisk(
    diskId,
    inWork.map((s) => s.snapshotId),
  );
}
