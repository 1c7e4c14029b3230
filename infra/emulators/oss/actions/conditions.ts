import { OssError } from '../errors.ts';
import type { StoredObject } from '../state.ts';

/**
 * Evaluates If-Match and its kin, with ETags compared without quotes. `headerPrefix` is '' or
 * `x-oss-copy-source-`.
 * @throws {OssError} PreconditionFailed
 */
export function checkConditions(
  headers: Readonly<Record<string, string>>,
  headerPrefix: string,
  object: StoredObject,
): 'go' | 'notModified' {
  const read = (name: string) => headers[`${headerPrefix}${name.toLowerCase()}`];
  const lastModifiedMs = Math.floor(object.lastModifiedMs / 1000) * 1000;
  const match = read('If-Match');
  if (match !== undefined && !names(match, object.etag)) throw failed('If-Match');
  const unmodifiedSince = Date.parse(read('If-Unmodified-Since') ?? '');
  if (match === undefined && lastModifiedMs > unmodifiedSince) throw failed('If-Unmodified-Since');
  const noneMatch = read('If-None-Match');
  if (noneMatch !== undefined) return names(noneMatch, object.etag) ? 'notModified' : 'go';
  const modifiedSince = Date.parse(read('If-Modified-Since') ?? '');
  return lastModifiedMs <= modifiedSince ? 'notModified' : 'go';
}

function names(list: string, etag: string): boolean {
  return list
    .split(',')
    .map((entry) =>
      entry
        .trim()
        .replace(/^"(.*)"$/, '$1')
        .toUpperCase(),
    )
    .some((entry) => entry === '*' || entry === etag.toUpperCase());
}

function failed(condition: string): OssError {
  return new OssError('PreconditionFailed', { elements: { Condition: condition } });
}
