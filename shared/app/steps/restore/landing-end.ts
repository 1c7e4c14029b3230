/** How a landing ends: what its job says, and what the record and the outcome list say of it. */
import type { Finding } from '../../../domain/finding.ts';
import { remedyOf } from '../../../domain/remedy.ts';
import type { VolumeBackup } from '../../../domain/volume-backup.ts';
import type { HbrJob } from '../../../ports/cloud-backup.ts';
import { claimReference } from '../backup/volume-rows.ts';
import type { LandingPlan } from './landing-plan.ts';
import type { Landing } from './landings.ts';
import { CREATE_STEP } from './restore-session.ts';

/** A job that takes longer counts as failed, ms. */
const FINISH_MS_MAX = 259_200_000;
/** A new job may be missing from lists for this long, ms. */
const LISTED_MS_MAX = 300_000;

/** How a landing ended. */
export interface LandingEnd {
  readonly landing: Landing;
  readonly phase: 'Completed' | 'PartiallyFailed' | 'Failed';
  /** `<code>: <words>`; '' for a landing that is as it should be. */
  readonly reason: string;
}

/** What a look at a landing's job says; undefined while it goes on. */
export function judgeJob(
  landing: Landing,
  started: { readonly id: string; readonly sinceMs: number; readonly nowMs: number },
  job: HbrJob | undefined,
): LandingEnd | undefined {
  const age = started.nowMs - started.sinceMs;
  const name = `HBR restore job ${started.id}`;
  const fail = (words: string) => failedLanding(landing, 'cloud_refused', words);
  if (job === undefined) return age < LISTED_MS_MAX ? undefined : fail(`${name} is gone`);
  const said = job.message === '' ? '' : `: ${job.message}`;
  switch (job.state) {
    case 'running':
      return age > FINISH_MS_MAX ? fail(`${name} is not finished after 72 hours`) : undefined;
    case 'failed':
    case 'cancelled':
      return fail(`${name} ended ${job.state}${said}`);
    case 'partial': {
      const reason = `cloud_refused: ${name} could not write every file${said}`;
      return { landing, phase: 'PartiallyFailed', reason };
    }
    case 'complete':
      return { landing, phase: 'Completed', reason: '' };
  }
}

/** A landing that did not come about. */
export function failedLanding(landing: Landing, code: string, words: string): LandingEnd {
  return { landing, phase: 'Failed', reason: `${code}: ${words}` };
}

/** The row of a landing that has ended. */
export function changeOf({ landing, phase, reason }: LandingEnd): Partial<VolumeBackup> {
  const { plan } = landing;
  if (phase === 'Failed') return { phase, reason };
  const landed = `files of Cloud Backup point ${plan.point.id} are in a new volume`;
  return { phase, progress: 1, reason: reason === '' ? landed : reason };
}

/** The row of a claim that this restore did not make; undefined where it did. */
export function changeOfOther(outcome: {
  readonly action: string;
  readonly reason: string;
}): Partial<VolumeBackup> | undefined {
  if (outcome.action === 'skipped') {
    return { phase: 'Skipped', reason: 'exists: the claim was left as it is' };
  }
  return outcome.action === 'failed' ? { phase: 'Failed', reason: outcome.reason } : undefined;
}

/** The product's own text is kept recognisable (ACK §5.3). */
export function findingOf(
  plan: LandingPlan,
  phase: 'PartiallyFailed' | 'Failed',
  reason: string,
): Finding {
  const colon = reason.indexOf(': ');
  const code = colon < 0 ? 'cloud_refused' : reason.slice(0, colon);
  const what =
    phase === 'Failed' ? 'HBR restore request failed' : 'PROCESS hbr partially completed';
  const hint = remedyOf(code);
  return {
    code,
    object: claimReference({ namespace: plan.place, pvc: plan.pvc }),
    step: CREATE_STEP,
    message: `Cannot restore the files of claim ${targetKey(plan)}: ${what}: ${reason.slice(colon + 2)}`,
    ...(hint === undefined ? {} : { hint }),
  };
}

/** For a claim that has all the files of a backup which lacks some. */
export function partialWarning(plan: LandingPlan): Finding {
  return {
    code: 'volume_incomplete',
    object: claimReference({ namespace: plan.place, pvc: plan.pvc }),
    step: CREATE_STEP,
    message: `Claim ${targetKey(plan)} has the files that the backup could read, which were not all of them`,
  };
}

/** `<namespace>/<pvc>` of the target. */
export function targetKey({ place, pvc }: LandingPlan): string {
  return `${place}/${pvc}`;
}
