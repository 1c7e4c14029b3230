/**
 * `metadata/plans/<plan>-<n>.json`: a plan as its n-th edit left it, so that plans can be rebuilt from OSS
 * alone: of each plan the document with the highest n counts. Written once, before the edit takes effect,
 * so the last one may be of an edit that nobody was told of. FORMAT.md section 9.
 */
import { BackupCentreError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import type { Plan, PlanSpec } from '../domain/plan.ts';

/** What a document says. */
export interface KeptPlan {
  readonly plan: Pick<
    Plan,
    'id' | 'cluster' | 'vaultIdentity' | 'spec' | 'creator' | 'createdAtMs' | 'revision' | 'paused'
  >;
  /** The edit was the deletion of the plan. */
  readonly deleted: boolean;
}

/** The document's text. The same edit gives the same text, whenever it is written. */
export function formatPlan({ plan, deleted }: KeptPlan): string {
  const { id, cluster, vaultIdentity, spec, creator, createdAtMs, revision, paused } = plan;
  const document = {
    format: 1,
    id,
    cluster,
    vaultIdentity,
    revision,
    deleted,
    paused,
    createdAt: new Date(createdAtMs).toISOString(),
    creator,
    spec,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/**
 * Reads a document.
 * @throws BackupCentreError `bundle_invalid`, naming the key and the first field that is not as it must be
 */
export function parsePlan(bytes: Uint8Array, key: string): KeptPlan {
  const document = jsonOf(bytes, key);
  const read = <T>(field: string, is: (value: unknown) => value is T, of = document): T => {
    const value: unknown = of[field];
    if (is(value)) return value;
    throw invalid(key, `${field} is ${value === undefined ? 'missing' : 'not as it must be'}`);
  };
  if (document.format !== 1) throw invalid(key, 'its format is not 1');
  const spec = read('spec', isJsonObject);
  const creator = read('creator', isJsonObject);
  for (const field of ['name', 'vault', 'clusterScope']) read(field, isText, spec);
  for (const field of ['namespaces', 'schedule']) read(field, isObject, spec);
  read('retentionDays', isCount, spec);
  read('volumeBackup', isFlag, spec);
  const createdAtMs = Date.parse(read('createdAt', isText));
  if (Number.isNaN(createdAtMs)) throw invalid(key, 'createdAt is no time');
  return {
    plan: {
      id: read('id', isText),
      cluster: read('cluster', isText),
      vaultIdentity: read('vaultIdentity', isText),
      spec: specOf(spec),
      creator: {
        accountId: read('accountId', isText, creator),
        arn: read('arn', isText, creator),
        isAccountOwner: read('isAccountOwner', isFlag, creator),
      },
      createdAtMs,
      revision: read('revision', isCount),
      paused: read('paused', isFlag),
    },
    deleted: read('deleted', isFlag),
  };
}

/** Written by us from a checked spec; what a reader cannot do without was looked at. */
function specOf(spec: JsonObject): PlanSpec {
  return JSON.parse(JSON.stringify(spec)) as PlanSpec;
}

function jsonOf(bytes: Uint8Array, key: string): JsonObject {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (isJsonObject(value)) return value;
  } catch {
    // Said below, with the key.
  }
  throw invalid(key, 'it is no JSON object');
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isFlag(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function invalid(key: string, found: string): BackupCentreError {
  return new BackupCentreError('bundle_invalid', `Cannot read plan ${key}: ${found}`);
}
