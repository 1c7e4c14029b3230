import { createHmac } from 'node:crypto';
import { canonicalPairs, percentEncode } from './canonical-text.ts';

/** The parameters of the older RPC signature (version 1.0), which travels in query or form. */
export interface RpcV1Parameters {
  readonly accessKeyId: string;
  readonly signature: string;
  readonly timestamp: string;
  readonly nonce: string;
  readonly securityToken: string | undefined;
}

/** Finds a version 1.0 signature among the parameters of a request. */
export function findRpcV1(
  pairs: readonly (readonly [string, string])[],
): RpcV1Parameters | undefined {
  const value = (name: string) => pairs.find(([n]) => n === name)?.[1];
  const accessKeyId = value('AccessKeyId');
  const signature = value('Signature');
  if (accessKeyId === undefined || signature === undefined) return undefined;
  return {
    accessKeyId,
    signature,
    timestamp: value('Timestamp') ?? '',
    nonce: value('SignatureNonce') ?? '',
    securityToken: value('SecurityToken'),
  };
}

/** `METHOD&%2F&<encoded canonical query without Signature>` */
export function rpcV1StringToSign(
  method: string,
  pairs: readonly (readonly [string, string])[],
): string {
  const signed = pairs.filter(([name]) => name !== 'Signature');
  return `${method}&${percentEncode('/')}&${percentEncode(canonicalPairs(signed))}`;
}

/** Base64 HMAC-SHA1 with `<secret>&`. */
export function rpcV1Sign(stringToSign: string, accessKeySecret: string): string {
  return createHmac('sha1', `${accessKeySecret}&`).update(stringToSign).digest('base64');
}
