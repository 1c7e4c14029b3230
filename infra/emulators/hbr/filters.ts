import { badRequest } from './errors.ts';
import type { Filter } from './parameters.ts';

/** Value of a record under a filter key; times are seconds. Undefined where it has none. */
export type FieldOf<T> = (record: T) => string | number | undefined;

/** The conditions of a list call or of a snapshot query, over the fields that it supports. */
export class RecordFilter<T> {
  private readonly fields: Readonly<Record<string, FieldOf<T>>>;
  private readonly operators: ReadonlySet<string>;

  constructor(fields: Readonly<Record<string, FieldOf<T>>>, operators: readonly string[]) {
    this.fields = fields;
    this.operators = new Set(operators);
  }

  /** @throws BadRequest for an unknown key or operator, or too few values */
  matching(records: readonly T[], conditions: readonly Filter[]): T[] {
    const tests = conditions.map((condition) => this.testOf(condition));
    return records.filter((record) => tests.every((test) => test(record)));
  }

  private testOf({ key, operator, values }: Filter): (record: T) => boolean {
    const field = Object.hasOwn(this.fields, key) ? this.fields[key] : undefined;
    if (field === undefined) throw badRequest(`Filter key ${key} is not supported.`);
    if (!this.operators.has(operator)) {
      throw badRequest(`Operator ${operator} of ${key} is not supported.`);
    }
    if (operator === 'IN' && key === 'CompleteTime') {
      throw badRequest('CompleteTime cannot be matched with IN.');
    }
    const wanted = operator === 'BETWEEN' || operator === 'IN' ? expanded(values) : values;
    const isComplete = operator === 'BETWEEN' ? wanted.length === 2 : wanted.length > 0;
    if (!isComplete) throw badRequest(`${operator} of ${key} has ${wanted.length} values.`);
    return (record) => compare(field(record), operator, wanted);
  }
}

/** A range or set comes as several values, or as one JSON array. */
function expanded(values: readonly string[]): readonly string[] {
  const [only] = values;
  if (values.length !== 1 || only === undefined || !only.startsWith('[')) return values;
  try {
    const parsed: unknown = JSON.parse(only);
    return Array.isArray(parsed) ? parsed.map(String) : values;
  } catch {
    return values;
  }
}

function compare(
  found: string | number | undefined,
  operator: string,
  wanted: readonly string[],
): boolean {
  const [first = '', second = ''] = wanted;
  const isWanted = found !== undefined && wanted.includes(`${found}`);
  if (operator === 'EQUAL' || operator === 'MATCH_TERM') return `${found ?? ''}` === first;
  if (operator === 'NOT_EQUAL') return `${found ?? ''}` !== first;
  if (operator === 'IN') return isWanted;
  if (operator === 'NOT_IN') return !isWanted;
  if (found === undefined) return false;
  const order = orderOf(found, first);
  if (operator === 'GREATER_THAN') return order > 0;
  if (operator === 'GREATER_THAN_OR_EQUAL') return order >= 0;
  if (operator === 'LESS_THAN') return order < 0;
  if (operator === 'LESS_THAN_OR_EQUAL') return order <= 0;
  return order >= 0 && orderOf(found, second) <= 0;
}

function orderOf(found: string | number, wanted: string): number {
  if (typeof found === 'number') return found - Number(wanted);
  return found < wanted ? -1 : found > wanted ? 1 : 0;
}
