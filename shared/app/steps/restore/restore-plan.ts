/**
 * The plan of a restore as the run keeps it: objects in the order of their creation, in chunks of the
 * run's scratch, so that a worker that goes on reads it without looking at the backup again.
 */
import type { Stage } from '../../../domain/apply-order.ts';
import { BackupCentreError } from '../../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../domain/json.ts';
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import type { CatalogLine } from '../../../format/catalog-line.ts';
import { packMember, unpackMember } from '../../../format/gzip-member.ts';
import type { RunScratch } from '../../run-scratch.ts';
import type { StepContext } from '../../step.ts';

/** Name of the step that makes the plan. */
export const PLAN_STEP = 'plan';

/** Entries in one chunk. */
const CHUNK_ENTRIES = 1_000;

/** An object to create. */
export interface PlanEntry {
  /** Its number, from 0 in the order of creation. */
  readonly n: number;
  readonly stage: Stage;
  readonly line: CatalogLine;
  /** Whether objects of the plan are owned by it: its new UID must be known. */
  readonly isOwner: boolean;
  /**
   * Owners by their UID in the backup: `planned` ones come earlier in this plan, others are in the target
   * under the UID given. Owners that are not listed are neither.
   */
  readonly owners: Readonly<Record<string, string>>;
}

/** Stands for the UID of an owner that this restore creates. */
export const PLANNED_OWNER = 'planned';

/** What the step hands on. */
export interface PlanResult {
  readonly entries: number;
  readonly chunks: number;
  /** Chunks of items written: what is omitted. */
  readonly itemChunks: number;
  readonly omitted: number;
  /** Namespaces (of the target) that are needed and not in the backup. */
  readonly bareNamespaces: readonly string[];
  /** `plural.group` of the kinds whose definitions the plan creates. */
  readonly definitions: readonly string[];
  /** Chunks of volumes whose data comes back. */
  readonly volumes: number;
  /** Chunks of claims whose files come from Cloud Backup. */
  readonly landings: number;
  /** Instances by the disk that is attached to them, of volumes on the storage they had. */
  readonly attached: Readonly<Record<string, string>>;
}

/** Writes the entries and returns the number of chunks. */
export async function writePlan(
  scratch: RunScratch,
  entries: readonly PlanEntry[],
): Promise<number> {
  let chunks = 0;
  for (let from = 0; from < entries.length; from += CHUNK_ENTRIES) {
    const lines = entries.slice(from, from + CHUNK_ENTRIES).map((e) => `${JSON.stringify(e)}\n`);
    await scratch.write('plan', chunks, await packMember(Buffer.from(lines.join(''))));
    chunks += 1;
  }
  return chunks;
}

/** The entries in order. @throws BackupCentreError `internal` the plan is gone */
export async function* readPlan(scratch: RunScratch, plan: PlanResult): AsyncGenerator<PlanEntry> {
  let entries = 0;
  for await (const packed of scratch.read('plan', plan.chunks)) {
    const text = (await unpackMember(packed, 'the plan of the restore')).toString('utf8');
    for (const line of text.split('\n')) {
      if (line === '') continue;
      // Written by `writePlan` of the same run.
      yield JSON.parse(line) as PlanEntry;
      entries += 1;
    }
  }
  if (entries === plan.entries) return;
  throw new BackupCentreError(
    'internal',
    `Cannot read the plan of the restore: found ${entries} entries, expected ${plan.entries}`,
  );
}

/** The result of the plan step. */
export function planOf(context: StepContext<RestoreRecord>): PlanResult {
  const result: Json | undefined = context.results[PLAN_STEP];
  if (!isJsonObject(result)) throw new BackupCentreError('internal', 'The restore has no plan');
  return {
    entries: Number(result.entries),
    chunks: Number(result.chunks),
    itemChunks: Number(result.itemChunks),
    omitted: Number(result.omitted),
    bareNamespaces: texts(result.bareNamespaces),
    definitions: texts(result.definitions),
    volumes: Number(result.volumes),
    landings: Number(result.landings),
    attached: isJsonObject(result.attached) ? textsOf(result.attached) : {},
  };
}

function textsOf(map: JsonObject): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, String(value)]));
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((v) => typeof v === 'string') : [];
}
