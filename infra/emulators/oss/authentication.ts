/** Who sends a request: reads the four forms of a signature and refuses like the vendor. */
import { OssError } from './errors.ts';
import { PRESIGNED_SECONDS_MAX, SKEW_MS_MAX } from './limits.ts';
import {
  canonicalRequestV4,
  type SignedRequest,
  signV1,
  signV4,
  stringToSignV1,
  stringToSignV4,
  type V4Scope,
} from './signature.ts';
import { splitOnce } from './target.ts';

/** An access key that the emulator accepts. */
export interface OssCredential {
  readonly accessKeySecret: string;
  /** A temporary key: every request must carry this token. */
  readonly securityToken?: string;
  readonly principalId: string;
  /** The account the principal belongs to; the emulator's own when left out. */
  readonly accountId?: string;
  readonly expiresAtMs?: number;
}

/** Who is asking. */
export interface Principal {
  readonly principalId: string;
  readonly accountId: string;
}

/** What authentication needs to know about the service. */
export interface Authority {
  readonly accountId: string;
  readonly region: string;
  readonly checkSignatures: boolean;
  readonly credentials: (accessKeyId: string) => OssCredential | undefined;
  /** The emulated time, which ends temporary keys. */
  readonly now: () => number;
  /**
   * The machine's clock. A request is in time when its date is near either clock: callers outside
   * cannot follow an emulated time that was moved ahead, functions inside do follow it.
   */
  readonly machineNow: () => number;
}

/** A signature as presented, before it is checked. */
interface Presented {
  readonly accessKeyId: string;
  readonly signature: string;
  readonly token: string | undefined;
  readonly expected: (secret: string) => { signature: string; stringToSign: string };
}

/**
 * The principal of a request.
 * @throws {OssError} AccessDenied, InvalidAccessKeyId, InvalidSecurityToken, SecurityTokenExpired,
 *   RequestTimeTooSkewed, SignatureDoesNotMatch, InvalidArgument
 */
export function authenticate(request: SignedRequest, authority: Authority): Principal {
  const presented = readPresented(request, authority);
  const { accessKeyId } = presented;
  const credential = authority.credentials(accessKeyId);
  if (!authority.checkSignatures) {
    return {
      principalId: credential?.principalId ?? authority.accountId,
      accountId: credential?.accountId ?? authority.accountId,
    };
  }
  // A temporary key without its token is not found among the lasting ones.
  if (
    credential === undefined ||
    (credential.securityToken !== undefined && presented.token === undefined)
  ) {
    throw new OssError('InvalidAccessKeyId', { elements: { OSSAccessKeyId: accessKeyId } });
  }
  if (presented.token !== undefined && presented.token !== credential.securityToken) {
    throw new OssError('InvalidSecurityToken');
  }
  if (credential.expiresAtMs !== undefined && credential.expiresAtMs <= authority.now()) {
    throw new OssError('SecurityTokenExpired');
  }
  const expected = presented.expected(credential.accessKeySecret);
  if (expected.signature !== presented.signature) {
    throw new OssError('SignatureDoesNotMatch', {
      elements: {
        OSSAccessKeyId: accessKeyId,
        SignatureProvided: presented.signature,
        StringToSign: expected.stringToSign,
      },
    });
  }
  return {
    principalId: credential.principalId,
    accountId: credential.accountId ?? authority.accountId,
  };
}

function readPresented(request: SignedRequest, authority: Authority): Presented {
  const authorization = request.headers.authorization;
  if (authorization?.startsWith('OSS4-HMAC-SHA256 ')) {
    return headerV4(request, authorization.slice('OSS4-HMAC-SHA256 '.length), authority);
  }
  if (authorization?.startsWith('OSS ')) {
    return headerV1(request, authorization.slice('OSS '.length), authority);
  }
  if (request.query.has('x-oss-signature-version')) return queryV4(request, authority);
  if (request.query.has('OSSAccessKeyId')) return queryV1(request, authority);
  if (authorization !== undefined) {
    throw new OssError('InvalidArgument', { message: 'Authorization header is invalid.' });
  }
  if (!authority.checkSignatures) return anonymous();
  throw new OssError('AccessDenied', {
    message: 'Anonymous access is forbidden for this operation.',
  });
}

function anonymous(): Presented {
  return {
    accessKeyId: '',
    signature: '',
    token: undefined,
    expected: () => ({ signature: '', stringToSign: '' }),
  };
}

function headerV1(request: SignedRequest, value: string, authority: Authority): Presented {
  const [accessKeyId, signature] = splitOnce(value, ':');
  const date = request.headers['x-oss-date'] ?? request.headers.date;
  if (signature === undefined || date === undefined) {
    throw new OssError('AccessDenied', {
      message: 'OSS authentication requires a valid Date and a complete Authorization header.',
    });
  }
  checkSkew(Date.parse(date), date, authority);
  return {
    accessKeyId,
    signature,
    token: request.headers['x-oss-security-token'],
    expected: expectV1(request, date),
  };
}

function queryV1(request: SignedRequest, authority: Authority): Presented {
  const expires = request.query.get('Expires') ?? '';
  if (!/^\d+$/.test(expires)) {
    throw new OssError('AccessDenied', {
      message: 'Invalid date (should be seconds since epoch).',
    });
  }
  refuseExpired(Number(expires) * 1000, authority);
  return {
    accessKeyId: request.query.get('OSSAccessKeyId') ?? '',
    signature: request.query.get('Signature') ?? '',
    token: request.query.get('security-token') ?? request.headers['x-oss-security-token'],
    expected: expectV1(request, expires),
  };
}

function expectV1(request: SignedRequest, date: string): Presented['expected'] {
  return (secret) => {
    const stringToSign = stringToSignV1(request, date);
    return { signature: signV1(secret, stringToSign), stringToSign };
  };
}

function headerV4(request: SignedRequest, value: string, authority: Authority): Presented {
  const fields = new Map(
    value.split(',').map((field) => {
      const [name, text = ''] = splitOnce(field.trim(), '=');
      return [name, text] as const;
    }),
  );
  const timestamp = request.headers['x-oss-date'] ?? '';
  const { accessKeyId, scope } = readScope({
    credential: fields.get('Credential') ?? '',
    timestamp,
    additional: fields.get('AdditionalHeaders') ?? '',
    regionEc: '0002-00000228',
    region: authority.region,
  });
  checkSkew(parseTimestamp(timestamp), timestamp, authority);
  return {
    accessKeyId,
    signature: fields.get('Signature') ?? '',
    token: request.headers['x-oss-security-token'],
    expected: expectV4(request, scope),
  };
}

function queryV4(request: SignedRequest, authority: Authority): Presented {
  const { query } = request;
  const timestamp = query.get('x-oss-date') ?? '';
  const { accessKeyId, scope } = readScope({
    credential: query.get('x-oss-credential') ?? '',
    timestamp,
    additional: query.get('x-oss-additional-headers') ?? '',
    regionEc: '0002-00000226',
    region: authority.region,
  });
  const seconds = Number(query.get('x-oss-expires'));
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > PRESIGNED_SECONDS_MAX) {
    throw new OssError('InvalidArgument', {
      message: `x-oss-expires must be between 1 and ${PRESIGNED_SECONDS_MAX}.`,
    });
  }
  refuseExpired(parseTimestamp(timestamp) + seconds * 1000, authority);
  return {
    accessKeyId,
    signature: query.get('x-oss-signature') ?? '',
    token: query.get('x-oss-security-token') ?? request.headers['x-oss-security-token'],
    expected: expectV4(request, scope),
  };
}

function expectV4(request: SignedRequest, scope: V4Scope): Presented['expected'] {
  return (secret) => {
    const stringToSign = stringToSignV4(canonicalRequestV4(request, scope), scope);
    return { signature: signV4(secret, stringToSign, scope), stringToSign };
  };
}

interface ScopeText {
  readonly credential: string;
  readonly timestamp: string;
  readonly additional: string;
  readonly region: string;
  readonly regionEc: string;
}

function readScope(text: ScopeText): { accessKeyId: string; scope: V4Scope } {
  const [accessKeyId = '', date = '', region = '', product, terminator] =
    text.credential.split('/');
  if (product !== 'oss' || terminator !== 'aliyun_v4_request') {
    throw new OssError('InvalidArgument', {
      message: 'Invalid Credential in Authorization header.',
      ec: '0002-00000213',
    });
  }
  if (!/^\d{8}$/.test(date) || !text.timestamp.startsWith(`${date}T`)) {
    throw new OssError('InvalidArgument', {
      message: 'Invalid signing date in Authorization header.',
      ec: '0002-00000212',
    });
  }
  if (region !== text.region) {
    throw new OssError('InvalidArgument', {
      message: 'Invalid signing region in Authorization header.',
      ec: text.regionEc,
      elements: { Region: text.region },
    });
  }
  const additionalHeaders = text.additional === '' ? [] : text.additional.split(';').sort();
  return { accessKeyId, scope: { date, region, timestamp: text.timestamp, additionalHeaders } };
}

function parseTimestamp(text: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined) return Number.NaN;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function checkSkew(requestMs: number, text: string, authority: Authority): void {
  const serverMs = authority.now();
  const offMs = Math.min(
    ...[serverMs, authority.machineNow()].map((ms) => Math.abs(ms - requestMs)),
  );
  if (!authority.checkSignatures || offMs <= SKEW_MS_MAX) return;
  if (Number.isNaN(requestMs)) {
    throw new OssError('AccessDenied', {
      message: 'OSS authentication requires a valid Date.',
    });
  }
  throw new OssError('RequestTimeTooSkewed', {
    elements: {
      MaxAllowedSkewMilliseconds: String(SKEW_MS_MAX),
      RequestTime: text,
      ServerTime: new Date(serverMs).toISOString(),
    },
  });
}

function refuseExpired(expiresAtMs: number, authority: Authority): void {
  const serverMs = Math.min(authority.now(), authority.machineNow());
  if (!authority.checkSignatures || serverMs <= expiresAtMs) return;
  throw new OssError('AccessDenied', {
    message: 'Request has expired.',
    elements: {
      Expires: Number.isNaN(expiresAtMs) ? '' : new Date(expiresAtMs).toISOString(),
      ServerTime: new Date(serverMs).toISOString(),
    },
  });
}
