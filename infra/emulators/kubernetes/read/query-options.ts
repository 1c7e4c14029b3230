/** Query parameters of requests, read and refused as the vendor does. */
import {
  type FieldError,
  forbiddenField,
  invalidObject,
  requiredField,
  unsupportedValue,
} from '../field-error.ts';
import { badRequest } from '../status-error.ts';

/** Parameters of a list or watch. */
export interface ListOptions {
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly limit: number;
  readonly continueToken: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly watch: boolean;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  if (!/^-?\d+$/.test(text)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return Number(text);
}

function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  return text !== null && text !== '0' && text.toLowerCase() !== 'false';
}

function refuse(kind: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalidObject({ group: 'meta.k8s.io', kind, name: '' }, errors);
}

/** @throws StatusError 400 or 422 */
export function readListOptions(query: URLSearchParams, watching: boolean): ListOptions {
  const options: ListOptions = {
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    limit: integer(query, 'limit') ?? 0,
    continueToken: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    watch: watching || flag(query, 'watch'),
    allowWatchBookmarks: flag(query, 'allowWatchBookmarks'),
    sendInitialEvents: query.has('sendInitialEvents')
      ? flag(query, 'sendInitialEvents')
      : undefined,
    timeoutSeconds: integer(query, 'timeoutSeconds'),
  };
  checkListOptions(options);
  return options;
}

function checkListOptions(options: ListOptions): void {
  const { resourceVersionMatch: match, resourceVersion, watch, sendInitialEvents } = options;
  const at = 'resourceVersionMatch';
  const errors: FieldError[] = [];
  if (watch && sendInitialEvents !== undefined) {
    if (match !== 'NotOlderThan') {
      const why = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
      errors.push(forbiddenField(at, why));
    }
  } else if (match !== '') {
    if (watch) {
      errors.push(forbiddenField(at, 'resourceVersionMatch is forbidden for watch'));
    } else if (resourceVersion === '') {
      const why = 'resourceVersionMatch is forbidden unless resourceVersion is provided';
      errors.push(forbiddenField(at, why));
    } else if (match !== 'Exact' && match !== 'NotOlderThan') {
      errors.push(unsupportedValue(at, match, ['Exact', 'NotOlderThan', '']));
    } else if (match === 'Exact' && resourceVersion === '0') {
      const why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"';
      errors.push(forbiddenField(at, why));
    }
  }
  if (!watch && sendInitialEvents !== undefined) {
    const why = 'sendInitialEvents is forbidden for list';
    errors.push(forbiddenField('sendInitialEvents', why));
  }
  refuse('ListOptions', errors);
}

/** Parameters of a write. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  readonly force: boolean | undefined;
}

/** Longest name of a field manager. @see metav1 validation FieldManagerMaxLength */
const fieldManagerLengthMax = 128;

/** @throws StatusError 422; `kind` names the options: `CreateOptions`, `PatchOptions`, ... */
export function readWriteOptions(
  query: URLSearchParams,
  kind: string,
  isApply = false,
): WriteOptions {
  const errors: FieldError[] = [];
  const fieldManager = query.get('fieldManager') ?? '';
  if (isApply && fieldManager === '') {
    errors.push(requiredField('fieldManager', 'is required for apply patch'));
  }
  if (fieldManager.length > fieldManagerLengthMax) {
    errors.push({
      reason: 'FieldValueTooLong',
      field: 'fieldManager',
      message: `Too long: may not be more than ${fieldManagerLengthMax} bytes`,
    });
  }
  const force = query.get('force');
  if (!isApply && kind === 'PatchOptions' && force !== null) {
    errors.push(forbiddenField('force', 'may not be specified for non-apply patch'));
  }
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  if (dryRun.some((value) => value !== 'All')) {
    errors.push(unsupportedValue('dryRun', dryRun, ['All']));
  }
  const validation = query.get('fieldValidation') ?? '';
  if (!['', 'Ignore', 'Strict', 'Warn'].includes(validation)) {
    errors.push(unsupportedValue('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']));
  }
  refuse(kind, errors);
  return {
    dryRun: dryRun.length > 0,
    fieldManager,
    fieldValidation: validation === 'Strict' || validation === 'Ignore' ? validation : 'Warn',
    force: force === null ? undefined : force === 'true' || force === '1',
  };
}
