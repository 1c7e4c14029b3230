/** A backup plan: what to back up, when, and what its runs have come to. */
import type { BackupSpec } from './backup-record.ts';
import type { Phase } from './phase.ts';
import type { Principal } from './principal.ts';

/** When a plan runs: five crontab fields or a duration, each read in an IANA time zone. */
export type Schedule =
  | { readonly cron: string; readonly timeZone: string }
  | { readonly every: string; readonly timeZone: string };

/** What a plan's runs take, after validation; `name` is the plan's. */
export interface PlanSpec extends BackupSpec {
  readonly schedule: Schedule;
}

/** A plan as stored; times in milliseconds since the epoch. */
export interface Plan {
  readonly id: string;
  readonly cluster: string;
  /** The cluster's when the plan was made; neither it nor the vault goes while the plan is there. */
  readonly network: string;
  readonly vaultIdentity: string;
  /** Where names of its vault are claimed; with `network`, a run starts without reading either row. */
  readonly location: string;
  readonly spec: PlanSpec;
  /** Its runs act with the rights of whoever made it. */
  readonly creator: Principal;
  readonly createdAtMs: number;
  /** Counts the edits; each is kept as `metadata/plans/<plan>-<n>.json` in the vault. */
  readonly revision: number;
  readonly paused: boolean;
  readonly skipNextRun: boolean;
  /** When it runs next; absent while it is paused, which takes it out of the index of what is due. */
  readonly dueAtMs?: number;
  /** The newest run; its phase is that of the record as long as nobody has told the plan better. */
  readonly lastRun?: {
    readonly name: string;
    readonly runId: string;
    readonly recordId: string;
    readonly phase: Phase;
    readonly atMs: number;
  };
  /** The newest run that ended as Completed, by when it began. */
  readonly lastSuccess?: { readonly name: string; readonly atMs: number };
  readonly lastSkipped?: { readonly atMs: number; readonly reason: string };
}

/** Name of a plan's run by the time it came due, or by hand with `byHand`, four hex digits. */
export function planRunName(plan: string, atMs: number, byHand?: string): string {
  const digits = new Date(atMs).toISOString().replace(/\D/g, '').slice(0, 14);
  return `${plan}-${digits}${byHand === undefined ? '' : `-m${byHand}`}`;
}

/** What a run of a plan backs up, under the run's name. */
export function planRunSpec({ spec }: Pick<Plan, 'spec'>, name: string): BackupSpec {
  const { schedule: _when, ...backup } = spec;
  return { ...backup, name };
}
