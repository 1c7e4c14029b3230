/**
 * Tablestore's errors as ours. The SDK loses the code: error bodies are protobuf, the SDK expects XML,
 * and leaves the HTTP status in `code` and the raw body in `message` (seen with tablestore 5.6.5).
 */
import {
  BackupCentreError,
  type ErrorCode,
  ThrottledError,
  UnavailableError,
} from '../../domain/errors.ts';

/**
 * What a failed call means for a write:
 * - `condition`: another state was found, nothing was applied
 * - `notApplied`: refused before anything was applied
 * - `unclear`: it may have been applied; read before repeating
 */
export type FailureOutcome = 'condition' | 'notApplied' | 'unclear';

/** A failed call: what it means for a write, and the error that a caller is shown. */
export class TablestoreFailure extends Error {
  readonly outcome: FailureOutcome;
  readonly shown: BackupCentreError;

  constructor(outcome: FailureOutcome, shown: BackupCentreError) {
    super(shown.message, { cause: shown });
    this.outcome = outcome;
    this.shown = shown;
  }
}

/** First pause asked of a caller who was throttled, ms. */
const THROTTLED_RETRY_MS = 500;

const THROTTLED = new Set([
  'OTSRowOperationConflict',
  'OTSNotEnoughCapacityUnit',
  'OTSTableNotReady',
  'OTSOperationThrottled',
]);
const UNCLEAR = new Set([
  'OTSServerBusy',
  'OTSPartitionUnavailable',
  'OTSTimeout',
  'OTSRequestTimeout',
  'OTSInternalServerError',
  'OTSServerUnavailable',
]);

/** The vendor's code in an SDK error, or undefined where the reply never came. */
export function tablestoreCode(error: unknown): string | undefined {
  return /OTS[A-Z][A-Za-z]+/.exec(messageOf(error))?.[0];
}

/** Total: whatever the SDK throws becomes a TablestoreFailure. `attempt` is `read runs/run-1`. */
export function fromTablestoreError(error: unknown, attempt: string): TablestoreFailure {
  const code = tablestoreCode(error);
  const words = printable(messageOf(error));
  const message = `Cannot ${attempt} in Tablestore: ${words}`;
  const failed = (outcome: FailureOutcome, shown: BackupCentreError) =>
    new TablestoreFailure(outcome, shown);
  const internal = (ourCode: ErrorCode = 'internal') =>
    new BackupCentreError(ourCode, message, { cause: error });
  if (code === 'OTSConditionCheckFail') return failed('condition', internal('condition_failed'));
  const isTooFrequent = code === 'OTSQuotaExhausted' && words.includes('Too frequent');
  if (isTooFrequent || (code !== undefined && THROTTLED.has(code))) {
    return failed('notApplied', new ThrottledError(message, THROTTLED_RETRY_MS, error));
  }
  const status = statusOf(error);
  const isUnclear = code === undefined ? isNetwork(error, status) : UNCLEAR.has(code);
  if (isUnclear || (status !== undefined && status >= 500)) {
    return failed('unclear', new UnavailableError('internal', message, error));
  }
  return failed('notApplied', internal());
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function statusOf(error: unknown): number | undefined {
  const code = codeOf(error);
  return typeof code === 'number' ? code : undefined;
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** No reply that a server of Tablestore wrote: connection errors, time-outs, a cut reply. */
function isNetwork(error: unknown, status: number | undefined): boolean {
  if (status !== undefined) return false;
  const code = codeOf(error);
  return typeof code === 'string' && !['Forbidden', 'BadRequest', 'NotFound'].includes(code);
}

/** The readable part of a protobuf body: control characters become one blank. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  return text.replace(/[\u0000-\u001f\u007f\ufffd]+/g, ' ').trim();
}
