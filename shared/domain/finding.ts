/** Errors and warnings of a record: structured, so that nobody counts log lines. */
import type { ObjectReference } from './kube-object.ts';

/** One thing that went wrong or deserves a look. */
export interface Finding {
  readonly code: string;
  readonly object?: ObjectReference;
  readonly step: string;
  /** What was attempted, on which object, what was found. Never content of a Secret. */
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** A kind or group that could not be read: why the backup may lack objects. */
export interface CoverageGap {
  readonly group: string;
  readonly resource?: string;
  readonly namespace?: string;
  readonly reason: string;
}

/** Findings kept in a record; further ones are counted in the results file. Keeps rows below 1 MiB. */
export const FINDINGS_KEPT_MAX = 200;
