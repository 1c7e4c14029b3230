/**
 * What the emulator knows, on disk: records in lmdb, bytes in directories. A directory is whole
 * before its record is written and goes after its record went, so a record without bytes does not
 * happen; bytes without a record are swept at the next start.
 *
 * lmdb keeps what was written before a throw inside a transaction, so `write` must not throw.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { ByteDirectories } from './byte-directories.ts';
import type {
  DiskRecord,
  EcsInstance,
  SnapshotGroupRecord,
  SnapshotRecord,
  TokenRecord,
} from './records.ts';
import { isExpired, snapshotStatus } from './snapshot-state.ts';

/** Records and bytes of all regions and accounts. */
export class EcsStore {
  readonly disks: Database<DiskRecord, string>;
  readonly snapshots: Database<SnapshotRecord, string>;
  readonly groups: Database<SnapshotGroupRecord, string>;
  readonly instances: Database<EcsInstance, string>;
  readonly tokens: Database<TokenRecord, string[]>;
  readonly diskBytes: ByteDirectories;
  readonly snapshotBytes: ByteDirectories;
  private readonly root: RootDatabase<unknown, string>;
  private lastSeq = 0;

  private constructor(dir: string) {
    this.root = open<unknown, string>({ path: join(dir, 'state'), maxDbs: 8 });
    this.disks = this.root.openDB<DiskRecord, string>({ name: 'disks' });
    this.snapshots = this.root.openDB<SnapshotRecord, string>({ name: 'snapshots' });
    this.groups = this.root.openDB<SnapshotGroupRecord, string>({ name: 'groups' });
    this.instances = this.root.openDB<EcsInstance, string>({ name: 'instances' });
    this.tokens = this.root.openDB<TokenRecord, string[]>({ name: 'tokens' });
    this.diskBytes = new ByteDirectories(join(dir, 'disks'));
    this.snapshotBytes = new ByteDirectories(join(dir, 'snapshots'));
  }

  /** Opens the state, sweeps what a killed process left, and ends what it had begun. */
  static async open(dir: string): Promise<EcsStore> {
    const store = new EcsStore(dir);
    const all = [...store.allDisks(), ...store.allSnapshots(), ...values(store.groups)];
    store.lastSeq = all.reduce((last, { seq }) => Math.max(last, seq), 0);
    store.diskBytes.sweep((id) => store.disks.doesExist(id));
    store.snapshotBytes.sweep((id) => store.snapshots.doesExist(id));
    for (const disk of store.allDisks()) {
      if (disk.resetFrom !== undefined) await store.resetBytes(disk, disk.resetFrom);
    }
    return store;
  }

  /** A place behind everything made so far. */
  nextSeq(): number {
    this.lastSeq += 1;
    return this.lastSeq;
  }

  /** Every disk, in no order. */
  allDisks(): DiskRecord[] {
    return values(this.disks);
  }

  /** Every snapshot, expired ones too, in no order. */
  allSnapshots(): SnapshotRecord[] {
    return values(this.snapshots);
  }

  /** Every snapshot that was taken of a disk, without copies of them. */
  snapshotsTakenOf(diskId: string): SnapshotRecord[] {
    return this.allSnapshots().filter(
      (s) => s.sourceDiskId === diskId && s.sourceSnapshotId === '',
    );
  }

  /** Those of them that are in creation. */
  snapshotsInCreation(diskId: string, nowMs: number): SnapshotRecord[] {
    return this.snapshotsTakenOf(diskId).filter((s) => snapshotStatus(s, nowMs) === 'progressing');
  }

  /** Does all of `write` or nothing; on disk when it resolves. */
  async commit(write: () => void): Promise<void> {
    await this.root.transaction(write);
  }

  /** Puts a snapshot's bytes in the place of a disk's; a crash meanwhile is made good at start. */
  async resetBytes(disk: DiskRecord, snapshotId: string): Promise<void> {
    await this.commit(() => this.disks.putSync(disk.diskId, { ...disk, resetFrom: snapshotId }));
    await this.diskBytes.replace(disk.diskId, this.snapshotBytes.path(snapshotId));
    const { resetFrom: _, ...done } = disk;
    await this.commit(() => this.disks.putSync(disk.diskId, done));
  }

  /** Removes a disk with the snapshots given. */
  async removeDisk(diskId: string, snapshotIds: readonly string[]): Promise<void> {
    await this.commit(() => {
      this.disks.removeSync(diskId);
      for (const id of snapshotIds) this.snapshots.removeSync(id);
    });
    await this.diskBytes.remove(diskId);
    for (const id of snapshotIds) await this.snapshotBytes.remove(id);
  }

  /** Removes snapshots, and the group that they were, if given. */
  async removeSnapshots(snapshotIds: readonly string[], groupId?: string): Promise<void> {
    await this.commit(() => {
      for (const id of snapshotIds) this.snapshots.removeSync(id);
      if (groupId !== undefined) this.groups.removeSync(groupId);
    });
    for (const id of snapshotIds) await this.snapshotBytes.remove(id);
  }

  /** Removes the snapshots whose retention is over. */
  async removeExpired(nowMs: number): Promise<void> {
    const expired = this.allSnapshots().filter((s) => isExpired(s, nowMs));
    if (expired.length > 0) await this.removeSnapshots(expired.map((s) => s.snapshotId));
  }

  async close(): Promise<void> {
    await this.root.close();
  }
}

function values<V>(database: Database<V, string>): V[] {
  return [...database.getRange()].map(({ value }) => value);
}

/** A new id as ECS makes them: `d-bp1` and 17 letters and digits. */
export function newId(prefix: 'd' | 's' | 'ssg'): string {
  const letters = Array.from({ length: 17 }, () => randomInt(36).toString(36));
  return `${prefix}-bp1${letters.join('')}`;
}
