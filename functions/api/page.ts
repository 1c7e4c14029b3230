/** Pages of short lists that are held whole. */
import { ValidationError } from '../../shared/domain/errors.ts';

/** The asked-for page; the cursor is the place of the first item left out. */
export function pageOf<T>(
  items: readonly T[],
  query: { readonly limit: number; readonly cursor?: string | undefined },
): { items: readonly T[]; nextCursor?: string } {
  const from = query.cursor === undefined ? 0 : Number(query.cursor);
  if (!Number.isSafeInteger(from) || from < 0) {
    throw new ValidationError('The query is not valid: cursor is not one of ours', [
      { path: 'cursor', rule: 'must be the nextCursor of a page' },
    ]);
  }
  const page = items.slice(from, from + query.limit);
  const next = from + query.limit;
  return next < items.length ? { items: page, nextCursor: String(next) } : { items: page };
}
