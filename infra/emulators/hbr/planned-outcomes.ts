import type { ForcedOutcome } from './records.ts';

/** An outcome that a test wants of the next jobs of a kind. */
export interface PlannedOutcome {
  readonly kind: 'backup' | 'restore';
  readonly status: ForcedOutcome['status'];
  /** ErrorMessage of the job; the status by default. */
  readonly message?: string;
  /**
   * With PARTIAL_COMPLETE: paths below the source (or target) that cannot be read (or written).
   * Without any, the job is partial though every file was taken.
   */
  readonly paths?: readonly string[];
  /** How many jobs; 1 by default. */
  readonly times?: number;
}

/** Outcomes still to come; each job takes the oldest one of its kind at its RUNNING moment. */
export class PlannedOutcomes {
  private readonly planned: { outcome: PlannedOutcome; left: number }[] = [];

  add(outcome: PlannedOutcome): void {
    this.planned.push({ outcome, left: outcome.times ?? 1 });
  }

  take(kind: PlannedOutcome['kind']): PlannedOutcome | undefined {
    const entry = this.planned.find((e) => e.left > 0 && e.outcome.kind === kind);
    if (entry === undefined) return undefined;
    entry.left -= 1;
    return entry.outcome;
  }

  /** Planned outcomes that no job has met yet. */
  unhit(): PlannedOutcome[] {
    return this.planned.filter((e) => e.left > 0).map((e) => ({ ...e.outcome, times: e.left }));
  }
}

/** What a job keeps of an outcome that it took. */
export function forcedBy(outcome: PlannedOutcome): ForcedOutcome {
  return { status: outcome.status, message: outcome.message ?? outcome.status };
}
