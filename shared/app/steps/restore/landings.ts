/**
 * Claims whose files are to land, as one invocation of the create step sees them. A claim that was
 * created is written down only once its files are in it: until then a worker that goes on finds it by
 * the field manager, like any object that was not written down.
 */
import { isJsonObject, type Json } from '../../../domain/json.ts';
import type { RestoreItemLine } from '../../../format/restore-items.ts';
import { claimKey, type LandingPlan } from './landing-plan.ts';

const CLAIMS = 'persistentvolumeclaims';

/** A claim that was created and waits for its files. */
export interface Landing {
  readonly plan: LandingPlan;
  /** Its line in the outcome list, held back. */
  readonly line: RestoreItemLine;
}

/** How far a landing is, as checkpoints keep it. */
export interface LandingProgress {
  /** Since when its volume is asked for, ms since the epoch. */
  readonly sinceMs: number;
  /** `node`: whose client works; '' where none does. */
  readonly job?: { readonly id: string; readonly sinceMs: number; readonly node: string };
  /** Volume that stays when the claim is removed. */
  readonly left?: string;
}

/** The landings of a restore. */
export class Landings {
  readonly plans: readonly LandingPlan[];
  private readonly bySource: ReadonlyMap<string, LandingPlan>;
  private readonly byTarget: ReadonlyMap<string, LandingPlan>;
  private readonly held = new Map<LandingPlan, RestoreItemLine>();
  private readonly settled = new Set<LandingPlan>();
  private readonly progress: Map<string, LandingProgress>;
  private begun: number | undefined;
  private over = false;

  constructor(plans: readonly LandingPlan[], saved: unknown) {
    this.plans = plans;
    this.bySource = new Map(plans.map((plan) => [claimKey(plan), plan]));
    this.byTarget = new Map(plans.map((plan) => [`${plan.place}/${plan.pvc}`, plan]));
    const found = readLandingState(saved);
    this.progress = new Map(found.progress);
    this.begun = found.begunMs;
  }

  /** How a claim of the backup gets its files; undefined for all other objects. */
  planOf(line: {
    readonly resource: string;
    readonly namespace?: string;
    readonly name: string;
  }): LandingPlan | undefined {
    if (line.resource !== CLAIMS) return undefined;
    return this.bySource.get(claimKey({ namespace: line.namespace ?? '', pvc: line.name }));
  }

  /** Whether the outcome must wait: the claim was created, its files are not there. */
  holds(line: RestoreItemLine): boolean {
    if (line.resource !== CLAIMS || line.action !== 'created') return false;
    const plan = this.byTarget.get(`${line.namespace}/${line.name}`);
    if (plan === undefined || this.settled.has(plan)) return false;
    this.held.set(plan, line);
    return true;
  }

  /** Claims that wait for their files, in the plan's order. */
  open(): readonly Landing[] {
    return this.plans.flatMap((plan) => {
      const line = this.held.get(plan);
      return line === undefined ? [] : [{ plan, line }];
    });
  }

  /** The claim waits no longer: its next outcome is the last. */
  release({ plan }: Landing): void {
    this.held.delete(plan);
    this.settled.add(plan);
  }

  /** When landing began; undefined before. */
  get begunMs(): number | undefined {
    return this.begun;
  }

  begin(nowMs: number): void {
    this.begun ??= nowMs;
  }

  /** Whether this invocation has seen that nothing is left to land. */
  get isOver(): boolean {
    return this.over;
  }

  end(): void {
    this.over = true;
  }

  progressOf(plan: LandingPlan): LandingProgress | undefined {
    return this.progress.get(claimKey(plan));
  }

  note(plan: LandingPlan, progress: LandingProgress): void {
    this.progress.set(claimKey(plan), progress);
  }

  /** What a checkpoint must hold. */
  saved(): Json {
    if (this.begun === undefined) return null;
    const progress = [...this.progress].map(([key, { sinceMs, job, left }]): [string, Json] => [
      key,
      {
        sinceMs,
        ...(job === undefined ? {} : { job: { ...job } }),
        ...(left === undefined ? {} : { left }),
      },
    ]);
    return { begunMs: this.begun, progress: Object.fromEntries(progress) };
  }
}

/** Reads what a checkpoint holds of landings. */
function readLandingState(saved: unknown): {
  readonly begunMs: number | undefined;
  readonly progress: ReadonlyMap<string, LandingProgress>;
} {
  const progress = new Map<string, LandingProgress>();
  if (!isJsonObject(saved)) return { begunMs: undefined, progress };
  for (const [key, value] of Object.entries(isJsonObject(saved.progress) ? saved.progress : {})) {
    if (!isJsonObject(value)) continue;
    const sinceMs = Number(value.sinceMs);
    const { job, left } = value;
    progress.set(key, {
      sinceMs,
      ...(isJsonObject(job)
        ? { job: { id: String(job.id), sinceMs: Number(job.sinceMs), node: String(job.node) } }
        : {}),
      ...(typeof left === 'string' ? { left } : {}),
    });
  }
  return { begunMs: Number(saved.begunMs), progress };
}
