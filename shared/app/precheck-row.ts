/** Asks for one row of a precheck: in bounded time, and a refusal is an answer too. */
import { BackupCentreError } from '../domain/errors.ts';
import type { PrecheckItem } from '../domain/precheck-item.ts';
import type { Clock } from '../ports/clock.ts';

/** A question that is not answered within this has a row that says so, ms; callers wait for it. */
const ANSWER_MS_MAX = 5_000;

/** What a row says besides what it is about; without a remedy the row is fine. */
export type Answer = Pick<PrecheckItem, 'found'> & { readonly remedy?: string };

/** A row to be asked for. */
export interface Question extends Pick<PrecheckItem, 'check' | 'needed'> {
  readonly ask: () => Promise<Answer>;
  /** What to do about a refusal. */
  readonly remedyOf: (refusal: BackupCentreError) => string;
  /** Instead of 5 s, ms. */
  readonly answerMsMax?: number;
}

/** The row, whatever becomes of the question. Only bugs are thrown. */
export async function askRow(clock: Clock, question: Question): Promise<PrecheckItem> {
  const { check, needed, ask, remedyOf, answerMsMax = ANSWER_MS_MAX } = question;
  const seconds = answerMsMax / 1000;
  const late: Answer = {
    found: `not known: no answer within ${seconds} s`,
    remedy: 'Ask again; if it stays silent, see whether the service has trouble in this region',
  };
  const answer = await inTime(clock, answerMsMax, answered(ask, remedyOf), () => late);
  const { found, remedy } = answer;
  return { check, ok: remedy === undefined, found, needed, remedy: remedy ?? '' };
}

/** The outcome of the work, or of `late` once the time is over; the work then goes on unheard. */
export async function inTime<T>(
  clock: Clock,
  msMax: number,
  work: Promise<T>,
  late: () => T,
): Promise<T> {
  const over = new AbortController();
  try {
    return await Promise.race([work, clock.sleep(msMax, over.signal).then(late)]);
  } finally {
    over.abort(new Error('Answered'));
  }
}

async function answered(ask: Question['ask'], remedyOf: Question['remedyOf']): Promise<Answer> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof BackupCentreError)) throw error;
    return { found: error.message, remedy: remedyOf(error) };
  }
}
