import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rpcV1Sign, rpcV1StringToSign } from '../acs-signature/rpc-v1-signature.ts';
import { callSdk, refusedBySdk } from '../acs-signature/sdk-client.ts';
import { type EcsFixture, ecsCall, startFixture } from './ecs-fixture.ts';

const HANGZHOU = { RegionId: 'cn-hangzhou' };
const DISK = {
  ...HANGZHOU,
  ZoneId: 'cn-hangzhou-k',
  DiskCategory: 'cloud_essd',
  Size: '20',
};

describe('the door of the ECS emulator', () => {
  let fixture: EcsFixture;

  beforeEach(async () => {
    fixture = await startFixture();
  });
  afterEach(() => fixture.close());

  /** A call as the CSI driver makes it: signature 1.0, all in the query of a POST. */
  async function callV1(
    parameters: Readonly<Record<string, string>>,
    nonce: string = randomUUID(),
    secret = 's1',
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const pairs = Object.entries({
      Format: 'JSON',
      Version: '2014-05-26',
      AccessKeyId: 'AKalice',
      SignatureMethod: 'HMAC-SHA1',
      SignatureVersion: '1.0',
      SignatureNonce: nonce,
      Timestamp: `${new Date().toISOString().slice(0, 19)}Z`,
      ...parameters,
    });
    const signature = rpcV1Sign(rpcV1StringToSign('POST', pairs), secret);
    const query = new URLSearchParams([...pairs, ['Signature', signature]]);
    const response = await fetch(`${fixture.ecs.url}/?${query}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  it('takes both signature styles for one state', async () => {
    const { body } = await callV1({ Action: 'CreateDisk', ...DISK, 'Tag.1.Key': 'k8s.aliyun.com' });
    const reply = await fixture.call('DescribeDisks', HANGZHOU);
    expect(reply).toMatchObject({ Disks: { Disk: [{ DiskId: body.DiskId }] } });
  });

  it('refuses a wrong secret, an unknown key and a nonce that was used', async () => {
    const wrong = { ...fixture.as('AKalice'), accessKeySecret: 'other' };
    expect(await refusedBySdk(wrong, ecsCall('DescribeDisks', HANGZHOU))).toMatchObject({
      code: 'SignatureDoesNotMatch',
    });
    const unknown = { ...fixture.as('AKalice'), accessKeyId: 'AKnobody' };
    expect(await refusedBySdk(unknown, ecsCall('DescribeDisks', HANGZHOU))).toMatchObject({
      code: 'InvalidAccessKeyId.NotFound',
      statusCode: 404,
    });
    const list = { Action: 'DescribeDisks', ...HANGZHOU };
    expect((await callV1(list, 'n-1', 'other')).body.Code).toBe('SignatureDoesNotMatch');
    expect((await callV1(list, 'n-1')).status).toBe(200);
    expect((await callV1(list, 'n-1')).body.Code).toBe('SignatureNonceUsed');
  });

  it('refuses temporary keys after their end', async () => {
    const key = {
      accessKeySecret: 's9',
      principalId: 'r:s',
      accountId: '1000',
      arn: 'acs:ram::1000',
    };
    const expiresAtMs = Date.parse('2026-01-02T04:00:00Z');
    await fixture.restart({
      credentials: (id) =>
        id === 'STS.a' ? { ...key, securityToken: 'tok', expiresAtMs } : undefined,
    });
    const caller = {
      url: fixture.ecs.url,
      accessKeyId: 'STS.a',
      accessKeySecret: 's9',
      securityToken: 'tok',
    };
    await callSdk(caller, ecsCall('DescribeDisks', HANGZHOU));
    fixture.advance(3_600_000);
    expect(await refusedBySdk(caller, ecsCall('DescribeDisks', HANGZHOU))).toMatchObject({
      code: 'InvalidSecurityToken.Expired',
    });
  });

  it('answers refusals in the shape of ECS', async () => {
    const { status, body } = await callV1({ Action: 'CreateSnapshot', DiskId: 'd-none' });
    expect(status).toBe(404);
    expect(body).toEqual({
      RequestId: expect.stringMatching(/^[0-9A-F-]{36}$/) as string,
      HostId: 'ecs.cn-hangzhou.aliyuncs.com',
      Code: 'InvalidDiskId.NotFound',
      Message: 'The specified DiskId does not exist.',
      Recommend: expect.stringContaining('q=InvalidDiskId.NotFound') as string,
    });
  });

  it('refuses actions and versions that it does not know', async () => {
    for (const action of ['RunInstances', 'toString']) {
      expect(await fixture.refused(action)).toMatchObject({
        code: 'InvalidAction.NotFound',
        statusCode: 404,
      });
    }
    const call = { ...ecsCall('DescribeDisks', HANGZHOU), version: '2014-05-27' };
    expect(await refusedBySdk(fixture.as('AKalice'), call)).toMatchObject({
      code: 'InvalidVersion',
      statusCode: 400,
    });
  });

  it('shows planned faults, and counts every request', async () => {
    const { faults } = fixture.ecs;
    faults.add({ action: 'CreateDisk', kind: 'throttle', times: 1 });
    faults.add({ action: 'CreateDisk', kind: 'unavailable', times: 1 });
    faults.add({ action: 'CreateDisk', kind: 'forbidden', times: 1 });
    const codes: string[] = [];
    for (let n = 0; n < 3; n += 1) codes.push((await fixture.refused('CreateDisk', DISK)).code);
    expect(codes).toEqual(['Throttling.User', 'ServiceUnavailable', 'Forbidden.RAM']);
    expect(faults.unhit()).toEqual([]);
    await fixture.call('CreateDisk', DISK);
    await fixture.call('DescribeRegions');
    expect(fixture.ecs.calls('CreateDisk')).toBe(4);
    expect(fixture.ecs.calls('DeleteDisk')).toBe(0);
    expect(fixture.ecs.calls()).toBe(5);
  });

  it('holds an account to so many calls a minute', async () => {
    await fixture.restart({ callsPerMinute: { DescribeDisks: 2 } });
    await fixture.call('DescribeDisks', HANGZHOU);
    await fixture.call('DescribeDisks', HANGZHOU);
    expect(await fixture.refused('DescribeDisks', HANGZHOU)).toMatchObject({
      code: 'Throttling.User',
      statusCode: 400,
    });
    await fixture.call('DescribeSnapshots', HANGZHOU);
    fixture.advance(60_000);
    await fixture.call('DescribeDisks', HANGZHOU);
  });

  it('lists regions, zones and instances', async () => {
    expect(await fixture.call('DescribeRegions')).toMatchObject({
      Regions: {
        Region: expect.arrayContaining([
          expect.objectContaining({ RegionId: 'cn-beijing' }),
        ]) as unknown[],
      },
    });
    expect(await fixture.call('DescribeZones', { RegionId: 'us-east-1' })).toMatchObject({
      Zones: {
        Zone: expect.arrayContaining([
          expect.objectContaining({ ZoneId: 'us-east-1a' }),
        ]) as unknown[],
      },
    });
    const byId = { ...HANGZHOU, InstanceIds: '["i-2","i-none"]' };
    expect(await fixture.call('DescribeInstances', byId)).toMatchObject({
      TotalCount: 1,
      Instances: { Instance: [{ InstanceId: 'i-2', ZoneId: 'cn-hangzhou-j' }] },
    });
  });
});
