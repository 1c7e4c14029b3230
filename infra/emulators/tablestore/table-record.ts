import type { KeySchemaColumn } from './row-key.ts';
import type { ColumnValue } from './values.ts';

/** A column of a table's primary key. */
export interface TableKeyColumn extends KeySchemaColumn {
  readonly autoIncrement: boolean;
}

/** A column that indexes may use. */
export interface DefinedColumn {
  readonly name: string;
  readonly type: ColumnValue['type'];
}

/** A secondary index, with the table's missing key columns added to its key. */
export interface IndexRecord {
  readonly name: string;
  /** Where its rows are; never used again. */
  readonly space: number;
  readonly kind: 'global' | 'local';
  readonly key: readonly KeySchemaColumn[];
  readonly attributes: readonly string[];
  /** From then on it has taken in the rows that were there before it. */
  readonly completeAtMs: number;
}

/** A table and its settings. */
export interface TableRecord {
  readonly name: string;
  /** Where its rows are; never used again. */
  readonly space: number;
  readonly key: readonly TableKeyColumn[];
  readonly definedColumns: readonly DefinedColumn[];
  readonly indexes: readonly IndexRecord[];
  /** -1: for ever. */
  readonly ttlSeconds: number;
  readonly versionDeviationSeconds: number;
  readonly allowUpdate: boolean;
  readonly throughput: { readonly read: number; readonly write: number };
  readonly throughputIncreasedAtMs: number;
  readonly throughputDecreasedAtMs?: number;
  readonly createdAtMs: number;
}

/** What a name in a read stands for: a table or one of its indexes. */
export interface Readable {
  readonly table: TableRecord;
  readonly index?: IndexRecord;
  readonly space: number;
  readonly key: readonly KeySchemaColumn[];
}
