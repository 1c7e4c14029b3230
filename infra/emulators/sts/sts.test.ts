import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  callSdk,
  refusedBySdk,
  type SdkCall,
  type SdkCaller,
} from '../acs-signature/sdk-client.ts';
import { type StsEmulator, startStsEmulator } from './server.ts';

const HOUR_MS = 3_600_000;
const users = [
  {
    principal: 'main',
    accessKeyId: 'AKroot',
    accessKeySecret: 's0',
    accountId: '1000',
    type: 'account',
  },
  {
    principal: 'alice',
    accessKeyId: 'AKalice',
    accessKeySecret: 's1',
    accountId: '1000',
    type: 'user',
  },
  {
    principal: 'eve',
    accessKeyId: 'AKeve',
    accessKeySecret: 's2',
    accountId: '2000',
    type: 'user',
  },
] as const;
const roles = [{ roleName: 'backup-fc', accountId: '1000' }];
const identity: SdkCall = { action: 'GetCallerIdentity', version: '2015-04-01', style: 'RPC' };

function assume(query: Record<string, unknown>): SdkCall {
  const defaults = { RoleArn: 'acs:ram::1000:role/backup-fc', RoleSessionName: 'run-1' };
  return { ...identity, action: 'AssumeRole', query: { ...defaults, ...query } };
}

describe('the STS emulator', () => {
  const dir = mkdtempSync(join(tmpdir(), 'sts-'));
  let sts: StsEmulator;
  let aheadMs = 0;
  const start = () =>
    startStsEmulator({ dir, now: () => Date.now() + aheadMs, region: 'cn-hangzhou', users, roles });
  const as = (accessKeyId: string, accessKeySecret: string): SdkCaller => ({
    url: sts.url,
    accessKeyId,
    accessKeySecret,
  });

  beforeEach(async () => {
    aheadMs = 0;
    sts = await start();
  });
  afterEach(async () => {
    await sts.close();
    rmSync(dir, { recursive: true, force: true });
  });

  async function session(query: Record<string, unknown> = {}): Promise<SdkCaller> {
    const reply = await callSdk(as('AKalice', 's1'), assume(query));
    const { Credentials: keys } = reply.body as {
      Credentials: { AccessKeyId: string; AccessKeySecret: string; SecurityToken: string };
    };
    return {
      ...as(keys.AccessKeyId, keys.AccessKeySecret),
      securityToken: keys.SecurityToken,
    };
  }

  it('says who an account, a RAM user and a role session are', async () => {
    expect((await callSdk(as('AKroot', 's0'), identity)).body).toMatchObject({
      IdentityType: 'Account',
      AccountId: '1000',
      PrincipalId: '1000',
      UserId: '1000',
      Arn: 'acs:ram::1000:root',
    });
    const alice = await callSdk(as('AKalice', 's1'), identity);
    expect(alice.body).toMatchObject({
      IdentityType: 'RAMUser',
      AccountId: '1000',
      Arn: 'acs:ram::1000:user/alice',
      UserId: sts.credentials('AKalice')?.principalId,
    });
    const role = (await callSdk(await session(), identity)).body as Record<string, string>;
    expect(role).toMatchObject({
      IdentityType: 'AssumedRoleUser',
      Arn: 'acs:ram::1000:assumed-role/backup-fc/run-1',
    });
    expect(role.PrincipalId).toBe(`${role.RoleId}:run-1`);
  });

  it('gives temporary keys that end by the injected clock', async () => {
    const caller = await session({ DurationSeconds: 900 });
    expect(caller.accessKeyId).toMatch(/^STS\./);
    aheadMs = 899_000;
    await callSdk(caller, identity);
    aheadMs = 901_000;
    const error = await refusedBySdk(caller, identity);
    expect(error).toMatchObject({ code: 'InvalidSecurityToken.Expired', statusCode: 400 });
  });

  it('keeps sessions and ids over a restart without a clean close', async () => {
    const caller = await session();
    const before = (await callSdk(as('AKalice', 's1'), identity)).body as { UserId: string };
    const second = await start();
    try {
      await callSdk({ ...caller, url: second.url }, identity);
      const after = await callSdk({ ...as('AKalice', 's1'), url: second.url }, identity);
      expect(after.body).toMatchObject({ UserId: before.UserId });
    } finally {
      await second.close();
    }
  });

  it.each([
    ['a malformed ARN', { RoleArn: 'backup-fc' }, 400, 'InvalidParameter.RoleArn'],
    [
      'a malformed session name',
      { RoleSessionName: 'a b' },
      400,
      'InvalidParameter.RoleSessionName',
    ],
    ['no session name', { RoleSessionName: '' }, 400, 'MissingRoleSessionName'],
    ['too short a session', { DurationSeconds: 899 }, 400, 'InvalidParameter.DurationSeconds'],
    ['too long a session', { DurationSeconds: 3601 }, 400, 'InvalidParameter.DurationSeconds'],
    ['an unknown role', { RoleArn: 'acs:ram::1000:role/none' }, 404, 'EntityNotExist.Role'],
  ])('refuses %s', async (_, query, statusCode, code) => {
    const error = await refusedBySdk(as('AKalice', 's1'), assume(query));
    expect(error).toMatchObject({ code, statusCode });
  });

  it('refuses a role to the account itself and to strangers', async () => {
    const root = await refusedBySdk(as('AKroot', 's0'), assume({}));
    expect(root).toMatchObject({ code: 'NoPermission', statusCode: 403 });
    expect(root.message).toContain('Roles may not be assumed by root accounts.');
    const stranger = await refusedBySdk(as('AKeve', 's2'), assume({}));
    expect(stranger).toMatchObject({ code: 'NoPermission', statusCode: 403 });
  });

  it('refuses unknown actions and versions', async () => {
    const action = await refusedBySdk(as('AKalice', 's1'), { ...identity, action: 'GetToken' });
    expect(action).toMatchObject({ code: 'InvalidAction.NotFound', statusCode: 404 });
    const version = await refusedBySdk(as('AKalice', 's1'), { ...identity, version: '2014-01-01' });
    expect(version).toMatchObject({ code: 'InvalidVersion', statusCode: 400 });
  });

  it('issues keys for services, of any duration, by role name or ARN', async () => {
    const keys = sts.issueRoleCredentials('acs:ram::1000:role/backup-fc', 'fc', 36 * 3600);
    aheadMs = 35 * HOUR_MS;
    const reply = await callSdk({ url: sts.url, ...keys }, identity);
    expect(reply.body).toMatchObject({ Arn: 'acs:ram::1000:assumed-role/backup-fc/fc' });
    expect(Date.parse(keys.expiration) - Date.now()).toBeGreaterThan(35.9 * HOUR_MS);
    expect(() => sts.issueRoleCredentials('none', 'fc', 900)).toThrow(/no such role/);
  });

  it('shows planned faults, each once', async () => {
    sts.faults.add({ action: 'GetCallerIdentity', kind: 'throttle', times: 1 });
    sts.faults.add({ action: 'AssumeRole', kind: 'lostReply', times: 1 });
    sts.faults.add({ action: '*', kind: 'unavailable', times: 1 });
    const throttled = await refusedBySdk(as('AKalice', 's1'), identity);
    expect(throttled).toMatchObject({ name: 'ThrottlingError', code: 'Throttling.User' });
    const lost = await refusedBySdk(as('AKalice', 's1'), assume({}));
    expect(lost.statusCode).toBeUndefined();
    const unavailable = await refusedBySdk(as('AKalice', 's1'), identity);
    expect(unavailable).toMatchObject({ code: 'ServiceUnavailable', statusCode: 503 });
    await callSdk(as('AKalice', 's1'), identity);
    expect(sts.faults.unhit()).toEqual([]);
  });
});
