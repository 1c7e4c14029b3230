import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../kube-object.ts';
import { claimFromSnapshot, claimOfDisk, diskSize, madeName } from './restored-claim.ts';

const RUN = 'rn-0123456789';

function claimObject(spec: object = {}, metadata: object = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data', namespace: 'shop2', labels: { app: 'web' }, ...metadata },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '20Gi' } },
      storageClassName: 'alicloud-disk-essd',
      volumeMode: 'Filesystem',
      volumeName: 'd-old',
      ...spec,
    },
    status: { phase: 'Bound' },
  };
}

const bound = {
  uid: 'u1',
  resourceVersion: '7',
  finalizers: ['kubernetes.io/pvc-protection'],
  annotations: {
    'pv.kubernetes.io/bind-completed': 'yes',
    'pv.kubernetes.io/bound-by-controller': 'yes',
    'volume.kubernetes.io/storage-provisioner': 'diskplugin.csi.alibabacloud.com',
    'volume.beta.kubernetes.io/storage-provisioner': 'diskplugin.csi.alibabacloud.com',
    'volume.kubernetes.io/selected-node': 'node-1',
    owner: 'team-a',
  },
};

function restored(claim: KubeObject, source: { sizeGiB?: number; volumeMode?: 'Block' } = {}) {
  return claimFromSnapshot({
    runId: RUN,
    claim,
    snapshotId: 's-1',
    source: { sizeGiB: 20, volumeMode: 'Filesystem', ...source },
    snapshotVersion: 'v1',
  });
}

const NAME = madeName({ runId: RUN, namespace: 'shop2', pvc: 'data' });
const marks = {
  labels: { 'app.kubernetes.io/managed-by': 'ack-backup-centre' },
  annotations: { 'backup-centre.io/run': RUN },
};
const request = (object: KubeObject) => object.spec as { resources: object };

describe('names of what a run makes', () => {
  it('are the same again', () => {
    expect(NAME).toMatch(/^bc-[0-9a-f]{8}-[0-9a-f]{16}$/);
    expect(madeName({ runId: RUN, namespace: 'shop2', pvc: 'data' })).toBe(NAME);
  });

  it.each([
    ['run', { runId: 'rn-2' }],
    ['namespace', { namespace: 'shop' }],
    ['claim', { pvc: 'data-1' }],
    ['border between namespace and claim', { namespace: 'shop', pvc: '2data' }],
  ])('differ by %s', (_what, given) => {
    expect(madeName({ runId: RUN, namespace: 'shop2', pvc: 'data', ...given })).not.toBe(NAME);
  });
});

describe('a claim from a snapshot', () => {
  it('comes with a content that keeps the snapshot, and with a snapshot object', () => {
    const { content, snapshot } = restored(claimObject());
    const apiVersion = 'snapshot.storage.k8s.io/v1';
    expect(content).toEqual({
      apiVersion,
      kind: 'VolumeSnapshotContent',
      metadata: { name: NAME, ...marks },
      spec: {
        deletionPolicy: 'Retain',
        driver: 'diskplugin.csi.alibabacloud.com',
        source: { snapshotHandle: 's-1' },
        volumeSnapshotRef: { apiVersion, kind: 'VolumeSnapshot', namespace: 'shop2', name: NAME },
        sourceVolumeMode: 'Filesystem',
      },
    });
    expect(snapshot).toEqual({
      apiVersion,
      kind: 'VolumeSnapshot',
      metadata: { name: NAME, namespace: 'shop2', ...marks },
      spec: { source: { volumeSnapshotContentName: NAME } },
    });
  });

  it('names it, and has nothing left of its former volume', () => {
    const dataSource = { kind: 'PersistentVolumeClaim', name: 'seed' };
    const former = { dataSource, dataSourceRef: dataSource, selector: { matchLabels: { a: 'b' } } };
    const { claim, changes } = restored(claimObject(former, bound));
    expect(claim).toEqual({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: {
        name: 'data',
        namespace: 'shop2',
        labels: { app: 'web' },
        annotations: { owner: 'team-a' },
      },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '20Gi' } },
        storageClassName: 'alicloud-disk-essd',
        volumeMode: 'Filesystem',
        dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: NAME },
      },
    });
    expect(changes).toEqual(['dataSource: snapshot s-1']);
  });

  it('leaves the object of the backup as it is', () => {
    const claim = claimObject({ resources: { requests: { storage: '1Gi' } } }, bound);
    const before = structuredClone(claim);
    restored(claim);
    expect(claim).toEqual(before);
  });

  it('speaks the version that is served, and carries the mode of the source', () => {
    const given = { runId: RUN, claim: claimObject(), snapshotId: 's-1' };
    const { content, snapshot } = claimFromSnapshot({
      ...given,
      source: { sizeGiB: 20, volumeMode: 'Block' },
      snapshotVersion: 'v1beta1',
    });
    expect([content.apiVersion, snapshot.apiVersion]).toEqual([
      'snapshot.storage.k8s.io/v1beta1',
      'snapshot.storage.k8s.io/v1beta1',
    ]);
    expect(content).toMatchObject({ spec: { sourceVolumeMode: 'Block' } });
  });
});

describe('the size of a new disk', () => {
  it.each([
    ['20Gi', 20, 20, []],
    ['100Gi', 40, 100, []],
    ['5Gi', 5, 20, ['size: 5Gi becomes 20Gi (disks have 20 GiB at least)']],
    ['5Gi', 40, 40, ['size: 5Gi becomes 40Gi (its snapshot has 40 GiB)']],
    ['20Gi', 40, 40, ['size: 20Gi becomes 40Gi (its snapshot has 40 GiB)']],
    ['20.5Gi', 20, 21, []],
    ['30G', 20, 28, []],
    [undefined, 20, 20, ['size: none becomes 20Gi (its snapshot has 20 GiB)']],
  ])('of a claim of %s and a snapshot of %d GiB', (storage, snapshotGiB, sizeGiB, changes) => {
    const claim = claimObject({
      resources: storage === undefined ? {} : { requests: { storage } },
    });
    expect(diskSize(claim, snapshotGiB)).toEqual({ sizeGiB, changes });
  });

  it.each([
    ['is raised', { requests: { storage: '5Gi' } }, { requests: { storage: '40Gi' } }],
    [
      'stays as written',
      { requests: { storage: '102400Mi' } },
      { requests: { storage: '102400Mi' } },
    ],
    [
      'takes its limit along',
      { requests: { storage: '5Gi' }, limits: { storage: '10Gi' } },
      { requests: { storage: '40Gi' }, limits: { storage: '40Gi' } },
    ],
    [
      'leaves a wider limit',
      { requests: { storage: '5Gi' }, limits: { storage: '1Ti' } },
      { requests: { storage: '40Gi' }, limits: { storage: '1Ti' } },
    ],
    ['is there even if none was', {}, { requests: { storage: '40Gi' } }],
  ])("the claim's request %s", (_what, resources, expected) => {
    const { claim } = restored(claimObject({ resources }), { sizeGiB: 40 });
    expect(request(claim).resources).toEqual(expected);
  });
});

describe('a claim of a disk that was made', () => {
  const csi = { driver: 'diskplugin.csi.alibabacloud.com', volumeHandle: 'd-old', fsType: 'xfs' };

  function made(
    claim: KubeObject,
    given: { backupVolume?: object; volumeMode?: 'Block'; sizeGiB?: number } = {},
  ) {
    const { backupVolume = { spec: { csi, mountOptions: ['noatime'] } }, sizeGiB = 40 } = given;
    return claimOfDisk({
      runId: RUN,
      claim,
      backupVolume: { ...backupVolume },
      disk: { id: 'd-new', zone: 'cn-hangzhou-i' },
      source: { sizeGiB, volumeMode: given.volumeMode ?? 'Filesystem' },
    });
  }

  it('comes with a static volume in the zone of the disk, kept for it', () => {
    expect(made(claimObject()).volume).toEqual({
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: NAME, ...marks },
      spec: {
        accessModes: ['ReadWriteOnce'],
        capacity: { storage: '40Gi' },
        claimRef: {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          namespace: 'shop2',
          name: 'data',
        },
        csi: { driver: 'diskplugin.csi.alibabacloud.com', volumeHandle: 'd-new', fsType: 'xfs' },
        mountOptions: ['noatime'],
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              {
                matchExpressions: [
                  {
                    key: 'topology.diskplugin.csi.alibabacloud.com/zone',
                    operator: 'In',
                    values: ['cn-hangzhou-i'],
                  },
                ],
              },
            ],
          },
        },
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: 'alicloud-disk-essd',
        volumeMode: 'Filesystem',
      },
    });
  });

  it('names that volume and asks for what the disk has', () => {
    const claim = claimObject({ resources: { requests: { storage: '5Gi' } } }, bound);
    const { claim: changed, changes } = made(claim);
    expect(changed.spec).toEqual({
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '40Gi' } },
      storageClassName: 'alicloud-disk-essd',
      volumeMode: 'Filesystem',
      volumeName: NAME,
    });
    expect(changed.metadata.annotations).toEqual({ owner: 'team-a' });
    expect(changes).toEqual([
      'size: 5Gi becomes 40Gi (its snapshot has 40 GiB)',
      `volumeName: ${NAME}, on disk d-new in zone cn-hangzhou-i`,
    ]);
  });

  it.each([
    ['no class', claimObject({ storageClassName: '' }), ''],
    ['nothing said', { ...claimObject(), spec: { accessModes: ['ReadWriteOnce'] } }, ''],
    [
      'the old annotation',
      claimObject({}, { annotations: { 'volume.beta.kubernetes.io/storage-class': 'old' } }),
      'old',
    ],
  ])('agrees with its volume on the class: %s', (_what, claim, storageClassName) => {
    const result = made(claim);
    expect(result.volume).toMatchObject({ spec: { storageClassName } });
    expect(result.claim).toMatchObject({ spec: { storageClassName } });
  });

  it.each([
    ['ext4 where the backup does not tell', {}, 'ext4'],
    ['that of a FlexVolume', { spec: { flexVolume: { fsType: 'ext3' } } }, 'ext3'],
  ])('has the file system %s', (_what, backupVolume, fsType) => {
    expect(made(claimObject(), { backupVolume }).volume).toMatchObject({
      spec: { csi: { fsType } },
    });
  });

  it('is as large as the least disk at least', () => {
    const claim = claimObject({ resources: { requests: { storage: '5Gi' } } });
    const { volume, changes } = made(claim, { sizeGiB: 5 });
    expect(volume).toMatchObject({ spec: { capacity: { storage: '20Gi' } } });
    expect(changes[0]).toBe('size: 5Gi becomes 20Gi (disks have 20 GiB at least)');
  });

  it('has none in Block mode', () => {
    const { volume } = made(claimObject({ volumeMode: 'Block' }), { volumeMode: 'Block' });
    expect(volume).toMatchObject({ spec: { volumeMode: 'Block' } });
    expect(volume).not.toHaveProperty('spec.csi.fsType');
  });
});
