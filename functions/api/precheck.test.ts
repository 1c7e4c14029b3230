import { beforeEach, describe, expect, it } from 'vitest';
import { BackupCentreError, ThrottledError } from '../../shared/domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../shared/domain/json.ts';
import { PRECHECKS } from '../../shared/domain/precheck-item.ts';
import { decideVolume } from '../../shared/domain/volumes/decide-volume.ts';
import { volumeFacts } from '../../shared/domain/volumes/volume-facts.ts';
import type { AgentStatus } from '../../shared/ports/cloud-backup.ts';
import { apiResource } from '../../test/support/api-resources.ts';
import { ApiWorld } from '../../test/support/api-world.ts';

let world: ApiWorld;

beforeEach(() => {
  world = new ApiWorld();
});

const CNFS_CLASS = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name: 'alibabacloud-cnfs-nas' },
  provisioner: 'nasplugin.csi.alibabacloud.com',
};

/** Serves the snapshot API. */
function serveSnapshots(version: string): void {
  for (const [name, kind] of [
    ['volumesnapshots', 'VolumeSnapshot'],
    ['volumesnapshotcontents', 'VolumeSnapshotContent'],
  ] as const) {
    world.cluster.serve(apiResource(`${name}.snapshot.storage.k8s.io`, kind, { version }));
  }
}

function serveClasses(): void {
  world.cluster.serve(
    apiResource('storageclasses.storage.k8s.io', 'StorageClass', { namespaced: false }),
  );
}

function setAgent(status: AgentStatus): void {
  world.services.cloudBackup.agentStatus = async () => status;
}

/** Driver, snapshot API, NAS class and Cloud Backup's client. */
function equip(): void {
  world.directory.install('c1', { 'csi-provisioner': 'v1.32.1-3f43b0b-aliyun' });
  serveSnapshots('v1');
  serveClasses();
  world.cluster.seed(CNFS_CLASS);
  setAgent('READY');
}

/** A Deployment of the driver in the cluster. */
function seedProvisioner(image: string): void {
  const containers = [{ name: 'csi-provisioner', image }];
  world.cluster.seed({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'csi-provisioner', namespace: 'kube-system' },
    spec: { template: { spec: { containers } } },
  });
}

/** Rows by check; the reply's schema is checked by the caller. */
async function precheck(cluster = 'c1'): Promise<Record<string, JsonObject>> {
  const { items } = (await world.call('GET', `/v1/clusters/${cluster}/precheck`)).body;
  const rows = Array.isArray(items) ? items.filter(isJsonObject) : [];
  return Object.fromEntries(rows.map((row) => [String(row.check), row]));
}

describe('the precheck of a cluster', () => {
  it('has a row per check, all fine where nothing is missing', async () => {
    await world.prepare();
    equip();
    const rows = await precheck();
    expect(Object.keys(rows)).toEqual([...PRECHECKS]);
    for (const row of Object.values(rows)) expect(row).toMatchObject({ ok: true, remedy: '' });
    expect(rows.kubernetes_version).toMatchObject({ found: '1.34.1', needed: '1.16 or later' });
    expect(rows.oss_access?.found).toBe('main (bucket cnfs-oss-a): Available');
  });

  it('asks one question per verb where everything is allowed', async () => {
    await world.prepare();
    await precheck();
    expect(world.cluster.requests.review).toBe(3);
  });

  it('names the verb and the kind that are not allowed', async () => {
    await world.prepare();
    const everything = { group: '*', resource: '*' };
    world.cluster.denied = [
      ...['list', 'get', 'create'].map((verb) => ({ verb, ...everything })),
      { verb: 'get', group: '', resource: 'secrets' },
      { verb: 'create', group: 'apps', resource: 'deployments' },
    ];
    const rows = await precheck();
    expect(rows.rbac_read).toMatchObject({ ok: false, found: 'not allowed: get secrets' });
    expect(rows.rbac_create).toMatchObject({
      ok: false,
      found: 'not allowed: create deployments.apps',
    });
    expect(String(rows.rbac_create?.remedy)).toMatch(/RBAC/);
    expect(rows.api_reachable?.ok).toBe(true);
  });

  it('says why the API server does not answer, and goes on with the vaults', async () => {
    await world.prepare();
    world.directory.add({ id: 'down', currentVersion: '1.30.1-aliyun.1' });
    await world.call('POST', '/v1/clusters', { id: 'down' });
    const rows = await precheck('down');
    expect(rows.api_reachable).toMatchObject({ ok: false, found: 'Cannot reach cluster down' });
    expect(String(rows.api_reachable?.remedy)).toMatch(/API server/);
    expect(rows.kubernetes_version).toMatchObject({ ok: true, found: '1.30.1' });
    for (const check of ['rbac_read', 'rbac_create']) {
      expect(rows[check]).toMatchObject({
        ok: false,
        found: 'not known: the API server does not answer',
      });
    }
    expect(rows.oss_access?.ok).toBe(true);
  });

  it('does not wait for an API server that is silent, and closes a client that comes late', async () => {
    await world.prepare();
    let answer: () => void = () => undefined;
    let closed = false;
    world.cluster.version = async () => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return 'v1.34.1';
    };
    world.cluster.close = async () => {
      closed = true;
    };
    const rows = await precheck();
    expect(rows.api_reachable).toMatchObject({
      ok: false,
      found: 'Cannot reach cluster c1: no answer within 8 s',
    });
    answer();
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(true);
  });

  it('tells a refusal by ACK apart from silence', async () => {
    await world.prepare();
    world.directory.connect = async () => {
      throw new BackupCentreError('cluster_access_denied', 'Cannot get a kubeconfig: Forbidden');
    };
    const rows = await precheck();
    expect(rows.api_reachable).toMatchObject({
      ok: false,
      found: 'Cannot get a kubeconfig: Forbidden',
    });
    expect(String(rows.api_reachable?.remedy)).toMatch(/RAM/);
  });

  it('shows a server that is too old', async () => {
    await world.prepare();
    world.cluster.serverVersion = 'v1.15.9';
    expect((await precheck()).kubernetes_version).toMatchObject({ ok: false, found: '1.15.9' });
  });

  it('probes the vaults that the cluster uses and says which is not fine', async () => {
    await world.prepare();
    await world.call('PUT', '/v1/clusters/c1/vaults/main');
    world.stores.open({ region: 'cn-hangzhou', name: 'cnfs-oss-a' }).facts.storageClass = 'Archive';
    const { oss_access } = await precheck();
    expect(oss_access).toMatchObject({ ok: false });
    expect(String(oss_access?.found)).toMatch(/main \(bucket cnfs-oss-a\): Unavailable, .*Archive/);
    expect((await world.call('GET', '/v1/vaults/main')).body.phase).toBe('Unavailable');
  });

  it('wants a vault', async () => {
    await world.call('POST', '/v1/clusters', { id: 'c1' });
    expect((await precheck()).oss_access).toMatchObject({
      ok: false,
      found: 'there is no vault',
      remedy: 'Create a vault with POST /v1/vaults',
    });
  });
});

describe('csi_version', () => {
  it.each(['Default', 'Serverless', 'Edge'])(
    'is fine where disks are snapshotted: %s',
    async (profile) => {
      const facts = volumeFacts({
        metadata: { name: 'pv' },
        spec: { csi: { driver: 'diskplugin.csi.alibabacloud.com', volumeHandle: 'd-1' } },
      });
      world.directory.add({ id: 'c2', clusterType: 'ManagedKubernetes', profile }, world.cluster);
      await world.call('POST', '/v1/clusters', { id: 'c2' });
      for (const csiVersion of ['v1.0.9', 'v1.1.0', 'v1.32.1-3f43b0b-aliyun', undefined]) {
        world.directory.install('c2', csiVersion === undefined ? {} : { 'csi-plugin': csiVersion });
        const type = 'ManagedKubernetes';
        const cluster = {
          type,
          profile,
          kubernetesVersion: '1.34.1',
          csiVersion,
          allNodesEcs: true,
        };
        const given = { volumeBackup: true, excluded: false, mounts: [], nasPlans: false, cluster };
        const ok = decideVolume(facts, given)?.method === 'ecsSnapshot';
        expect([csiVersion, (await precheck('c2')).csi_version?.ok]).toEqual([csiVersion, ok]);
      }
    },
  );

  it('is read off the image where ACK does not tell it', async () => {
    await world.prepare();
    seedProvisioner('registry.example.com/acs/csi-plugin:v1.2.0-aliyun');
    const found = 'v1.2.0-aliyun, by the image of csi-provisioner';
    expect((await precheck()).csi_version).toMatchObject({ ok: true, found, remedy: '' });
    world.directory.addons = async () => {
      throw new BackupCentreError('cluster_access_denied', 'Cannot list the components: Forbidden');
    };
    expect((await precheck()).csi_version).toMatchObject({ ok: true, found });
  });

  it('that is too old says from where on it would do', async () => {
    await world.prepare();
    world.directory.install('c1', { 'csi-plugin': 'v1.0.9' });
    const { csi_version } = await precheck();
    expect(csi_version).toMatchObject({ ok: false, found: "v1.0.9, by ACK's components" });
    expect(csi_version?.needed).toMatch(/^1\.1\.0 or later/);
    expect(csi_version?.remedy).toMatch(/^Install or upgrade .*csi-provisioner/);
  });

  it('that nobody knows names both places that were asked', async () => {
    await world.prepare();
    world.directory.addons = async () => {
      throw new BackupCentreError('cluster_access_denied', 'Cannot list the components: Forbidden');
    };
    expect((await precheck()).csi_version).toMatchObject({
      ok: false,
      found:
        'unknown: Cannot list the components: Forbidden, ' +
        'and kube-system has no csi-provisioner with a version',
    });
    world.cluster.denied = [{ verb: 'get', group: 'apps', resource: 'deployments' }];
    const { csi_version } = await precheck();
    expect(csi_version?.ok).toBe(false);
    expect(csi_version?.found).toMatch(/^unknown: Cannot list .*; Cannot get deployments\.apps/);
  });
});

describe('snapshot_api and cnfs_class', () => {
  it.each(['v1', 'v1beta1'])('the snapshot API is found at %s', async (version) => {
    await world.prepare();
    serveSnapshots(version);
    const { snapshot_api } = await precheck();
    expect(snapshot_api).toMatchObject({ ok: true, remedy: '' });
    expect(snapshot_api?.found).toMatch(new RegExp(`^${version} of volumesnapshots`));
  });

  it('tells an API that is not served from one that cannot be read', async () => {
    await world.prepare();
    const bare = (await precheck()).snapshot_api;
    expect(bare).toMatchObject({ ok: false, found: 'not served' });
    expect(bare?.remedy).toMatch(/csi-provisioner/);
    world.cluster.failures = [{ group: 'snapshot.storage.k8s.io', reason: '503' }];
    const dead = (await precheck()).snapshot_api;
    expect(dead?.ok).toBe(false);
    expect(dead?.found).toMatch(/cannot be read: 503$/);
    expect(dead?.remedy).toMatch(/APIService/);
  });

  it('wants the class that volumes are converted to', async () => {
    await world.prepare();
    expect((await precheck()).cnfs_class).toMatchObject({
      ok: false,
      found: 'StorageClass of storage.k8s.io/v1 is not served',
    });
    serveClasses();
    const missing = (await precheck()).cnfs_class;
    expect(missing).toMatchObject({ ok: false, found: 'not there' });
    expect(missing?.remedy).toMatch(/CNFS file system/);
    world.cluster.seed(CNFS_CLASS);
    expect((await precheck()).cnfs_class).toMatchObject({
      ok: true,
      found: 'there, of provisioner nasplugin.csi.alibabacloud.com',
    });
  });

  it('a class that may not be read hides no other row', async () => {
    await world.prepare();
    equip();
    world.cluster.denied = [{ verb: 'get', group: 'storage.k8s.io', resource: 'storageclasses' }];
    const { cnfs_class, ...others } = await precheck();
    expect(cnfs_class?.ok).toBe(false);
    expect(cnfs_class?.found).toMatch(/^Cannot get storageclasses/);
    expect(cnfs_class?.remedy).toMatch(/RBAC/);
    expect(Object.values(others).filter((row) => row.ok !== true)).toEqual([]);
  });

  it('are not known where the API server is silent, while ACK tells the driver', async () => {
    world.directory.add({ id: 'down' });
    world.directory.install('down', { 'csi-provisioner': 'v1.32.1' });
    await world.call('POST', '/v1/clusters', { id: 'down' });
    const rows = await precheck('down');
    for (const check of ['snapshot_api', 'cnfs_class']) {
      expect(rows[check]).toMatchObject({
        ok: false,
        found: 'not known: the API server does not answer',
      });
    }
    expect(rows.csi_version).toMatchObject({ ok: true, found: "v1.32.1, by ACK's components" });
    world.directory.install('down', {});
    const unknown = (await precheck('down')).csi_version;
    expect(unknown?.found).toBe(
      'unknown: ACK lists no CSI component, and the API server does not answer',
    );
    expect(unknown?.remedy).toMatch(/API server/);
  });
});

describe('the services that take the data', () => {
  beforeEach(async () => {
    await world.prepare();
    equip();
  });

  /** Every row but these is fine. */
  async function onlyTrouble(...checks: readonly string[]): Promise<Record<string, JsonObject>> {
    const rows = await precheck();
    const bad = Object.entries(rows).filter(([, row]) => row.ok !== true);
    expect(bad.map(([check]) => check)).toEqual(checks);
    return rows;
  }

  it('ecs_snapshot_access names the actions to grant', async () => {
    world.services.disks.findSnapshots = async () => {
      throw new BackupCentreError('cloud_access_denied', 'Cannot find snapshots: Forbidden.RAM');
    };
    const { ecs_snapshot_access } = await onlyTrouble('ecs_snapshot_access');
    expect(ecs_snapshot_access?.found).toBe('Cannot find snapshots: Forbidden.RAM');
    expect(ecs_snapshot_access?.remedy).toMatch(/RAM role .*ecs:DescribeSnapshots.*ecs:CreateSn/);
  });

  it('ecs_snapshot_access asks for no right where ECS is busy', async () => {
    world.services.disks.findDisks = async () => {
      throw new ThrottledError('Cannot find disks: Throttling', 1000);
    };
    const { ecs_snapshot_access } = await onlyTrouble('ecs_snapshot_access');
    expect(ecs_snapshot_access?.remedy).toMatch(/^Ask again/);
  });

  it('says which service is silent, and does not wait for it', async () => {
    world.services.cloudBackup.findVault = () => new Promise(() => undefined);
    const { hbr_activated } = await onlyTrouble('hbr_activated');
    expect(hbr_activated?.found).toBe('not known: no answer within 5 s');
  });

  it('hbr_activated shows the vault, and creates none', async () => {
    const { cloudBackup } = world.services;
    expect((await onlyTrouble()).hbr_activated?.found).toMatch(/is created at first use$/);
    expect(await cloudBackup.findVault('cn-hangzhou', 'ack-backup-data')).toBeUndefined();
    const id = await cloudBackup.createVault('cn-hangzhou', 'ack-backup-data');
    expect((await onlyTrouble()).hbr_activated?.found).toContain(`ack-backup-data (${id})`);
  });

  it('hbr_activated says how to open Cloud Backup', async () => {
    world.services.cloudBackup.findVault = async () => {
      throw new BackupCentreError('cloud_backup_unavailable', 'Cannot: ServiceNotActivated');
    };
    const { hbr_activated } = await onlyTrouble('hbr_activated');
    expect(hbr_activated?.found).toBe('Cannot: ServiceNotActivated');
    expect(hbr_activated?.remedy).toMatch(/^Open Cloud Backup .*cn-hangzhou/);
  });

  it('the rows of Cloud Backup name the actions to grant', async () => {
    const refuse = async (): Promise<never> => {
      throw new BackupCentreError('cloud_access_denied', 'Cannot: NoPermission');
    };
    world.services.cloudBackup.findVault = refuse;
    world.services.cloudBackup.agentStatus = refuse;
    const rows = await onlyTrouble('hbr_activated', 'hbr_client');
    expect(rows.hbr_activated?.remedy).toMatch(/hbr:DescribeVaults/);
    expect(rows.hbr_client?.remedy).toMatch(/hbr:DescribeContainerCluster/);
  });

  it.each([
    ['UNREGISTERED', 'Cloud Backup does not know the cluster', /migrate-controller/],
    ['MISS', 'its client is MISS', /csdr\.alibabacloud\.com\/agent-enable/],
    ['UNKNOWN', 'its client is UNKNOWN', /can reach Cloud Backup/],
  ] as const)('hbr_client that is %s says how to have one', async (status, found, remedy) => {
    setAgent(status);
    const { hbr_client } = await onlyTrouble('hbr_client');
    expect(hbr_client?.found).toBe(found);
    expect(hbr_client?.remedy).toMatch(remedy);
  });
});
