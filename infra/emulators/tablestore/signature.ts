/** Who sends a request, and whether it says so rightly: the checks before any operation. */
import { createHash, createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { invalid, TablestoreError } from './errors.ts';
import { DATE_SKEW_MS_MAX } from './limits.ts';

const API_VERSION = '2015-12-31';
const SIGNATURE_HEADER = 'x-ots-signature';
const REQUIRED_HEADERS = [
  'x-ots-date',
  'x-ots-apiversion',
  'x-ots-accesskeyid',
  'x-ots-contentmd5',
  SIGNATURE_HEADER,
  'x-ots-instancename',
] as const;
const INSTANCE_NAME = /^[A-Za-z][A-Za-z0-9-]*$/;

/** A key that may sign, and the token that must come with it. */
export interface Credentials {
  readonly accessKeySecret: string;
  readonly securityToken?: string;
  readonly expiresAtMs?: number;
}

/** What requests are checked against. */
export interface Authority {
  readonly instanceName: string;
  readonly credentials: (accessKeyId: string) => Credentials | undefined;
  readonly now: () => number;
  /** The machine's clock, which callers outside sign by. */
  readonly machineNow: () => number;
  /** false: neither signature nor date is looked at. */
  readonly checkSignatures: boolean;
}

/** A request as far as its signature goes. */
export interface SignedRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** @throws {TablestoreError} OTSParameterInvalid, OTSAuthFailed */
export function checkRequest(request: SignedRequest, authority: Authority): void {
  for (const name of REQUIRED_HEADERS) {
    if (header(request, name) === '') throw invalid(`Missing header: '${name}'.`);
  }
  const version = header(request, 'x-ots-apiversion');
  if (version !== API_VERSION) throw invalid(`Unsupported api version: '${version}'.`);
  checkInstance(header(request, 'x-ots-instancename'), authority);
  const digest = createHash('md5').update(request.body).digest('base64');
  if (header(request, 'x-ots-contentmd5') !== digest) {
    throw authFailed('Mismatch between MD5 value of request body and x-ots-contentmd5 in header.');
  }
  if (!authority.checkSignatures) return;
  checkDate(header(request, 'x-ots-date'), authority);
  checkSignature(request, authority);
}

/** The signature that the secret makes of a request. */
export function sign(request: Omit<SignedRequest, 'body'>, accessKeySecret: string): string {
  const signed = Object.entries(request.headers)
    .filter(([name]) => name.startsWith('x-ots-') && name !== SIGNATURE_HEADER)
    .map(([name, value]) => `${name}:${String(value)}`)
    .sort();
  const text = `${request.path}\nPOST\n\n${signed.join('\n')}\n`;
  return createHmac('sha1', accessKeySecret).update(text).digest('base64');
}

function checkInstance(name: string, authority: Authority): void {
  if (!INSTANCE_NAME.test(name)) throw invalid(`Invalid instance name: '${name}'.`);
  if (name !== authority.instanceName) throw authFailed('The instance is not found.');
}

function checkDate(text: string, authority: Authority): void {
  const dateMs = Date.parse(text);
  if (Number.isNaN(dateMs)) throw invalid(`Invalid date format: ${text}.`);
  // Callers outside cannot follow an emulated time that was moved ahead, functions inside do.
  const clocks = [authority.now(), authority.machineNow()];
  if (clocks.some((now) => Math.abs(dateMs - now) <= DATE_SKEW_MS_MAX)) return;
  throw authFailed(`Mismatch between system time and x-ots-date: ${text}.`);
}

function checkSignature(request: SignedRequest, authority: Authority): void {
  const credentials = authority.credentials(header(request, 'x-ots-accesskeyid'));
  if (credentials === undefined) throw authFailed('The AccessKeyID does not exist.');
  const { securityToken, expiresAtMs } = credentials;
  if (header(request, 'x-ots-ststoken') !== (securityToken ?? '')) {
    throw authFailed('The security token is invalid.');
  }
  if (expiresAtMs !== undefined && expiresAtMs <= authority.now()) {
    throw authFailed('The security token is expired.');
  }
  if (header(request, SIGNATURE_HEADER) !== sign(request, credentials.accessKeySecret)) {
    throw authFailed('Signature mismatch.');
  }
}

function header(request: SignedRequest, name: string): string {
  const value = request.headers[name];
  return typeof value === 'string' ? value : '';
}

function authFailed(message: string): TablestoreError {
  return new TablestoreError('OTSAuthFailed', message);
}
