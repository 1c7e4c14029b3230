/** Field errors of validation, and the 422 they add up to; the words are those of `field.Error`. */
import { type StatusCause, StatusError } from './status-error.ts';

/** What is wrong with one field. */
export interface FieldError {
  readonly reason: string;
  readonly field: string;
  /** Without the field: `Invalid value: "x": must be lower case`. */
  readonly message: string;
}

function quoted(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === undefined || value === null) return 'null';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A value that breaks a rule. */
export function invalidField(field: string, value: unknown, why: string): FieldError {
  const message = `Invalid value: ${quoted(value)}: ${why}`;
  return { reason: 'FieldValueInvalid', field, message };
}

/** A value of the wrong type. */
export function invalidType(field: string, value: unknown, why: string): FieldError {
  return { ...invalidField(field, value, why), reason: 'FieldValueTypeInvalid' };
}

/** A field that must be set. */
export function requiredField(field: string, why = ''): FieldError {
  const message = why === '' ? 'Required value' : `Required value: ${why}`;
  return { reason: 'FieldValueRequired', field, message };
}

/** A value that is not one of the supported ones. */
export function unsupportedValue(
  field: string,
  value: unknown,
  supported: readonly string[],
): FieldError {
  const names = supported.map((name) => JSON.stringify(name)).join(', ');
  const message = `Unsupported value: ${quoted(value)}: supported values: ${names}`;
  return { reason: 'FieldValueNotSupported', field, message };
}

/** A field that may not be set, or not be changed. */
export function forbiddenField(field: string, why: string): FieldError {
  return { reason: 'FieldValueForbidden', field, message: `Forbidden: ${why}` };
}

/** A value that must be unique and is not. */
export function duplicateField(field: string, value: unknown): FieldError {
  return {
    reason: 'FieldValueDuplicate',
    field,
    message: `Duplicate value: ${quoted(value)}`,
  };
}

/** A value that names something that does not exist. */
export function fieldNotFound(field: string, value: unknown): FieldError {
  return { reason: 'FieldValueNotFound', field, message: `Not found: ${quoted(value)}` };
}

/** A text or list over its limit. */
export function tooLong(field: string, maximum: number): FieldError {
  return {
    reason: 'FieldValueTooLong',
    field,
    message: `Too long: may not be more than ${maximum} bytes`,
  };
}

/** The 422 for the errors of one object. */
export function invalidObject(
  subject: { readonly group: string; readonly kind: string; readonly name: string },
  errors: readonly FieldError[],
): StatusError {
  // The same words are said once, though each has its own cause.
  const texts = [...new Set(errors.map((e) => `${e.field}: ${e.message}`))];
  const all = texts.length === 1 ? (texts[0] ?? '') : `[${texts.join(', ')}]`;
  const kind = subject.group === '' ? subject.kind : `${subject.kind}.${subject.group}`;
  const causes: StatusCause[] = errors.map((e) => ({
    reason: e.reason,
    message: e.message,
    field: e.field,
  }));
  return new StatusError({
    code: 422,
    reason: 'Invalid',
    message: `${kind} ${JSON.stringify(subject.name)} is invalid: ${all}`,
    details: {
      ...(subject.name === '' ? {} : { name: subject.name }),
      ...(subject.group === '' ? {} : { group: subject.group }),
      kind: subject.kind,
      causes,
    },
  });
}
