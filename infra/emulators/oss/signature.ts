/**
 * OSS signatures V1 and V4, computed from the request as the service sees it
 * (help.aliyun.com/en/oss/developer-reference: "Include signatures in the Authorization header",
 * "Add signatures to URLs", and the V4 pages of the same names).
 */
import { createHash, createHmac } from 'node:crypto';
import type { Query } from './target.ts';

/** What of a request is signed. Header names are lower-case. */
export interface SignedRequest {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  readonly query: Query;
  readonly headers: Readonly<Record<string, string>>;
}

/** Query parameters that V1 signs; all others are free to change. */
const V1_SUBRESOURCES: ReadonlySet<string> = new Set(
  (
    'acl append asyncFetch bucketInfo callback callback-var cname comp continuation-token cors ' +
    'delete encryption endTime img inventory inventoryId lifecycle live location logging ' +
    'metaQuery objectMeta partNumber policy position qos referer replication ' +
    'replicationLocation replicationProgress requestPayment resourceGroup ' +
    'response-cache-control response-content-disposition response-content-encoding ' +
    'response-content-language response-content-type response-expires restore security-token ' +
    'sequential startTime stat status style styleName symlink tagging transferAcceleration ' +
    'uploadId uploads versionId versioning versions vod website worm wormExtend wormId ' +
    'x-oss-ac-forward-allow x-oss-ac-source-ip x-oss-ac-subnet-mask x-oss-ac-vpc-id ' +
    'x-oss-process x-oss-request-payer x-oss-traffic-limit'
  ).split(' '),
);

/** `date` is the value of the Date line: a date for headers, the expiry for URLs. */
export function stringToSignV1(request: SignedRequest, date: string): string {
  const { headers } = request;
  const ossHeaders = Object.keys(headers)
    .filter((name) => name.startsWith('x-oss-'))
    .sort()
    .map((name) => `${name}:${(headers[name] ?? '').trim()}`);
  const subresources = request.query
    .sorted()
    .filter(([name]) => V1_SUBRESOURCES.has(name))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  const resource = resourcePath(request) + (subresources.length > 0 ? '?' : '');
  return [
    request.method,
    headers['content-md5'] ?? '',
    headers['content-type'] ?? '',
    date,
    ...ossHeaders,
    resource + subresources.join('&'),
  ].join('\n');
}

/** Base64 of HMAC-SHA1. */
export function signV1(secret: string, stringToSign: string): string {
  return createHmac('sha1', secret).update(stringToSign).digest('base64');
}

/** Date, region and the lower-case names of additionally signed headers of a V4 signature. */
export interface V4Scope {
  /** yyyymmdd */
  readonly date: string;
  readonly region: string;
  /** yyyymmddThhmmssZ */
  readonly timestamp: string;
  readonly additionalHeaders: readonly string[];
}

/** Parameter that carries the signature itself and so is not signed. */
const V4_SIGNATURE_PARAMETER = 'x-oss-signature';

/** The canonical request of V4. */
export function canonicalRequestV4(request: SignedRequest, scope: V4Scope): string {
  const { headers } = request;
  const query = request.query
    .sorted()
    .filter(([name]) => name !== V4_SIGNATURE_PARAMETER)
    .map(([name, value]) => (value === '' ? encode(name) : `${encode(name)}=${encode(value)}`))
    .join('&');
  const signed = Object.keys(headers)
    .filter(
      (name) =>
        name === 'content-type' ||
        name === 'content-md5' ||
        name.startsWith('x-oss-') ||
        scope.additionalHeaders.includes(name),
    )
    .sort()
    .map((name) => `${name}:${(headers[name] ?? '').trim()}\n`);
  return [
    request.method,
    encode(resourcePath(request)).replaceAll('%2F', '/'),
    query,
    signed.join(''),
    scope.additionalHeaders.join(';'),
    headers['x-oss-content-sha256'] ?? 'UNSIGNED-PAYLOAD',
  ].join('\n');
}

/** The string to sign of V4 around the canonical request. */
export function stringToSignV4(canonicalRequest: string, scope: V4Scope): string {
  return [
    'OSS4-HMAC-SHA256',
    scope.timestamp,
    `${scope.date}/${scope.region}/oss/aliyun_v4_request`,
    createHash('sha256').update(canonicalRequest).digest('hex'),
  ].join('\n');
}

/** Hex of HMAC-SHA256 under the key derived from date and region. */
export function signV4(secret: string, stringToSign: string, scope: V4Scope): string {
  let key: Buffer = Buffer.from(`aliyun_v4${secret}`);
  for (const part of [scope.date, scope.region, 'oss', 'aliyun_v4_request']) {
    key = createHmac('sha256', key).update(part).digest();
  }
  return createHmac('sha256', key).update(stringToSign).digest('hex');
}

function resourcePath({ bucket, key }: SignedRequest): string {
  return bucket === '' ? '/' : `/${bucket}/${key}`;
}

/** RFC 3986: everything but letters, digits and -._~ is escaped. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
