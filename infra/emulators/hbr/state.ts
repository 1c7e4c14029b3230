/**
 * What the emulator knows, on disk. Records are few and small, so they also stand in memory: a
 * change is seen at once, and a reply waits until it is committed.
 */
import { mkdirSync } from 'node:fs';
import { type Database, open, type RootDatabase } from 'lmdb';
import { ManifestStore } from './data/manifest-store.ts';
import type {
  AgentRecord,
  BackupJobRecord,
  ClusterRecord,
  PlanRecord,
  RestoreJobRecord,
  SnapshotRecord,
  VaultRecord,
} from './records.ts';

/** The records of one kind, in the order in which they were first put. */
export class RecordTable<T extends { readonly id: string }> {
  private readonly stored: Database<{ readonly order: number; readonly record: T }, string>;
  private readonly records = new Map<string, T>();
  private readonly orders = new Map<string, number>();
  private nextOrder = 0;
  private readonly onWrite: (committed: Promise<boolean>) => void;

  constructor(root: RootDatabase, name: string, onWrite: (committed: Promise<boolean>) => void) {
    this.stored = root.openDB({ name });
    this.onWrite = onWrite;
    const found = [...this.stored.getRange()].map(({ value }) => value);
    for (const { order, record } of found.sort((a, b) => a.order - b.order)) {
      this.records.set(record.id, record);
      this.orders.set(record.id, order);
      this.nextOrder = order + 1;
    }
  }

  get(id: string): T | undefined {
    return this.records.get(id);
  }

  all(): T[] {
    return [...this.records.values()];
  }

  /** Adds a record or replaces the one of that id. */
  put(record: T): void {
    const order = this.orders.get(record.id) ?? this.nextOrder;
    this.nextOrder = Math.max(this.nextOrder, order + 1);
    this.orders.set(record.id, order);
    this.records.set(record.id, record);
    this.onWrite(this.stored.put(record.id, { order, record }));
  }

  remove(id: string): void {
    this.orders.delete(id);
    if (this.records.delete(id)) this.onWrite(this.stored.remove(id));
  }
}

/** The emulator's state; one at a time per folder. */
export class HbrState {
  readonly vaults: RecordTable<VaultRecord>;
  readonly clusters: RecordTable<ClusterRecord>;
  readonly agents: RecordTable<AgentRecord>;
  readonly plans: RecordTable<PlanRecord>;
  readonly jobs: RecordTable<BackupJobRecord>;
  readonly restores: RecordTable<RestoreJobRecord>;
  readonly snapshots: RecordTable<SnapshotRecord>;
  /** Accounts that opened the service. */
  readonly activated: RecordTable<{ readonly id: string }>;
  readonly manifests: ManifestStore;
  private readonly root: RootDatabase;
  private lastWrite: Promise<unknown> = Promise.resolve();

  constructor(dir: string) {
    mkdirSync(dir, { recursive: true });
    this.root = open({ path: dir, noSubdir: false, maxDbs: 16 });
    const onWrite = (committed: Promise<boolean>): void => {
      this.lastWrite = Promise.all([this.lastWrite, committed]);
    };
    this.vaults = new RecordTable(this.root, 'vaults', onWrite);
    this.clusters = new RecordTable(this.root, 'clusters', onWrite);
    this.agents = new RecordTable(this.root, 'agents', onWrite);
    this.plans = new RecordTable(this.root, 'plans', onWrite);
    this.jobs = new RecordTable(this.root, 'jobs', onWrite);
    this.restores = new RecordTable(this.root, 'restores', onWrite);
    this.snapshots = new RecordTable(this.root, 'snapshots', onWrite);
    this.activated = new RecordTable(this.root, 'activated', onWrite);
    this.manifests = new ManifestStore(this.root);
  }

  /** Resolves when every change made so far is committed. */
  async settled(): Promise<void> {
    await this.lastWrite;
  }

  async close(): Promise<void> {
    await this.settled();
    await this.root.close();
  }
}
