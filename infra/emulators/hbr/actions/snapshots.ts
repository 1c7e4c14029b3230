import { badRequest, resourceNotFound } from '../errors.ts';
import { RecordFilter } from '../filters.ts';
import { type Filter, textField } from '../parameters.ts';
import type { SnapshotRecord } from '../records.ts';
import { seconds, snapshotFields } from '../wire.ts';
import { type HbrAction, type HbrCall, vaultOf } from './action.ts';

const QUERY_OPERATIONS = [
  'MATCH_TERM',
  'GREATER_THAN',
  'GREATER_THAN_OR_EQUAL',
  'LESS_THAN',
  'LESS_THAN_OR_EQUAL',
  'BETWEEN',
  'IN',
  'NOT_IN',
];

/** Snapshots of a page, where the caller names no limit, and at most. */
const LIMIT_DEFAULT = 10;
const LIMIT_MAX = 100;

/** The fields that a query may name; a job's id is none of them. */
const snapshotFilter = new RecordFilter<SnapshotRecord>(
  {
    VaultId: (snapshot) => snapshot.vaultId,
    InstanceId: () => '',
    Bucket: ({ source }) => (source.type === 'OSS' ? source.bucket : ''),
    FileSystemId: ({ source }) => (source.type === 'NAS' ? source.fileSystemId : ''),
    CreateTime: ({ source }) => (source.type === 'NAS' ? source.createTime : undefined),
    CompleteTime: (snapshot) => seconds(snapshot.completedAtMs),
    PlanId: (snapshot) => snapshot.planId ?? '',
  },
  QUERY_OPERATIONS,
);

const SORT_FIELDS = ['CreatedTime', 'CompleteTime', 'StartTime', 'ExpireTime', 'BytesTotal'];

export const searchHistoricalSnapshots: HbrAction = (core, call) => {
  const { parameters, accountId } = call;
  const sourceType = parameters.text('SourceType');
  const conditions = queryOf(call, sourceType);
  const limit = parameters.integer('Limit', 0, LIMIT_MAX) ?? LIMIT_DEFAULT;
  const sortBy = parameters.oneOf('SortBy', SORT_FIELDS, 'CreatedTime');
  const order = parameters.oneOf('Order', ['ASC', 'DESC'], 'ASC');
  const own = core.state.snapshots
    .all()
    .filter((snapshot) => snapshot.accountId === accountId)
    .filter((snapshot) => sourceType === undefined || snapshot.source.type === sourceType);
  const rows = snapshotFilter.matching(own, conditions).map(snapshotFields);
  rows.sort((a, b) => Number(a[sortBy] ?? 0) - Number(b[sortBy] ?? 0));
  if (order === 'DESC') rows.reverse();
  const from = offsetOf(parameters.text('NextToken'));
  const next = from + limit;
  const isMore = limit > 0 && next < rows.length;
  return {
    TotalCount: rows.length,
    Limit: limit,
    NextToken: isMore ? Buffer.from(`${next}`).toString('base64url') : '',
    Snapshots: { Snapshot: rows.slice(from, next) },
  };
};

/** The newest snapshot of a source goes like any other. */
export const deleteSnapshot: HbrAction = (core, call) => {
  const { parameters, accountId } = call;
  const snapshotId = parameters.required('SnapshotId');
  const vaultId = parameters.text('VaultId');
  if (vaultId !== undefined) vaultOf(core, call, vaultId);
  const snapshot = core.state.snapshots.get(snapshotId);
  const isMeant =
    snapshot?.accountId === accountId && [undefined, snapshot.vaultId].includes(vaultId);
  if (snapshot === undefined || !isMeant) throw resourceNotFound(`Snapshot ${snapshotId}`);
  if (core.state.vaults.get(snapshot.vaultId)?.wormEnabled === true) {
    throw badRequest(`Snapshot ${snapshotId} is immutable until its retention ends.`);
  }
  core.state.snapshots.remove(snapshotId);
  return {};
};

/** `Query`: a JSON array of `{field, value, operation}`; the vault is always named. */
function queryOf({ parameters }: HbrCall, sourceType: string | undefined): Filter[] {
  parameters.required('Query');
  const query = parameters.json('Query');
  if (!Array.isArray(query)) throw badRequest('Query is no JSON array.');
  const conditions = (query as unknown[]).map((item): Filter => {
    const value: unknown =
      typeof item === 'object' && item !== null && 'value' in item ? item.value : undefined;
    const key = textField(item, 'field');
    if (value === undefined || key === '') throw badRequest('Query has no field or value.');
    const values = Array.isArray(value) ? value.map(String) : [String(value)];
    return { key, operator: textField(item, 'operation') || 'MATCH_TERM', values };
  });
  const needed = ['VaultId'];
  if (sourceType === 'NAS') needed.push('FileSystemId');
  if (sourceType === 'OSS') needed.push('Bucket');
  for (const key of needed) {
    if (conditions.some((condition) => condition.key === key)) continue;
    throw badRequest(`Query names no ${key}.`);
  }
  return conditions;
}

function offsetOf(token: string | undefined): number {
  if (token === undefined) return 0;
  const offset = Number(Buffer.from(token, 'base64url').toString('utf8'));
  if (Number.isInteger(offset) && offset > 0) return offset;
  throw badRequest('NextToken is none of this operation.');
}
