/** What replies of OSS tell of an object. */
import { createHash } from 'node:crypto';
import type { ObjectInfo } from '../../ports/object-store.ts';

/** Headers of a reply, lower-case names. */
export type ReplyHeaders = Readonly<Record<string, string | undefined>>;

/** An ETag without quotes, upper case: OSS writes both, S3-style tools lower case. */
export function plainEtag(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '').toUpperCase();
}

/** From the headers of a HEAD or PUT reply. PUT has no Last-Modified: its Date stands for it. */
export function infoFromHeaders(key: string, headers: ReplyHeaders, sizeBytes: number): ObjectInfo {
  const versionId = headers['x-oss-version-id'];
  return {
    key,
    sizeBytes,
    etag: plainEtag(headers.etag),
    modifiedAtMs: Date.parse(headers['last-modified'] ?? headers.date ?? '') || 0,
    ...(versionId === undefined || versionId === 'null' ? {} : { versionId }),
  };
}

/** `Content-MD5` of these bytes. */
export function contentMd5(body: Uint8Array): string {
  return createHash('md5').update(body).digest('base64');
}

/**
 * Whether the object behind these headers has exactly these bytes. With KMS the ETag is no MD5, so the
 * Content-MD5 that OSS keeps of a PUT counts too.
 */
export function hasContent(headers: ReplyHeaders, body: Uint8Array): boolean {
  const md5 = contentMd5(body);
  return (
    headers['content-md5'] === md5 ||
    plainEtag(headers.etag) === Buffer.from(md5, 'base64').toString('hex').toUpperCase()
  );
}
