/** Reading and checking request bodies and queries; every refusal names the field and the rule. */
import type { z } from 'zod';
import { BackupCentreError, type BrokenRule, ValidationError } from '../../shared/domain/errors.ts';

/** Largest request body in bytes (design §9: request 1 MiB). */
export const BODY_BYTES_MAX = 1_048_576;

/**
 * The request's JSON body, checked.
 * @throws BackupCentreError `body_too_large`, `invalid_json`; ValidationError `invalid`, `unknown_field`
 */
export async function readBody<S extends z.ZodType>(
  request: Request,
  schema: S,
): Promise<z.output<S>> {
  return checked(schema, await readJson(request), 'body');
}

async function readJson(request: Request): Promise<unknown> {
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > BODY_BYTES_MAX) {
    throw new BackupCentreError(
      'body_too_large',
      `Cannot read a body of ${bytes.byteLength} bytes: at most ${BODY_BYTES_MAX} are accepted`,
    );
  }
  return parseJson(bytes);
}

/**
 * The body of a change, checked: fields that exist and may not be changed are told apart from unknown
 * ones.
 * @throws ValidationError `immutable_field`, and as `readBody`
 */
export async function readChange<S extends z.ZodType>(
  request: Request,
  schema: S,
  fixed: readonly string[],
): Promise<z.output<S>> {
  const body = await readJson(request);
  const named = typeof body === 'object' && body !== null ? Object.keys(body) : [];
  const refused = named.filter((field) => fixed.includes(field));
  if (refused.length > 0) {
    throw new ValidationError(
      `Cannot change ${refused.join(', ')}: fixed when it was made`,
      refused.map((path) => ({ path, rule: 'cannot be changed' })),
      'immutable_field',
    );
  }
  return checked(schema, body, 'body');
}

/** The request's query, checked. @throws ValidationError */
export function readQuery<S extends z.ZodType>(request: Request, schema: S): z.output<S> {
  return checked(schema, Object.fromEntries(new URL(request.url).searchParams), 'query');
}

function parseJson(bytes: ArrayBuffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new BackupCentreError(
      'invalid_json',
      `The body is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function checked<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.flatMap((issue) => plainIssues(issue));
  const unknownField = issues.every(({ issue }) => issue.code === 'unrecognized_keys');
  const rules = issues.flatMap(brokenRules);
  const first = rules[0];
  throw new ValidationError(
    `The ${what} is not valid: ${first === undefined ? 'unknown rule' : `${first.path || what} ${first.rule}`}`,
    rules,
    unknownField ? 'unknown_field' : 'invalid',
  );
}

/** An issue that names one rule, and the whole path to where it is broken. */
interface PlainIssue {
  readonly issue: z.core.$ZodIssue;
  readonly path: readonly PropertyKey[];
  /** Rules that are alternatives to one another, in words. */
  readonly rule?: string;
}

/** Of alternatives, what the one says that the value was meant as: the others only miss its type. */
function plainIssues(
  issue: z.core.$ZodIssue,
  above: readonly PropertyKey[] = [],
): readonly PlainIssue[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_key') {
    return issue.issues.map((inner) => ({ issue: inner, path }));
  }
  if (issue.code !== 'invalid_union') return [{ issue, path }];
  const meant = issue.errors.find((branch) => !branch.some(isOtherType));
  if (meant !== undefined) return meant.flatMap((inner) => plainIssues(inner, path));
  const rules = issue.errors.flatMap((branch) => branch.map((inner) => inner.message));
  return [{ issue, path, rule: [...new Set(rules)].join(', or ') }];
}

function isOtherType({ code, path }: z.core.$ZodIssue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');
}

function brokenRules({ issue, path: parts, rule }: PlainIssue): BrokenRule[] {
  const path = pathText(parts);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: path === '' ? key : `${path}.${key}`,
      rule: 'is not a known field',
    }));
  }
  return [{ path, rule: rule ?? issue.message }];
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) =>
      typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${String(part)}`,
    )
    .join('');
}
