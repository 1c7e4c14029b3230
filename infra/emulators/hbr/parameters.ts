import { ServiceRefusal } from '../acs-signature/gateway.ts';
import { badRequest } from './errors.ts';
import { NAME_LENGTH_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from './limits.ts';

/** One condition of `Filters.N.{Key,Operator,Values.M}`. */
export interface Filter {
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[];
}

/** A page asked for. */
export interface Page {
  readonly number: number;
  readonly size: number;
}

/** The flattened parameters of one call, checked as they are read. Empty counts as absent. */
export class CallParameters {
  private readonly values: ReadonlyMap<string, string>;

  constructor(values: ReadonlyMap<string, string>) {
    this.values = values;
  }

  text(name: string): string | undefined {
    const value = this.values.get(name);
    return value === '' ? undefined : value;
  }

  /** @throws the gateway's `Missing<Name>` */
  required(name: string): string {
    const value = this.text(name);
    if (value !== undefined) return value;
    throw new ServiceRefusal(400, `Missing${name}`, `${name} is mandatory for this action.`);
  }

  /** A name of 1 to 64 characters. */
  name(parameter: string): string {
    const value = this.required(parameter);
    if (value.length <= NAME_LENGTH_MAX) return value;
    throw badRequest(`${parameter} has ${value.length} characters, 1 to ${NAME_LENGTH_MAX} fit.`);
  }

  /** One of a few words. */
  oneOf(name: string, allowed: readonly string[], byDefault: string): string {
    const value = this.text(name) ?? byDefault;
    if (allowed.includes(value)) return value;
    throw badRequest(`${name} is ${value}, must be one of ${allowed.join(', ')}.`);
  }

  integer(name: string, min: number, max = Number.MAX_SAFE_INTEGER): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value;
    throw badRequest(`${name} is ${text}, must be a whole number from ${min} to ${max}.`);
  }

  flag(name: string): boolean | undefined {
    const text = this.text(name)?.toLowerCase();
    if (text === undefined) return undefined;
    if (text === 'true' || text === 'false') return text === 'true';
    throw badRequest(`${name} is ${text}, must be true or false.`);
  }

  /** A parameter whose text is JSON. */
  json(name: string): unknown {
    const text = this.text(name);
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text);
    } catch {
      throw badRequest(`${name} is no JSON.`);
    }
  }

  /** `Name.1`, `Name.2`, ... */
  list(name: string): string[] {
    const found: string[] = [];
    for (;;) {
      const value = this.values.get(`${name}.${found.length + 1}`);
      if (value === undefined) return found;
      found.push(value);
    }
  }

  filters(): Filter[] {
    const found: Filter[] = [];
    for (;;) {
      const prefix = `Filters.${found.length + 1}`;
      const key = this.text(`${prefix}.Key`);
      if (key === undefined) return found;
      const operator = this.text(`${prefix}.Operator`) ?? 'IN';
      found.push({ key, operator, values: this.list(`${prefix}.Values`) });
    }
  }

  page(): Page {
    return {
      number: this.integer('PageNumber', 1) ?? 1,
      size: this.integer('PageSize', 1, PAGE_SIZE_MAX) ?? PAGE_SIZE_DEFAULT,
    };
  }
}

/** The rows of a page. */
export function pageOf<T>(rows: readonly T[], { number, size }: Page): T[] {
  return rows.slice((number - 1) * size, number * size);
}

/** The three fields that every paged reply has. */
export function pageFields(total: number, { number, size }: Page): Record<string, number> {
  return { TotalCount: total, PageNumber: number, PageSize: size };
}

/** Text fields of a JSON object; what is missing is the empty text. */
export function textField(value: unknown, name: string): string {
  if (typeof value !== 'object' || value === null || !(name in value)) return '';
  const field: unknown = value[name as keyof typeof value];
  return typeof field === 'string' ? field : '';
}
