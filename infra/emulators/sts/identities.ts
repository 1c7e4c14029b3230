import { createHash, randomBytes } from 'node:crypto';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { AcsCredential } from '../acs-signature/credential.ts';

/** An account or RAM user with its permanent access key. */
export interface StsUser {
  /** Name of the RAM user, or its whole ARN; for an account any label. */
  readonly principal: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly accountId: string;
  readonly type: 'account' | 'user';
  /** Numeric RAM id; by default derived from the ARN, the same at every start. */
  readonly userId?: string;
}

/** A RAM role that its account's users and services may assume. */
export interface StsRole {
  readonly roleName: string;
  readonly accountId: string;
  /** Numeric RAM id; by default derived from the ARN, the same at every start. */
  readonly roleId?: string;
  /** MaxSessionDuration of the role: 3600 (default) to 43200 seconds. */
  readonly maxSessionSeconds?: number;
}

/** Temporary keys as AssumeRole gives them; `expiration` is RFC 3339 UTC in seconds. */
export interface RoleCredentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken: string;
  readonly expiration: string;
}

/** A credential and what GetCallerIdentity says of it. */
export interface StsCredential extends AcsCredential {
  readonly identityType: 'Account' | 'RAMUser' | 'AssumedRoleUser';
  readonly roleId?: string;
}

/** Ended sessions are kept this long so that their keys are refused as expired, not as unknown. */
const KEEP_ENDED_SESSIONS_MS = 7 * 24 * 3_600_000;

/** The access keys that exist: users from the options, role sessions from the disk. */
export class IdentityStore {
  private readonly users = new Map<string, StsCredential>();
  private readonly roles: readonly StsRole[];
  private readonly root: RootDatabase<StsCredential, string>;
  private readonly sessions: Database<StsCredential, string>;
  private readonly now: () => number;

  constructor(options: {
    readonly dir: string;
    readonly now: () => number;
    readonly users: readonly StsUser[];
    readonly roles: readonly StsRole[];
  }) {
    this.now = options.now;
    this.roles = options.roles;
    for (const user of options.users) this.users.set(user.accessKeyId, userCredential(user));
    this.root = open<StsCredential, string>({ path: options.dir, maxDbs: 2 });
    this.sessions = this.root.openDB<StsCredential, string>({ name: 'sessions' });
    for (const { key, value } of this.sessions.getRange()) {
      const endMs = value.expiresAtMs ?? 0;
      if (endMs + KEEP_ENDED_SESSIONS_MS < this.now()) this.sessions.removeSync(key);
    }
  }

  credential(accessKeyId: string): StsCredential | undefined {
    return this.users.get(accessKeyId) ?? this.sessions.get(accessKeyId);
  }

  /** Finds a role by its ARN, or by its name alone. */
  role(nameOrArn: string): StsRole | undefined {
    const wanted = nameOrArn.toLowerCase();
    return this.roles.find((r) => r.roleName.toLowerCase() === wanted || roleArn(r) === wanted);
  }

  /** Makes a session of the role; it is on disk when this returns. */
  openSession(role: StsRole, sessionName: string, durationSeconds: number): RoleCredentials {
    const accessKeyId = `STS.N${token(18)}`;
    const accessKeySecret = token(32);
    const securityToken = `CAIS${token(96)}`;
    const endMs = Math.floor(this.now() / 1000) * 1000 + durationSeconds * 1000;
    const roleId = idOfRole(role);
    this.sessions.putSync(accessKeyId, {
      accessKeySecret,
      securityToken,
      principalId: `${roleId}:${sessionName}`,
      accountId: role.accountId,
      arn: `acs:ram::${role.accountId}:assumed-role/${role.roleName}/${sessionName}`,
      expiresAtMs: endMs,
      identityType: 'AssumedRoleUser',
      roleId,
    });
    const expiration = new Date(endMs).toISOString().replace('.000Z', 'Z');
    return { accessKeyId, accessKeySecret, securityToken, expiration };
  }

  async close(): Promise<void> {
    await this.root.close();
  }
}

/** `acs:ram::<account>:role/<name>`; RAM writes role names in lower case there. */
function roleArn(role: StsRole): string {
  return `acs:ram::${role.accountId}:role/${role.roleName.toLowerCase()}`;
}

/** The role's numeric id. */
export function idOfRole(role: StsRole): string {
  return role.roleId ?? numericId(roleArn(role));
}

function userCredential(user: StsUser): StsCredential {
  const { accountId, accessKeySecret } = user;
  if (user.type === 'account') {
    const arn = `acs:ram::${accountId}:root`;
    return { accessKeySecret, accountId, principalId: accountId, arn, identityType: 'Account' };
  }
  const arn = user.principal.startsWith('acs:ram::')
    ? user.principal
    : `acs:ram::${accountId}:user/${user.principal}`;
  const principalId = user.userId ?? numericId(arn);
  return { accessKeySecret, accountId, principalId, arn, identityType: 'RAMUser' };
}

/** RAM ids are 18 digits. */
function numericId(arn: string): string {
  const digest = createHash('sha256').update(arn).digest();
  return `2${(digest.readBigUInt64BE() % 10n ** 17n).toString().padStart(17, '0')}`;
}

function token(bytes: number): string {
  return randomBytes(bytes).toString('base64').replace(/[+/=]/g, 'x');
}
