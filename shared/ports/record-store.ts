/**
 * State rows with conditional writes. Values are JSON documents below 1 MiB; every row has a version
 * that grows by one with each write. There is no transaction over several rows.
 */
import type { BackupRecord } from '../domain/backup-record.ts';
import type { Cluster } from '../domain/cluster.ts';
import type { Plan } from '../domain/plan.ts';
import type { RestoreRecord } from '../domain/restore-record.ts';
import type { ClusterSlots, NameClaim, Run } from '../domain/run.ts';
import type { Vault, VaultBinding, VaultClaim } from '../domain/vault.ts';

/** A finished reply to a POST with an idempotency key, or the claim of a running one. */
export interface IdempotencyEntry {
  readonly requestHash: string;
  readonly claimedAtMs: number;
  readonly reply?: {
    readonly status: number;
    readonly headers: Record<string, string>;
    readonly body: string;
  };
}

/** Values of each table. */
export interface TableValues {
  /** Key: account, name, identity. A deleted vault stays as its tombstone. */
  vaults: Vault;
  /** Key: account, `name/<name>` or `location/<location>`. Held by one living vault at a time. */
  vault_claims: VaultClaim;
  /** Key: cluster, vault name, identity. */
  vault_bindings: VaultBinding;
  /** Key: account, cluster id. */
  clusters: Cluster;
  /** Key: location (`<bucket>/<subdirectory>/`, or `restores:<cluster>`), name. */
  names: NameClaim;
  /** Key: shard (of the cluster: `planShard`), cluster, plan id. Ids sort newest first. */
  plans: Plan;
  /**
   * Key: vault identity, plan id. Says before a plan is there that it will refer to the vault, so that
   * one of the two, who makes the plan and who deletes the vault, sees the other.
   */
  vault_plans: { readonly cluster: string; readonly sinceMs: number };
  /** Key: cluster, id. Ids sort newest first. */
  backups: BackupRecord;
  /** Key: cluster (target), id. Ids sort newest first. */
  restores: RestoreRecord;
  /** Key: run id. */
  runs: Run;
  /** Key: shard (`00` to `07`), wake time (13 digits, ms), run id. */
  waiting: { readonly runId: string };
  /** Key: cluster. */
  slots: ClusterSlots;
  /** Key: shard (of the backup: `expiryShard`), time (13 digits, ms), cluster, backup id. */
  expiries: { readonly runId: string };
  /** Key: backup id, restore id. A restore that is using the backup. */
  backup_uses: { readonly restoreId: string; readonly since: number };
  /** Key: principal and path, idempotency key. */
  idempotency: IdempotencyEntry;
}

/** Name of a table. */
export type TableName = keyof TableValues;

/** Key columns by table, all strings; the first spreads load. */
export const TABLE_KEYS: Readonly<Record<TableName, readonly string[]>> = {
  vaults: ['account', 'name', 'identity'],
  vault_claims: ['account', 'claim'],
  vault_bindings: ['cluster', 'vault', 'identity'],
  clusters: ['account', 'cluster'],
  names: ['location', 'name'],
  plans: ['shard', 'cluster', 'id'],
  vault_plans: ['vault', 'plan'],
  backups: ['cluster', 'id'],
  restores: ['cluster', 'id'],
  runs: ['run'],
  waiting: ['shard', 'wake_at', 'run'],
  slots: ['cluster'],
  expiries: ['shard', 'at', 'cluster', 'backup'],
  backup_uses: ['backup', 'restore'],
  idempotency: ['principal', 'key'],
};

/**
 * Secondary indexes: name -> table and the values it is keyed by, before the table's own key. A global
 * one lags behind the table by seconds; only filtered lists use them. A local one begins with the
 * table's first key column, changes with the row in one write and carries the document: reading it
 * costs one row per row and is as fresh as `list`.
 */
export const TABLE_INDEXES = {
  backups_by_phase: { table: 'backups', columns: ['cluster', 'phase'], kind: 'global' },
  backups_by_plan: { table: 'backups', columns: ['cluster', 'plan'], kind: 'global' },
  backups_by_vault: { table: 'backups', columns: ['vault'], kind: 'global' },
  plans_due: { table: 'plans', columns: ['shard', 'due_at'], kind: 'local' },
  restores_by_phase: { table: 'restores', columns: ['cluster', 'phase'], kind: 'global' },
  restores_by_vault: { table: 'restores', columns: ['vault'], kind: 'global' },
} as const;

/** Name of an index. */
export type IndexName = keyof typeof TABLE_INDEXES;

/** A row as read. */
export interface StoredRow<V> {
  readonly key: readonly string[];
  readonly version: number;
  readonly value: V;
}

/** State the row must be in for a write to happen. */
export type WriteCondition = 'absent' | 'any' | { readonly version: number };

/** A page of rows; `next` continues after its last row, absent at the end. */
export interface RowPage<V> {
  readonly rows: readonly StoredRow<V>[];
  readonly next?: string;
}

/** Which rows a list reads, in key order. */
export interface ListOptions {
  /** Leading key parts that must be equal. */
  readonly prefix: readonly string[];
  /** `next` of the page before. */
  readonly after?: string;
  /** Rows whose key part after the prefix is below this text. */
  readonly before?: string;
  /** 1 to 1000. */
  readonly limit: number;
}

/**
 * Contract: a write that reports success is seen by every later `get` and `list` of the table. All
 * methods throw ThrottledError or UnavailableError (retryable) when the store does not answer after
 * the adapter's own bounded retries. A write whose reply was lost is looked up before it is repeated:
 * it happens at most once, and its outcome is reported truly.
 */
export interface RecordStore {
  get<T extends TableName>(
    table: T,
    key: readonly string[],
  ): Promise<StoredRow<TableValues[T]> | undefined>;
  /**
   * Writes the row when `condition` holds and returns its new version (1 for the first).
   * @throws ConditionFailedError with the row found, when it does not hold
   */
  put<T extends TableName>(
    table: T,
    key: readonly string[],
    value: TableValues[T],
    condition: WriteCondition,
  ): Promise<number>;
  /**
   * Removes the row; an absent row is fine unless a version is asked for.
   * @throws ConditionFailedError when another version is found
   */
  remove(table: TableName, key: readonly string[], condition: WriteCondition): Promise<void>;
  list<T extends TableName>(table: T, options: ListOptions): Promise<RowPage<TableValues[T]>>;
  /**
   * Reads through an index. Rows of a global one may lag behind the table and must be re-read before a
   * decision; those of a local one are the table's.
   */
  listIndex<I extends IndexName>(
    index: I,
    options: ListOptions,
  ): Promise<RowPage<TableValues[(typeof TABLE_INDEXES)[I]['table']]>>;
}
