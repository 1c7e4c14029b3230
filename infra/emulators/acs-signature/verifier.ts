import { timingSafeEqual } from 'node:crypto';
import {
  type Acs3Authorization,
  acs3Sign,
  acs3StringToSign,
  parseAcs3Authorization,
  sha256Hex,
} from './acs3-signature.ts';
import { parsePairs, splitTarget } from './canonical-text.ts';
import {
  type AcsCredential,
  type AcsVerdict,
  type CredentialLookup,
  headerText,
  type SignedRequest,
} from './credential.ts';
import {
  findRpcV1,
  type RpcV1Parameters,
  rpcV1Sign,
  rpcV1StringToSign,
} from './rpc-v1-signature.ts';

/**
 * How far a request's date may be from the service's clock.
 * @see https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature
 */
const DATE_WINDOW_MS = 15 * 60_000;

/** What a request must carry when version 3 signs it for an API (not for an HTTP trigger). */
const MUST_SIGN = ['host', 'x-acs-date', 'x-acs-signature-nonce', 'x-acs-content-sha256'];

/** Where a signature is checked: API gateways ask for a nonce and a body hash, HTTP triggers not. */
export type SignatureUse = 'api' | 'httpTrigger';

export interface AcsSignatureVerifierOptions {
  readonly credentials: CredentialLookup;
  /** The emulators' clock, by which temporary keys end. */
  readonly now: () => number;
  /**
   * The machine's clock. A request is in time when its date is near either clock: callers outside
   * cannot follow an emulators' clock that was moved ahead, functions inside do follow it.
   */
  readonly machineNow?: () => number;
}

/** Checks signatures as Alibaba Cloud's API gateway does, and says who signed. */
export class AcsSignatureVerifier {
  private readonly options: AcsSignatureVerifierOptions;
  /** Nonces seen, with the machine time after which their request would be too old anyway. */
  private readonly nonces = new Map<string, number>();

  constructor(options: AcsSignatureVerifierOptions) {
    this.options = options;
  }

  /** Accepts each nonce once; a refused request does not use its nonce up. */
  verify(request: SignedRequest, use: SignatureUse = 'api'): AcsVerdict {
    const authorization = headerText(request, 'authorization');
    if (authorization !== undefined) {
      const parsed = parseAcs3Authorization(authorization);
      return parsed === undefined ? refusals.incomplete : this.verifyAcs3(request, parsed, use);
    }
    const pairs = requestPairs(request);
    const v1 = findRpcV1(pairs);
    return v1 === undefined ? refusals.unsigned : this.verifyRpcV1(request, pairs, v1);
  }

  private verifyAcs3(
    request: SignedRequest,
    authorization: Acs3Authorization,
    use: SignatureUse,
  ): AcsVerdict {
    const date = headerText(request, 'x-acs-date') ?? '';
    const nonce = headerText(request, 'x-acs-signature-nonce');
    const credential = this.options.credentials(authorization.accessKeyId);
    const refusal = this.checkCaller(date, credential, headerText(request, 'x-acs-security-token'));
    if (refusal !== undefined || credential === undefined) {
      return refusal ?? refusals.unknownKey;
    }
    const declaredHash = headerText(request, 'x-acs-content-sha256') ?? '';
    const { signedHeaders } = authorization;
    const asked = use === 'api' ? MUST_SIGN : ['x-acs-date'];
    const allSigned = asked.every((name) => signedHeaders.includes(name));
    const bodyMatches =
      declaredHash === sha256Hex(request.body) || (use === 'httpTrigger' && declaredHash === '');
    const stringToSign = acs3StringToSign(request, signedHeaders, declaredHash);
    const expected = acs3Sign(stringToSign, credential.accessKeySecret);
    if (!allSigned || !bodyMatches || !sameText(expected, authorization.signature)) {
      return signatureMismatch(stringToSign);
    }
    return this.useNonce(authorization.accessKeyId, nonce, credential);
  }

  private verifyRpcV1(
    request: SignedRequest,
    pairs: readonly (readonly [string, string])[],
    v1: RpcV1Parameters,
  ): AcsVerdict {
    const credential = this.options.credentials(v1.accessKeyId);
    const refusal = this.checkCaller(v1.timestamp, credential, v1.securityToken);
    if (refusal !== undefined || credential === undefined) {
      return refusal ?? refusals.unknownKey;
    }
    const stringToSign = rpcV1StringToSign(request.method, pairs);
    if (!sameText(rpcV1Sign(stringToSign, credential.accessKeySecret), v1.signature)) {
      return signatureMismatch(stringToSign);
    }
    return this.useNonce(v1.accessKeyId, v1.nonce, credential);
  }

  private checkCaller(
    date: string,
    credential: AcsCredential | undefined,
    token: string | undefined,
  ): AcsVerdict | undefined {
    const dateMs = Date.parse(date);
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(date) || Number.isNaN(dateMs)) {
      return refusals.dateFormat;
    }
    const clocks = [this.options.now(), this.machineNow()];
    if (clocks.every((clock) => Math.abs(clock - dateMs) > DATE_WINDOW_MS)) {
      return refusals.dateExpired;
    }
    if (credential === undefined) return refusals.unknownKey;
    if (credential.securityToken === undefined) return undefined;
    if (token === undefined) return refusals.tokenMissing;
    if (token !== credential.securityToken) return refusals.tokenOfAnotherKey;
    const { expiresAtMs } = credential;
    return expiresAtMs !== undefined && expiresAtMs <= this.options.now()
      ? refusals.tokenExpired
      : undefined;
  }

  private useNonce(
    accessKeyId: string,
    nonce: string | undefined,
    credential: AcsCredential,
  ): AcsVerdict {
    if (nonce !== undefined) {
      const now = this.machineNow();
      for (const [key, end] of this.nonces) {
        // Insertion order is order of end: the first one that lives ends the sweep.
        if (end > now) break;
        this.nonces.delete(key);
      }
      const key = `${accessKeyId} ${nonce}`;
      if (this.nonces.has(key)) return refusals.nonceUsed;
      this.nonces.set(key, now + 2 * DATE_WINDOW_MS);
    }
    return { ok: true, accessKeyId, credential };
  }

  private machineNow(): number {
    return (this.options.machineNow ?? Date.now)();
  }
}

/** Every parameter of a request: the query's, then those of a form body. */
export function requestPairs(request: SignedRequest): [name: string, value: string][] {
  const pairs = parsePairs(splitTarget(request.url).query);
  const contentType = headerText(request, 'content-type') ?? '';
  if (!contentType.startsWith('application/x-www-form-urlencoded')) return pairs;
  return [...pairs, ...parsePairs(request.body.toString('utf8'))];
}

function refuse(status: number, code: string, message: string): AcsVerdict & { ok: false } {
  return { ok: false, status, code, message };
}

/** @see https://developer.aliyun.com/ask/278265 (common client errors of the OpenAPI gateway) */
const refusals = {
  unsigned: refuse(400, 'MissingAccessKeyId', 'AccessKeyId is mandatory for this action.'),
  incomplete: refuse(
    400,
    'IncompleteSignature',
    'The request signature does not conform to Aliyun standards.',
  ),
  unknownKey: refuse(404, 'InvalidAccessKeyId.NotFound', 'Specified access key is not found.'),
  dateFormat: refuse(
    400,
    'InvalidTimeStamp.Format',
    'Specified time stamp or date value is not well formatted.',
  ),
  dateExpired: refuse(
    400,
    'InvalidTimeStamp.Expired',
    'Specified time stamp or date value is expired.',
  ),
  nonceUsed: refuse(400, 'SignatureNonceUsed', 'Specified signature nonce was used already.'),
  tokenMissing: refuse(400, 'MissingSecurityToken', 'SecurityToken is mandatory for this action.'),
  tokenOfAnotherKey: refuse(
    400,
    'InvalidSecurityToken.MismatchWithAccessKey',
    'Specified SecurityToken mismatch with the AccessKey.',
  ),
  tokenExpired: refuse(400, 'InvalidSecurityToken.Expired', 'Specified SecurityToken is expired.'),
};

function signatureMismatch(stringToSign: string): AcsVerdict {
  return refuse(
    400,
    'SignatureDoesNotMatch',
    'Specified signature is not matched with our calculation. ' +
      `server string to sign is:${stringToSign}`,
  );
}

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
