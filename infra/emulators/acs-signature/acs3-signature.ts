import { createHash, createHmac } from 'node:crypto';
import { canonicalPairs, parsePairs, splitTarget } from './canonical-text.ts';
import { headerText, type SignedRequest } from './credential.ts';

/** The one algorithm of signature version 3 that the SDKs use with an access key. */
const ACS3_ALGORITHM = 'ACS3-HMAC-SHA256';

/** The `Authorization` header of a version 3 signature, taken apart. */
export interface Acs3Authorization {
  readonly accessKeyId: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** Takes `ACS3-HMAC-SHA256 Credential=..,SignedHeaders=a;b,Signature=..` apart. */
export function parseAcs3Authorization(text: string): Acs3Authorization | undefined {
  const match =
    /^ACS3-HMAC-SHA256\s+Credential=([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=(\w+)$/.exec(
      text.trim(),
    );
  const [, accessKeyId, signedHeaders, signature] = match ?? [];
  if (accessKeyId === undefined || signedHeaders === undefined || signature === undefined) {
    return undefined;
  }
  return { accessKeyId, signedHeaders: signedHeaders.split(';'), signature };
}

/**
 * The text that a version 3 signature signs. `payloadHash` is the hex SHA-256 of the body, or empty
 * for HTTP triggers of Function Compute, whose documented samples sign no body.
 */
export function acs3StringToSign(
  request: SignedRequest,
  signedHeaders: readonly string[],
  payloadHash: string,
): string {
  const { path, query } = splitTarget(request.url);
  const headers = [...signedHeaders]
    .sort()
    .map((name) => `${name}:${(headerText(request, name) ?? '').trim()}\n`)
    .join('');
  const canonicalPath = path.replace(/\+/g, '%20').replace(/\*/g, '%2A').replace(/%7E/g, '~');
  const canonical = [
    request.method,
    canonicalPath,
    canonicalPairs(parsePairs(query)),
    headers,
    [...signedHeaders].sort().join(';'),
    payloadHash,
  ].join('\n');
  return `${ACS3_ALGORITHM}\n${sha256Hex(Buffer.from(canonical))}`;
}

/** Hex HMAC-SHA256 with the raw secret: version 3 derives no key. */
export function acs3Sign(stringToSign: string, accessKeySecret: string): string {
  return createHmac('sha256', accessKeySecret).update(stringToSign).digest('hex');
}

/** Lower-case hex SHA-256. */
export function sha256Hex(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
