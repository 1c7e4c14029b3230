/** Findings of a step in a record: set as a whole, so that a step done twice does not repeat them. */
import { FINDINGS_KEPT_MAX, type Finding } from '../../../domain/finding.ts';
import type { WorkRecord } from '../../step.ts';

/** The record with these as all errors and warnings of one step; those beyond the limit are counted. */
export function withFindings<R extends WorkRecord>(
  record: R,
  step: string,
  found: { readonly errors?: readonly Finding[]; readonly warnings?: readonly Finding[] },
): R {
  const others = (all: readonly Finding[]) => all.filter((f) => f.step !== step);
  const errors = [...others(record.errors), ...(found.errors ?? [])];
  const warnings = [...others(record.warnings), ...(found.warnings ?? [])];
  const kept = {
    errors: errors.slice(0, FINDINGS_KEPT_MAX),
    warnings: warnings.slice(0, FINDINGS_KEPT_MAX),
  };
  const dropped = errors.length - kept.errors.length + warnings.length - kept.warnings.length;
  return { ...record, ...kept, findingsDropped: Math.max(record.findingsDropped, dropped) };
}
