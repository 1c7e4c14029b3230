import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canonicalPairs } from '../acs-signature/canonical-text.ts';
import { rpcV1Sign, rpcV1StringToSign } from '../acs-signature/rpc-v1-signature.ts';
import { refusedBySdk } from '../acs-signature/sdk-client.ts';
import { HbrFixture, MOUNT, REGION, rowsOf } from './hbr-fixture.ts';

describe('vaults, clusters and accounts of the HBR emulator', () => {
  let fixture: HbrFixture;

  beforeEach(async () => {
    fixture = new HbrFixture();
    await fixture.start();
  });
  afterEach(() => fixture.remove());

  const create = (change = {}) =>
    fixture.call('CreateVault', { VaultRegionId: REGION, VaultName: 'one', ...change });
  const vaults = async (query = {}, key?: string) =>
    rowsOf(await fixture.call('DescribeVaults', query, key), 'Vaults', 'Vault');

  it('initialises a vault by the clock, and says so in its task', async () => {
    const created = await create({ Description: 'about it' });
    expect(created).toMatchObject({ Success: true, Code: '200', Message: 'successful' });
    expect(created.VaultId).toMatch(/^v-/);
    const { VaultId, TaskId } = created;
    expect(await vaults({ VaultId })).toMatchObject([
      { Status: 'INITIALIZING', VaultName: 'one', Description: 'about it', VaultType: 'STANDARD' },
    ]);
    expect(await fixture.call('DescribeTask', { TaskId })).toMatchObject({
      Description: 'created',
      Progress: 0,
    });
    fixture.advance(1000);
    expect(await vaults({ Status: 'CREATED' })).toMatchObject([{ VaultId, SnapshotCount: 0 }]);
    expect(await fixture.call('DescribeTask', { TaskId })).toMatchObject({
      Description: 'completed',
      Progress: 100,
    });
    expect(await fixture.refused('DescribeTask', { TaskId: 't-none' })).toMatchObject({
      statusCode: 404,
      code: 'TaskNotFound',
    });
  });

  it('shows an account its own vaults only, filtered and in pages', async () => {
    for (const name of ['one', 'two', 'three']) await create({ VaultName: name });
    expect(await vaults({}, 'AKstranger')).toEqual([]);
    expect(await vaults({ VaultName: 'two' })).toHaveLength(1);
    const page = await fixture.call('DescribeVaults', { PageSize: 2, PageNumber: 2 });
    expect(page).toMatchObject({ TotalCount: 3, PageNumber: 2, PageSize: 2 });
    expect(rowsOf(page, 'Vaults', 'Vault')).toMatchObject([{ VaultName: 'three' }]);
    const [own] = await vaults();
    const query = { VaultId: own?.VaultId };
    expect(await fixture.refused('DeleteVault', query, 'AKstranger')).toMatchObject({
      statusCode: 404,
      code: 'VaultNotExist',
    });
  });

  it('refuses vaults that break a rule', async () => {
    const table: [change: object, code: string][] = [
      [{ VaultName: '' }, 'MissingVaultName'],
      [{ VaultName: 'x'.repeat(65) }, 'BadRequest'],
      [{ Description: 'x'.repeat(256) }, 'BadRequest'],
      [{ VaultRegionId: '' }, 'MissingVaultRegionId'],
      [{ VaultRegionId: 'cn-beijing' }, 'BadRequest'],
      [{ VaultType: 'CONTAINER' }, 'BadRequest'],
      [{ EncryptType: 'KMS' }, 'MissingKmsKeyId'],
      [{ WormEnabled: 'maybe' }, 'BadRequest'],
    ];
    const query = { VaultRegionId: REGION, VaultName: 'one' };
    for (const [change, code] of table) {
      const error = await fixture.refused('CreateVault', { ...query, ...change });
      expect([change, error.code]).toEqual([change, code]);
    }
    for (let n = 0; n < 100; n += 1) await create({ VaultName: `vault-${n}` });
    expect(await fixture.refused('CreateVault', query)).toMatchObject({ code: 'BadRequest' });
    expect((await fixture.refused('DescribeVaults', { PageSize: 100 })).code).toBe('BadRequest');
  });

  it('keeps jobs off a vault that is not CREATED', async () => {
    const { VaultId } = await create();
    const clusterId = await fixture.cluster();
    const query = fixture.containerJob(String(VaultId), clusterId);
    expect((await fixture.refused('CreateBackupJob', query)).message).toContain('INITIALIZING');
    await fixture.hbr.setVaultStatus(String(VaultId), 'ERROR');
    fixture.advance(5000);
    expect((await fixture.refused('CreateBackupJob', query)).message).toContain('ERROR');
    await fixture.hbr.setVaultStatus(String(VaultId), undefined);
    expect(await fixture.call('CreateBackupJob', query)).toMatchObject({ Success: true });
  });

  it('updates a vault, makes it immutable for good, and deletes it with all it holds', async () => {
    const { VaultId } = await create();
    expect((await fixture.refused('DeleteVault', { VaultId })).message).toContain('INITIALIZING');
    fixture.advance(1000);
    await fixture.call('UpdateVault', { VaultId, VaultName: 'other', WormEnabled: true });
    expect(await vaults({ VaultId })).toMatchObject([{ VaultName: 'other', WormEnabled: true }]);
    const back = await fixture.refused('UpdateVault', { VaultId, WormEnabled: false });
    expect(back.code).toBe('BadRequest');
    fixture.mount(fixture.directory('source', { 'a.txt': 'one' }));
    await fixture.call(
      'CreateBackupJob',
      fixture.containerJob(String(VaultId), await fixture.cluster()),
    );
    fixture.advance(11_000);
    const [snapshot] = await fixture.snapshots(String(VaultId));
    const { SnapshotId } = snapshot ?? {};
    expect((await fixture.refused('DeleteSnapshot', { SnapshotId })).code).toBe('BadRequest');
    expect((await fixture.refused('DeleteVault', { VaultId })).code).toBe('BadRequest');
    fixture.advance(7 * 86_400_000);
    await fixture.call('DeleteVault', { VaultId });
    expect(await vaults()).toEqual([]);
    expect(fixture.hbr.jobs()).toEqual([]);
    expect((await fixture.refused('UpdateVault', { VaultId })).code).toBe('VaultNotExist');
  });

  it('registers a cluster once, with a token and the status of its client', async () => {
    const query = { ClusterType: 'ACK', Identifier: MOUNT.cluster, NetworkType: 'VPC' };
    const added = await fixture.call('AddContainerCluster', { ...query, Name: 'shop' });
    expect(added.ClusterId).toMatch(/^cc-/);
    const again = await fixture.call('AddContainerCluster', query);
    expect([again.ClusterId, again.Token]).toEqual([added.ClusterId, added.Token]);
    const shown = async () => {
      const reply = await fixture.call('DescribeContainerCluster', { Identifier: MOUNT.cluster });
      return (reply.Clusters as object[])[0];
    };
    expect(await shown()).toMatchObject({ Name: 'shop', AgentStatus: 'MISS', Token: added.Token });
    await fixture.hbr.setAgentStatus(MOUNT.cluster, 'READY');
    expect(await shown()).toMatchObject({ AgentStatus: 'READY', NetworkType: 'VPC' });
    const { ClusterId } = added;
    const renewed = await fixture.call('UpdateContainerCluster', { ClusterId, RenewToken: true });
    expect(renewed).toMatchObject({ TokenUpdated: true });
    expect(renewed.Token).not.toBe(added.Token);
    await fixture.call('DeleteContainerCluster', { ClusterId });
    expect(await shown()).toBeUndefined();
    const table: [change: object, code: string][] = [
      [{ ClusterType: 'OTHER' }, 'BadRequest'],
      [{ Identifier: '' }, 'MissingIdentifier'],
      [{ NetworkType: 'WIFI' }, 'BadRequest'],
    ];
    for (const [change, code] of table) {
      const error = await fixture.refused('AddContainerCluster', { ...query, ...change });
      expect([change, error.code]).toEqual([change, code]);
    }
  });

  it('names the volumes that jobs backed up', async () => {
    const vaultId = await fixture.vault();
    const ClusterId = await fixture.cluster();
    await fixture.call('CreateBackupJob', fixture.containerJob(vaultId, ClusterId));
    const reply = await fixture.call('DescribeContainerResource', { ClusterId });
    expect(reply).toMatchObject({
      TotalCount: 1,
      Resources: [{ ResourceId: 'uid-of-pv-1', ClusterIdentifier: MOUNT.cluster }],
    });
    expect(
      await fixture.call('DescribeContainerResource', { ClusterId, ResourceId: 'other' }),
    ).toMatchObject({ TotalCount: 0, Resources: [] });
    expect((await fixture.refused('DeleteContainerCluster', { ClusterId })).code).toBe(
      'BadRequest',
    );
    await fixture.call('DeleteContainerCluster', { ClusterId, Force: true });
  });

  it('serves nobody who has not opened the service, and checks roles', async () => {
    await fixture.stop();
    await fixture.start({ isActivated: false, grantedRoles: ['NasRole'] });
    const closed = await fixture.refused('DescribeVaults');
    expect(closed).toMatchObject({ statusCode: 403, code: 'ServiceNotActivated' });
    expect(await fixture.call('DescribeRegions')).toMatchObject({
      Regions: { Region: [{ RegionId: REGION }] },
    });
    expect((await fixture.call('OpenHbrService')).OrderId).toMatch(/^\d+$/);
    expect(await vaults()).toEqual([]);
    expect((await fixture.refused('DescribeVaults', {}, 'AKstranger')).code).toBe(
      'ServiceNotActivated',
    );
    expect(await fixture.call('CheckRole', { CheckRoleType: 'NasRole' })).toMatchObject({
      Success: true,
    });
    const missing = await fixture.refused('CheckRole', { CheckRoleType: 'OssRole' });
    expect(missing).toMatchObject({ statusCode: 404, code: 'RoleNotExist' });
    await fixture.stop();
    await fixture.start({ isActivated: false });
    expect(await vaults()).toEqual([]);
  });

  it('checks both signatures, the version and the action', async () => {
    const caller = { url: fixture.hbr.url, accessKeyId: 'AKalice', accessKeySecret: 'wrong' };
    const call = { action: 'DescribeVaults', version: '2017-09-08', style: 'RPC' } as const;
    expect(await refusedBySdk(caller, call)).toMatchObject({ code: 'SignatureDoesNotMatch' });
    const right = { ...caller, accessKeySecret: 'secret' };
    const other = await refusedBySdk(right, { ...call, version: '2014-05-26' });
    expect(other).toMatchObject({ statusCode: 400, code: 'InvalidVersion' });
    const none = await refusedBySdk(right, { ...call, action: 'CreatePolicyV2' });
    expect(none).toMatchObject({ statusCode: 404, code: 'InvalidAction.NotFound' });
    const pairs: [string, string][] = [
      ['Action', 'DescribeVaults'],
      ['Version', '2017-09-08'],
      ['AccessKeyId', 'AKalice'],
      ['SignatureMethod', 'HMAC-SHA1'],
      ['SignatureVersion', '1.0'],
      ['SignatureNonce', 'nonce-1'],
      ['Timestamp', new Date().toISOString().replace(/\.\d+/, '')],
    ];
    const signed = (secret: string) => {
      const signature = rpcV1Sign(rpcV1StringToSign('POST', pairs), secret);
      return `${fixture.hbr.url}/?${canonicalPairs([...pairs, ['Signature', signature]])}`;
    };
    const bad = await fetch(signed('wrong'), { method: 'POST' });
    expect(await bad.json()).toMatchObject({ Code: 'SignatureDoesNotMatch' });
    const good = await fetch(signed('secret'), { method: 'POST' });
    expect(await good.json()).toMatchObject({ Success: true, TotalCount: 0 });
  });

  it('shows planned faults in both shapes, and remembers calls', async () => {
    const { faults, softFaults } = fixture.hbr;
    faults.add({ action: 'CreateVault', kind: 'throttle', times: 1 });
    faults.add({ action: 'CreateVault', kind: 'forbidden', times: 1 });
    softFaults.add({ action: 'CreateVault', kind: 'error', times: 1 });
    const query = { VaultRegionId: REGION, VaultName: 'one' };
    expect(await fixture.refused('CreateVault', query)).toMatchObject({
      statusCode: 400,
      code: 'Throttling.User',
    });
    expect(await fixture.refused('CreateVault', query)).toMatchObject({
      statusCode: 403,
      code: 'NoPermission',
    });
    const soft = await create();
    expect(soft).toMatchObject({ Success: false, Code: 'InternalError' });
    expect(soft.VaultId).toBeUndefined();
    expect(await vaults()).toEqual([]);
    faults.add({ action: 'CreateVault', kind: 'lostReply', times: 1 });
    await expect(create()).rejects.toThrow();
    expect(await vaults()).toHaveLength(1);
    expect([...faults.unhit(), ...softFaults.unhit()]).toEqual([]);
    expect(fixture.hbr.calls('CreateVault')).toHaveLength(2);
    expect(fixture.hbr.calls('CreateVault')[0]?.parameters).toMatchObject({ VaultName: 'one' });
  });
});
