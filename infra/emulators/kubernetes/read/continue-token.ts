/** Continue tokens: opaque to clients, but in the vendor's own form. */
import { jsonProblem } from '../http/json-scan.ts';
import { isObject } from '../json-tree.ts';
import { badRequest } from '../status-error.ts';

/** Where a paged list goes on. */
export interface ContinueToken {
  /** The revision that all pages are of; -1 for whatever is newest. */
  readonly revision: number;
  /** The last key of the page before, without the prefix of the list. */
  readonly after: string;
  /** When the first page was read: etcd compacts what is older than its window. */
  readonly startedAtMs: number;
}

/** Writes a token. */
export function encodeContinue(token: ContinueToken): string {
  const json = JSON.stringify({
    v: 'meta.k8s.io/v1',
    rv: token.revision,
    start: `${token.after}\u0000`,
    at: token.startedAtMs,
  });
  return Buffer.from(json).toString('base64url');
}

/** Reads a token. @throws StatusError 400 */
export function decodeContinue(text: string): ContinueToken {
  const invalid = (why: string): Error =>
    badRequest(`invalid continue token: continue key is not valid: ${why}`);
  let value: unknown;
  const bytes = Buffer.from(text, 'base64url');
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    // Go's scanner looks at bytes, not at characters.
    throw invalid(jsonProblem(bytes.toString('latin1')));
  }
  const { v, rv, start, at } = isObject(value) ? value : {};
  if (v !== 'meta.k8s.io/v1') throw invalid('server does not recognize this encoded version ');
  if (typeof rv !== 'number' || typeof start !== 'string') throw invalid('incorrect encoded start');
  if (rv === 0) throw invalid('incorrect encoded start resourceVersion (version meta.k8s.io/v1)');
  return {
    revision: rv,
    after: start.endsWith('\u0000') ? start.slice(0, -1) : start,
    startedAtMs: typeof at === 'number' ? at : 0,
  };
}
