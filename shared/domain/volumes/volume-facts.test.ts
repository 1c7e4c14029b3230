import { describe, expect, it } from 'vitest';
import { GIB } from './quantity.ts';
import { SKIP_LABEL, volumeFacts } from './volume-facts.ts';

function pv(spec: object, metadata: object = {}): Record<string, unknown> {
  return { kind: 'PersistentVolume', metadata: { name: 'pv-1', ...metadata }, spec };
}

function csi(driver: string, volumeAttributes: object = {}): Record<string, unknown> {
  const name = `${driver}plugin.csi.alibabacloud.com`;
  return pv({ csi: { driver: name, volumeHandle: 'h-1', volumeAttributes } });
}

function pinned(...terms: readonly (readonly [string, readonly string[], string?])[]): object {
  const nodeSelectorTerms = terms.map(([key, values, operator = 'In']) => ({
    matchExpressions: [{ key, operator, values }],
  }));
  return { nodeAffinity: { required: { nodeSelectorTerms } } };
}

const DISK_ZONE = 'topology.diskplugin.csi.alibabacloud.com/zone';

describe('facts of a volume', () => {
  it('hold all that a disk of the CSI driver says', () => {
    const volume = pv({
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '20Gi' },
      claimRef: { namespace: 'shop', name: 'data' },
      csi: { driver: 'diskplugin.csi.alibabacloud.com', fsType: 'ext4', volumeHandle: 'd-bp1' },
      storageClassName: 'alicloud-disk-essd',
      volumeMode: 'Filesystem',
      ...pinned([DISK_ZONE, ['cn-hangzhou-h']]),
    });
    expect(volumeFacts(volume)).toEqual({
      pv: 'pv-1',
      driver: 'diskplugin.csi.alibabacloud.com',
      kind: 'disk',
      volumeHandle: 'd-bp1',
      diskId: 'd-bp1',
      zone: 'cn-hangzhou-h',
      volumeMode: 'Filesystem',
      accessModes: ['ReadWriteOnce'],
      storageClass: 'alicloud-disk-essd',
      capacityBytes: 20 * GIB,
      csi: true,
      flexVolume: false,
      skip: false,
      dataKey: 'disk:d-bp1',
      podFolder: 'kubernetes.io~csi/pv-1/mount',
    });
  });

  it.each([
    ['a NAS volume', csi('nas', { server: 'x.example.com' }), 'nas'],
    ['an OSS volume', csi('oss'), 'oss'],
    ['CPFS', csi('cpfs'), 'cpfs'],
    ['CPFS for AI computing', csi('bmcpfs'), 'cpfs'],
    ['CPFS by the NAS driver', csi('nas', { server: 'cpfs-1-2.cn-a.cpfs.aliyuncs.com' }), 'cpfs'],
    ['CPFS over NFS', csi('nas', { server: 'cpfs-1-2.cn-a.cpfs.nas.aliyuncs.com' }), 'cpfs'],
    ['a local volume of ACK', csi('local'), 'local'],
    ['a local volume of open-local', csi('yoda'), 'local'],
    ['another CSI driver', pv({ csi: { driver: 'ebs.csi.aws.com', volumeHandle: 'v' } }), 'other'],
    ['NFS by CSI', pv({ csi: { driver: 'nfs.csi.k8s.io', volumeHandle: 'v' } }), 'nfs'],
    ['NFS', pv({ nfs: { server: '10.0.0.1', path: '/a' } }), 'nfs'],
    ['NFS from NAS', pv({ nfs: { server: '0a1-x.cn-a.nas.aliyuncs.com', path: '/a' } }), 'nas'],
    ['a local disk', pv({ local: { path: '/mnt' } }), 'local'],
    ['a path of the host', pv({ hostPath: { path: '/mnt' } }), 'hostPath'],
    ['CephFS', pv({ cephfs: { monitors: ['m'] } }), 'other'],
    ['no source', pv({}), 'other'],
    ['FlexVolume disk', pv({ flexVolume: { driver: 'alicloud/disk', options: {} } }), 'disk'],
    ['FlexVolume NAS', pv({ flexVolume: { driver: 'alicloud/nas', options: {} } }), 'nas'],
    ['FlexVolume OSS', pv({ flexVolume: { driver: 'alicloud/oss', options: {} } }), 'oss'],
    ['another FlexVolume', pv({ flexVolume: { driver: 'a/b' } }), 'other'],
  ])('know the kind of %s', (_what, volume, kind) => {
    expect(volumeFacts(volume).kind).toBe(kind);
  });

  it.each([
    ['general-purpose NAS', '0123abc-xyz.cn-hangzhou.nas.aliyuncs.com', '0123abc'],
    ['NAS of two stacks', '1ca404-x1.dualstack.cn-hangzhou.nas.aliyuncs.com', '1ca404'],
    ['Extreme NAS', '0088ab-sihc.cn-hangzhou.extreme.nas.aliyuncs.com', 'extreme-0088ab'],
    ['a name with its path', '0123abc-xyz.cn-hangzhou.nas.aliyuncs.com:/k8s', '0123abc'],
    ['CPFS', 'cpfs-01-vpc.cn-hangzhou.cpfs.aliyuncs.com', undefined],
    ['an address', '10.0.0.9', undefined],
    ['a server of the house', '0123abc-xyz.nas.example.com', undefined],
    ['a name that only looks alike', '0123abc-xyz.nas.aliyuncs.com.example.com', undefined],
    ['a name without an id', 'nas.aliyuncs.com', undefined],
  ])('tell the file system of %s', (_what, server, fileSystemId) => {
    expect(volumeFacts(csi('nas', { server, path: '/k8s' })).fileSystemId).toBe(fileSystemId);
  });

  it('hold server and path of files', () => {
    const nas = csi('nas', { server: '0123abc-xyz.cn-hangzhou.nas.aliyuncs.com', path: '/k8s' });
    expect(volumeFacts(nas)).toMatchObject({
      server: '0123abc-xyz.cn-hangzhou.nas.aliyuncs.com',
      path: '/k8s',
      csi: true,
    });
    const shared = { server: 'nfs.example.com', share: '/export' };
    const nfs = pv({ csi: { driver: 'nfs.csi.k8s.io', volumeAttributes: shared } });
    expect(volumeFacts(nfs)).toMatchObject({ server: 'nfs.example.com', path: '/export' });
  });

  it('read the disk of a FlexVolume', () => {
    const options = { volumeId: 'd-old' };
    expect(volumeFacts(pv({ flexVolume: { driver: 'alicloud/disk', options } }))).toMatchObject({
      driver: 'alicloud/disk',
      diskId: 'd-old',
      csi: false,
      flexVolume: true,
    });
  });

  it('take Block mode as it is, and Filesystem where none is given', () => {
    expect(volumeFacts(pv({ volumeMode: 'Block' })).volumeMode).toBe('Block');
    expect(volumeFacts(pv({})).volumeMode).toBe('Filesystem');
  });

  it('leave out what is not there', () => {
    const facts = volumeFacts({});
    expect(facts).toMatchObject({ pv: '', accessModes: [], capacityBytes: 0 });
    for (const field of ['zone', 'diskId', 'server', 'fileSystemId', 'storageClass']) {
      expect(facts).not.toHaveProperty(field);
    }
  });
});

describe('the zone of a volume', () => {
  it.each([
    ['the disk driver', pinned([DISK_ZONE, ['z-h']]), {}, 'z-h'],
    ['Kubernetes', pinned(['topology.kubernetes.io/zone', ['z-h']]), {}, 'z-h'],
    ['equal terms', pinned([DISK_ZONE, ['z-h']], [DISK_ZONE, ['z-h']]), {}, 'z-h'],
    ['an old label', {}, { labels: { 'failure-domain.beta.kubernetes.io/zone': 'z-g' } }, 'z-g'],
    ['several zones', pinned([DISK_ZONE, ['z-h', 'z-i']]), {}, undefined],
    ['terms of two zones', pinned([DISK_ZONE, ['z-h']], [DISK_ZONE, ['z-i']]), {}, undefined],
    ['a zone to avoid', pinned([DISK_ZONE, ['z-h'], 'NotIn']), {}, undefined],
    ['a node', pinned(['kubernetes.io/hostname', ['n1']]), {}, undefined],
    ['a set of zones', {}, { labels: { 'topology.kubernetes.io/zone': 'a__b' } }, undefined],
  ])('by %s', (_what, spec, metadata, zone) => {
    expect(volumeFacts(pv(spec, metadata)).zone).toBe(zone);
  });
});

describe('the skip label', () => {
  const labelled = (value: string) => ({
    metadata: { name: 'x', labels: { [SKIP_LABEL]: value } },
  });

  it.each([
    ['on the volume', volumeFacts(labelled('true')), true],
    ['on the claim', volumeFacts(pv({}), labelled('true')), true],
    ['of another value', volumeFacts(labelled('false'), labelled('')), false],
    ['nowhere', volumeFacts(pv({}), pv({})), false],
  ])('%s', (_where, facts, skip) => {
    expect(facts.skip).toBe(skip);
  });
});

describe("the key of a volume's data", () => {
  const server = '0123abc-xyz.cn-hangzhou.nas.aliyuncs.com';

  it.each([
    ['one disk by two drivers', csi('disk'), flexDisk('h-1'), true],
    ['two disks', flexDisk('d-1'), flexDisk('d-2'), false],
    ['one path of a file system', csi('nas', { server, path: '/a' }), nfs('/a/'), true],
    ['two paths of a file system', csi('nas', { server, path: '/a' }), nfs('/b'), false],
    ['the root, written or not', csi('nas', { server }), nfs('/'), true],
    ['one path of a bucket', oss('b', 'x'), oss('b', '/x'), true],
    ['two buckets', oss('b', 'x'), oss('c', 'x'), false],
  ])('%s', (_what, one, two, same) => {
    expect(volumeFacts(one).dataKey === volumeFacts(two).dataKey).toBe(same);
  });

  it("of unknown storage is the volume's own", () => {
    expect(volumeFacts(pv({ local: { path: '/mnt' } })).dataKey).toBe('pv:pv-1');
  });

  function flexDisk(volumeId: string) {
    return pv({ flexVolume: { driver: 'alicloud/disk', options: { volumeId } } });
  }
  function nfs(path: string) {
    return pv({ nfs: { server, path } });
  }
  function oss(bucket: string, path: string) {
    return csi('oss', { bucket, path });
  }
});

describe('the folder of a volume below its pod', () => {
  it.each([
    ['CSI', csi('nas'), 'kubernetes.io~csi/pv-1/mount'],
    ['NFS', pv({ nfs: { server: 's', path: '/' } }), 'kubernetes.io~nfs/pv-1'],
    ['CephFS', pv({ cephfs: { monitors: ['m'] } }), 'kubernetes.io~cephfs/pv-1'],
    ['a local volume', pv({ local: { path: '/mnt' } }), 'kubernetes.io~local-volume/pv-1'],
    ['an in-tree disk', pv({ awsElasticBlockStore: {} }), 'kubernetes.io~aws-ebs/pv-1'],
    ['FlexVolume', pv({ flexVolume: { driver: 'alicloud/nas' } }), 'alicloud~nas/pv-1'],
  ])('of %s', (_what, volume, folder) => {
    expect(volumeFacts(volume).podFolder).toBe(folder);
  });
});
