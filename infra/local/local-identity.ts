/** Keys, tokens and ports of a local stack: made once per state folder, the same at every start. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One key pair and whose it is. */
export interface LocalUser {
  readonly principal: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

/** What must not change between two starts on the same state. */
export interface LocalIdentity {
  readonly apiToken: string;
  readonly clusterSecret: string;
  readonly users: readonly LocalUser[];
  /** Ports by service, as they were the first time. */
  readonly ports: Readonly<Record<string, number>>;
}

/** The made-up account of the local stack. */
export const ACCOUNT_ID = '1234567890123456';

/** Reads the identity of a state folder, making it the first time. */
export function localIdentity(stateDir: string): LocalIdentity {
  const file = join(stateDir, 'identity.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as LocalIdentity;
  const user = (principal: string): LocalUser => ({
    principal,
    accessKeyId: `LTAI${randomBytes(10).toString('hex')}`,
    accessKeySecret: randomBytes(15).toString('hex'),
  });
  const identity: LocalIdentity = {
    apiToken: randomBytes(24).toString('base64url'),
    clusterSecret: randomBytes(24).toString('hex'),
    users: [
      user(`acs:ram::${ACCOUNT_ID}:root`),
      user(`acs:ram::${ACCOUNT_ID}:user/alice`),
      user(`acs:ram::${ACCOUNT_ID}:user/bob`),
    ],
    ports: {},
  };
  saveIdentity(stateDir, identity);
  return identity;
}

/** Writes the identity, whole or not at all. */
export function saveIdentity(stateDir: string, identity: LocalIdentity): void {
  const file = join(stateDir, 'identity.json');
  writeFileSync(`${file}.new`, JSON.stringify(identity, null, 2), { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** A bearer token of a sandbox cluster that says itself whose it is and when it ends. */
export function clusterToken(
  secret: string,
  claim: { readonly cluster: string; readonly user: string; readonly expiresAtMs: number },
): string {
  const body = Buffer.from(JSON.stringify(claim)).toString('base64url');
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`;
}

/** Who a token of `cluster` belongs to, undefined for a forged one or one of another cluster. */
export function clusterUser(
  secret: string,
  cluster: string,
  token: string,
): { user: string; groups: string[]; expiresAtMs: number } | undefined {
  const [body = '', signature = ''] = token.split('.');
  const expected = createHmac('sha256', secret).update(body).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const claim = JSON.parse(Buffer.from(body, 'base64url').toString()) as {
    cluster: string;
    user: string;
    expiresAtMs: number;
  };
  if (claim.cluster !== cluster) return undefined;
  return { user: claim.user, groups: ['system:masters'], expiresAtMs: claim.expiresAtMs };
}
