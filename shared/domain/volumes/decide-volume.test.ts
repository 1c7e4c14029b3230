import { describe, expect, it } from 'vitest';
import { type DecisionContext, decideVolume, type VolumeMount } from './decide-volume.ts';
import { SKIP_LABEL, volumeFacts } from './volume-facts.ts';

const NAS_SERVER = '0123abc-xyz.cn-hangzhou.nas.aliyuncs.com';

function csi(driver: string, spec: object = {}, volumeAttributes: object = {}) {
  const name = driver.includes('.') ? driver : `${driver}plugin.csi.alibabacloud.com`;
  const source = { driver: name, volumeHandle: 'd-1', volumeAttributes };
  return volumeFacts({ metadata: { name: 'pv-1' }, spec: { csi: source, ...spec } });
}

function inTree(spec: object) {
  return volumeFacts({ metadata: { name: 'pv-1' }, spec });
}

const mount: VolumeMount = {
  pod: 'web-0',
  podUid: 'u1',
  node: 'node-1',
  running: true,
  virtualNode: false,
};
const context: DecisionContext = {
  volumeBackup: true,
  excluded: false,
  cluster: {
    type: 'ManagedKubernetes',
    profile: 'Default',
    kubernetesVersion: '1.32.1-aliyun.1',
    csiVersion: 'v1.32.1-3f43b0b-aliyun',
    allNodesEcs: true,
  },
  disk: { exists: true, everAttached: true, status: 'In_use', category: 'cloud_essd' },
  mounts: [mount],
  agent: 'READY',
  nasPlans: false,
};
const disk = csi('disk');
const nas = csi('nas', {}, { server: NAS_SERVER, path: '/k8s' });
const block = { volumeMode: 'Block' };

function cluster(given: Partial<DecisionContext['cluster']>): DecisionContext {
  return { ...context, cluster: { ...context.cluster, ...given } };
}

/** Method, way where there is one, and reason: as a user reads it. */
function decided(facts = disk, given: DecisionContext = context): string {
  const decision = decideVolume(facts, given);
  if (decision === undefined) return 'nothing';
  const way = decision.method === 'cloudBackup' ? ` ${decision.way}` : '';
  return `${decision.method}${way}: ${decision.reason}`;
}

describe('rows 1 and 2: volume backup is off', () => {
  const off = { ...context, volumeBackup: false };

  it.each([
    ['a disk', disk],
    ['NAS', nas],
    ['a path of the host', inTree({ hostPath: { path: '/x' } })],
  ])('%s is YAML only', (_what, facts) => {
    expect(decided(facts, off)).toBe('yamlOnly: volume backup is off');
  });

  it('an excluded claim is nothing', () => {
    expect(decided(disk, { ...off, excluded: true })).toBe('nothing');
  });

  it('an excluded claim says so where it is on', () => {
    expect(decided(disk, { ...context, excluded: true })).toBe('notBackedUp: claim excluded');
  });
});

describe('row 3: the skip label', () => {
  const labelled = (value: string) =>
    volumeFacts(
      { metadata: { name: 'p' }, spec: { csi: { driver: disk.driver, volumeHandle: 'd-1' } } },
      { metadata: { labels: { [SKIP_LABEL]: value } } },
    );

  it('leaves the data out', () => {
    expect(decided(labelled('true'))).toBe(`notBackedUp: skipped by label ${SKIP_LABEL}`);
  });

  it('of another value does not', () => {
    expect(decided(labelled('false'))).toMatch(/^ecsSnapshot/);
  });
});

describe('row 4: volumes that no pod mounts', () => {
  const unmounted = { ...context, mounts: [], nasPlans: true };
  const available = {
    exists: true,
    everAttached: true,
    status: 'Available',
    category: 'cloud_auto',
  };

  it.each([
    ['a disk that was attached once', available, 'ecsSnapshot: disk of a qualifying cluster'],
    ['a disk that never was', { ...available, everAttached: false }, 'notBackedUp: never attached'],
    ['a disk that ECS was not asked for', undefined, 'ecsSnapshot: disk of a qualifying cluster'],
  ] as const)('%s', (_what, state, words) => {
    expect(decided(disk, { ...unmounted, disk: state })).toContain(words);
  });

  it('a disk that is attached was attached, whatever its time says', () => {
    const attached = { ...available, exists: true, everAttached: false, status: 'In_use' } as const;
    expect(decided(disk, { ...context, disk: attached })).toMatch(/^ecsSnapshot/);
  });

  it('files that only a node could read are not backed up', () => {
    expect(decided(csi('oss'), unmounted)).toContain('notBackedUp: not mounted by any pod');
  });

  it('NAS is, since its plan needs no pod', () => {
    expect(decided(nas, unmounted)).toBe('cloudBackup nas: nas volume');
  });

  it('a disk that does not qualify is not backed up', () => {
    const old = { ...cluster({ kubernetesVersion: '1.16.9' }), mounts: [] };
    expect(decided(disk, old)).toMatch(
      /^notBackedUp: not mounted by any pod .*Kubernetes 1\.16\.9/,
    );
  });
});

describe('a disk that is gone', () => {
  const gone = { ...context, disk: { exists: false } } as const;

  it.each([
    ['of the CSI driver', disk],
    [
      'of FlexVolume',
      inTree({ flexVolume: { driver: 'alicloud/disk', options: { volumeId: 'd-1' } } }),
    ],
  ])('%s is not backed up', (_what, facts) => {
    expect(decided(facts, gone)).toBe('notBackedUp: disk d-1 does not exist any more');
  });

  it('is nothing to NAS', () => {
    expect(decided(nas, gone)).toMatch(/^cloudBackup/);
  });
});

describe('row 5: Serverless and Edge clusters', () => {
  it.each([
    ['Serverless', { profile: 'Serverless', csiVersion: undefined, allNodesEcs: false }],
    ['Edge', { profile: 'Edge', csiVersion: undefined, allNodesEcs: false }],
    ['the old serverless type', { type: 'Ask', csiVersion: undefined, allNodesEcs: false }],
  ])('disks of %s are snapshotted', (_what, given) => {
    expect(decided(disk, cluster(given))).toMatch(/^ecsSnapshot: .*CSI unknown/);
  });

  it('disks there that were never attached are not', () => {
    const fresh = {
      exists: true,
      everAttached: false,
      status: 'Available',
      category: 'cloud',
    } as const;
    const given = { ...cluster({ profile: 'Serverless' }), disk: fresh };
    expect(decided(disk, given)).toContain('notBackedUp: never attached');
  });

  it('files on virtual nodes are not to be had', () => {
    const mounts = [{ ...mount, virtualNode: true }];
    const given = { ...cluster({ profile: 'Serverless' }), mounts };
    expect(decided(csi('oss'), given)).toContain(
      'notBackedUp: cloud_backup_unavailable: no running',
    );
  });
});

describe('rows 6 to 8: disks of clusters by type and version', () => {
  it.each([
    ['managed', { type: 'ManagedKubernetes' }, 'disk of a qualifying cluster'],
    ['dedicated', { type: 'Kubernetes', allNodesEcs: false }, 'disk of a qualifying cluster'],
    ['registered, all of ECS', { type: 'ExternalKubernetes' }, 'disk of a registered cluster'],
    ['of the least versions', { kubernetesVersion: '1.18.0', csiVersion: 'v1.1.0' }, 'qualifying'],
  ])('%s: snapshot', (_what, given, words) => {
    expect(decided(disk, cluster(given))).toMatch(/^ecsSnapshot: /);
    expect(decided(disk, cluster(given))).toContain(words);
  });

  it.each([
    ['older Kubernetes', { kubernetesVersion: '1.17.9-aliyun.1' }, 'Kubernetes 1.17.9-aliyun.1'],
    ['unknown Kubernetes', { kubernetesVersion: '' }, 'Kubernetes unknown'],
    ['older CSI', { csiVersion: 'v1.0.9-a-aliyun' }, 'CSI v1.0.9-a-aliyun'],
    ['unknown CSI', { csiVersion: undefined }, 'CSI unknown'],
    ['CSI that is no version', { csiVersion: 'latest' }, 'CSI latest'],
    ['a foreign node', { type: 'ExternalKubernetes', allNodesEcs: false }, 'no ECS instance'],
    [
      'old versions of a registered one',
      { type: 'ExternalKubernetes', csiVersion: 'v1.0.0' },
      'v1.0.0',
    ],
    ['an unknown type', { type: 'Mystery' }, 'type Mystery'],
  ])('%s: Cloud Backup', (_what, given, words) => {
    const reason = decided(disk, cluster(given));
    expect(reason).toMatch(/^cloudBackup container: disk does not qualify: /);
    expect(reason).toContain(words);
  });

  it('the reason carries both versions and what is needed', () => {
    expect(decided(disk, cluster({ kubernetesVersion: '1.16.9', csiVersion: undefined }))).toBe(
      'cloudBackup container: disk does not qualify: Kubernetes 1.16.9, CSI unknown; ' +
        '1.18 and 1.1.0 are needed for snapshots',
    );
    expect(decided()).toBe(
      'ecsSnapshot: disk of a qualifying cluster ' +
        '(Kubernetes 1.32.1-aliyun.1, CSI v1.32.1-3f43b0b-aliyun)',
    );
  });

  it.each([
    ['elastic_ephemeral_disk_standard', /^cloudBackup container: disks of category elastic/],
    ['local_ssd_pro', /^cloudBackup container: disks of category local_ssd_pro/],
    ['ephemeral_ssd', /^cloudBackup container/],
    ['cloud_regional_disk_auto', /^ecsSnapshot/],
    ['cloud', /^ecsSnapshot/],
  ])('category %s', (category, words) => {
    const state = { exists: true, everAttached: true, status: 'In_use', category } as const;
    expect(decided(disk, { ...context, disk: state })).toMatch(words);
  });

  it('a volume without a disk id is not backed up', () => {
    const { diskId: _id, ...nameless } = disk;
    expect(decided(nameless)).toBe('notBackedUp: the volume names no disk');
  });
});

describe('row 9: Block mode', () => {
  it('is snapshotted where the cluster qualifies', () => {
    expect(decided(csi('disk', block))).toMatch(/^ecsSnapshot/);
  });

  it.each([
    ['a disk that does not qualify', csi('disk', block), cluster({ csiVersion: undefined })],
    ['other storage', csi('local', block), context],
    ['a disk without snapshots', csi('disk', block), { ...context, disk: localDisk() }],
  ])('%s is not backed up', (_what, facts, given) => {
    expect(decided(facts, given)).toMatch(/^notBackedUp: Block mode: /);
  });

  function localDisk() {
    return {
      exists: true,
      everAttached: true,
      status: 'In_use',
      category: 'local_ssd_pro',
    } as const;
  }
});

describe('rows 10 and 12: files by Cloud Backup', () => {
  it.each([
    ['NAS', nas, 'nas volume'],
    ['NAS without a file system id', csi('nas', {}, { server: '10.0.0.1' }), 'nas volume'],
    ['OSS', csi('oss'), 'oss volume'],
    ['CPFS', csi('bmcpfs'), 'cpfs volume'],
    ['a local volume', inTree({ local: { path: '/mnt' } }), 'local volume'],
    ['NFS', inTree({ nfs: { server: 's', path: '/' } }), 'nfs volume'],
    ['CephFS', inTree({ cephfs: { monitors: ['m'] } }), 'volume of cephfs'],
    ['RBD', csi('rbd.csi.ceph.com'), 'volume of rbd.csi.ceph.com'],
    ["other vendors' CSI", csi('ebs.csi.aws.com'), 'volume of ebs.csi.aws.com'],
    ['an unknown source', inTree({}), 'volume of an unknown driver'],
  ])('%s goes through the node', (_what, facts, why) => {
    expect(decided(facts)).toBe(`cloudBackup container: ${why}`);
  });

  it('the decision says which pod on which node', () => {
    const waiting = { ...mount, pod: 'a', running: false };
    const { node: _node, ...unplaced } = { ...mount, pod: 'b' };
    const away = { ...mount, pod: 'c', virtualNode: true };
    const mounts = [waiting, unplaced, away, { ...mount, pod: 'd', node: 'node-2' }];
    expect(decideVolume(csi('oss'), { ...context, mounts })).toMatchObject({
      way: 'container',
      mount: { pod: 'd', node: 'node-2' },
    });
  });

  it.each([
    ['no pod runs', { mounts: [{ ...mount, running: false }] }, 'no running pod mounts it'],
    [
      'all nodes are virtual',
      { mounts: [{ ...mount, virtualNode: true }] },
      'on a node of its own',
    ],
    ['the agent is missing', { agent: 'MISS' }, 'is MISS, not READY'],
    ['the agent is unknown', { agent: 'UNKNOWN' }, 'is UNKNOWN, not READY'],
    ['the cluster is unknown', { agent: 'UNREGISTERED' }, 'is UNREGISTERED, not READY'],
    ['Cloud Backup is silent', { agent: undefined }, 'is not known to Cloud Backup'],
  ] as const)('it is not to be had where %s', (_what, given, words) => {
    const reason = decided(csi('oss'), { ...context, ...given });
    expect(reason).toMatch(/^notBackedUp: cloud_backup_unavailable: .*\(oss volume\)$/);
    expect(reason).toContain(words);
  });

  it('a disk that does not qualify needs the agent too', () => {
    const given = { ...cluster({ csiVersion: undefined }), agent: 'MISS' } as const;
    expect(decided(disk, given)).toContain('notBackedUp: cloud_backup_unavailable');
  });
});

describe('NAS without an agent', () => {
  const plans: DecisionContext = { ...context, nasPlans: true, agent: undefined };

  it('goes by a plan on the file system', () => {
    expect(decideVolume(nas, plans)).toEqual({
      method: 'cloudBackup',
      way: 'nas',
      reason: 'nas volume',
      fileSystemId: '0123abc',
    });
  });

  it.each([
    ['on a virtual node', { mounts: [{ ...mount, virtualNode: true }] }],
    ['not running yet', { mounts: [{ ...mount, running: false }] }],
  ])('also where its pod is %s', (_what, given) => {
    expect(decided(nas, { ...plans, ...given })).toMatch(/^cloudBackup nas/);
  });

  it.each([
    ['plans are not to be used', nas, { ...plans, nasPlans: false }],
    ['the file system is unknown', csi('nas', {}, { server: '10.0.0.1' }), plans],
    ['it is CPFS', csi('nas', {}, { server: 'cpfs-1-2.cn-a.cpfs.aliyuncs.com' }), plans],
    ['it is OSS', csi('oss'), plans],
  ])('does not where %s', (_what, facts, given) => {
    expect(decided(facts, given)).toContain('notBackedUp: cloud_backup_unavailable');
    expect(decided(facts, { ...given, agent: 'READY' })).toMatch(/^cloudBackup container/);
  });

  it('goes for in-tree NFS and FlexVolume of NAS as well', () => {
    const options = { server: NAS_SERVER, path: '/a' };
    expect(decided(inTree({ nfs: options }), plans)).toMatch(/^cloudBackup nas/);
    const flex = inTree({ flexVolume: { driver: 'alicloud/nas', options } });
    expect(decided(flex, plans)).toBe('cloudBackup nas: FlexVolume alicloud/nas');
  });
});

describe('rows 11 and 13', () => {
  it.each([
    ['mounted', context],
    ['unmounted', { ...context, mounts: [] }],
  ])('hostPath is not backed up, %s', (_what, given) => {
    expect(decided(inTree({ hostPath: { path: '/x' } }), given)).toMatch(/^notBackedUp: hostPath/);
  });

  it('a FlexVolume disk goes through the node even where CSI disks are snapshotted', () => {
    const flex = inTree({ flexVolume: { driver: 'alicloud/disk', options: { volumeId: 'd-1' } } });
    expect(decided(flex)).toBe('cloudBackup container: FlexVolume alicloud/disk');
    expect(decided(flex, { ...context, agent: 'MISS' })).toContain('cloud_backup_unavailable');
  });
});
