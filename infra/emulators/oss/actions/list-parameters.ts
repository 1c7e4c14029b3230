import { invalidArgument } from '../errors.ts';
import { LIST_TEXT_BYTES_MAX } from '../limits.ts';
import type { Query } from '../target.ts';

/** A count between 1 and `most`. @throws {OssError} InvalidArgument */
export function readCount(query: Query, name: string, otherwise: number, most: number): number {
  const text = query.get(name);
  if (text === undefined || text === '') return otherwise;
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > most) {
    throw invalidArgument(name, text, `Argument ${name} must be an integer between 1 and ${most}`);
  }
  return count;
}

/** A prefix, marker or delimiter. @throws {OssError} InvalidArgument when it is too long */
export function readText(query: Query, name: string): string {
  const text = query.get(name) ?? '';
  if (Buffer.byteLength(text) > LIST_TEXT_BYTES_MAX) {
    throw invalidArgument(name, text, `The length of ${name} must be less than 1025.`);
  }
  return text;
}

/** How names are written into the reply. @throws {OssError} InvalidArgument */
export function readEncoding(query: Query): (name: string) => string {
  const encoding = query.get('encoding-type');
  if (encoding === undefined || encoding === '') return (name) => name;
  if (encoding !== 'url') {
    throw invalidArgument(
      'encoding-type',
      encoding,
      'Invalid Encoding Method specified in Request',
    );
  }
  return (name) =>
    encodeURIComponent(name).replace(
      /[!'()*]/g,
      (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
    );
}
