import { refuse } from './errors.ts';
import { optional, optionalInteger, type Parameters } from './parameters.ts';

/** How an action pages. */
interface PageRules {
  /** Figures outside are taken as the nearest bound; else they are refused. */
  readonly clamps: boolean;
  readonly maxResults: { readonly min: number; readonly max: number };
}

/** The default of MaxResults and PageSize. */
const DEFAULT_SIZE = 10;

/** One page of a list that is in order of descending `seq`. */
export interface Page<T> {
  readonly items: T[];
  /** The paging fields of the reply. */
  readonly fields: Readonly<Record<string, string | number>>;
}

/**
 * The page asked for by MaxResults and NextToken, or by PageNumber and PageSize. A token names the
 * place where the page before ended, so what is made or deleted between two pages neither repeats
 * nor hides another.
 */
export function takePage<T extends { seq: number }>(
  parameters: Parameters,
  sorted: readonly T[],
  rules: PageRules,
): Page<T> {
  const maxResults = optionalInteger(parameters, 'MaxResults');
  const token = optional(parameters, 'NextToken');
  if (maxResults === undefined && token === undefined) return numberedPage(parameters, sorted);
  const size = resultsPerPage(maxResults ?? DEFAULT_SIZE, rules);
  const before = token === undefined ? Number.POSITIVE_INFINITY : readToken(token);
  const rest = sorted.filter((item) => item.seq < before);
  const items = rest.slice(0, size);
  const last = items.at(-1);
  const NextToken = last === undefined || rest.length <= size ? '' : makeToken(last.seq);
  return { items, fields: { NextToken, TotalCount: 0, PageNumber: 0, PageSize: 0 } };
}

function numberedPage<T extends { seq: number }>(
  parameters: Parameters,
  sorted: readonly T[],
): Page<T> {
  const number = optionalInteger(parameters, 'PageNumber') ?? 1;
  const size = optionalInteger(parameters, 'PageSize') ?? DEFAULT_SIZE;
  if (number < 1) throw refuse.invalid('PageNumber');
  if (size < 1 || size > 100) throw refuse.invalid('PageSize');
  const items = sorted.slice((number - 1) * size, number * size);
  const last = items.at(-1);
  // A first call without any paging parameter gets a token too: that is how clients begin.
  const NextToken = last === undefined || number * size >= sorted.length ? '' : makeToken(last.seq);
  return {
    items,
    fields: { TotalCount: sorted.length, PageNumber: number, PageSize: size, NextToken },
  };
}

function resultsPerPage(asked: number, { clamps, maxResults: { min, max } }: PageRules): number {
  if (clamps) return Math.min(max, Math.max(min, asked));
  if (asked < min || asked > max) {
    throw refuse.badRequest(
      'InvalidParameter.MaxResults',
      `The specified parameter MaxResults is not valid. It must be ${min} to ${max}.`,
    );
  }
  return asked;
}

function makeToken(seq: number): string {
  return Buffer.from(`after:${seq}`).toString('base64url');
}

function readToken(token: string): number {
  const match = /^after:(\d+)$/.exec(Buffer.from(token, 'base64url').toString('utf8'));
  if (match?.[1] === undefined) {
    throw refuse.badRequest(
      'InvalidParameter.NextToken',
      'The specified parameter NextToken is not valid.',
    );
  }
  return Number(match[1]);
}
