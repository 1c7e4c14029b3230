import { describe, expect, it } from 'vitest';
import type { RestoreSpec } from '../restore-record.ts';
import type { VolumeBackup } from '../volume-backup.ts';
import { type ClaimToRestore, planConversions } from './storage-class-conversion.ts';

const RWO = 'ReadWriteOnce';
const ROX = 'ReadOnlyMany';
const RWX = 'ReadWriteMany';
const ALLTYPE = 'alicloud-disk-topology-alltype';
const CNFS = 'alibabacloud-cnfs-nas';

type Entries = RestoreSpec['storageClassConversion'];

function storageClass(name: string, provisioner: string, mode?: string) {
  const binding = mode === undefined ? {} : { volumeBindingMode: mode };
  return {
    metadata: { name },
    provisioner: `${provisioner}plugin.csi.alibabacloud.com`,
    ...binding,
  };
}

const classes = [
  storageClass(ALLTYPE, 'disk', 'WaitForFirstConsumer'),
  storageClass('my-disk', 'disk', 'WaitForFirstConsumer'),
  storageClass('alicloud-disk-essd', 'disk'),
  storageClass('immediate', 'disk', 'Immediate'),
  storageClass(CNFS, 'nas', 'Immediate'),
  storageClass('my-nas', 'nas'),
  storageClass('oss', 'oss'),
  storageClass('lvm', 'local'),
  { metadata: { name: 'rook' }, provisioner: 'rook-ceph.rbd.csi.ceph.com' },
];

const NAS_FILES = { way: 'nas', fileSystemId: 'f', path: '/' } as const;
const NODE_FILES = {
  way: 'container',
  cluster: 'c1',
  node: 'n1',
  podUid: 'uid-1',
  folder: 'kubernetes.io~csi/pv-data/mount',
  pvUid: 'uid-2',
  pv: 'pv-data',
  namespace: 'shop',
  pvc: 'data',
  storageClass: 'my-nas',
  size: '20Gi',
} as const;

/** Files of a NAS claim of class my-nas, taken by Cloud Backup. */
function files(given: {
  modes?: readonly string[];
  name?: string;
  from?: string;
  row?: Partial<VolumeBackup>;
  region?: string;
  driver?: string;
  /** Whether Cloud Backup read them from NAS without a client on a node. */
  nas?: boolean;
}): ClaimToRestore {
  const { modes = [RWO], name = 'shop/data', from = 'my-nas', row } = given;
  const [namespace = '', pvc = ''] = name.split('/');
  const volume: VolumeBackup = {
    namespace,
    pvc,
    pv: `pv-${pvc}`,
    method: 'cloudBackup',
    reason: '',
    phase: 'Completed',
    progress: 1,
    source: {
      kind: 'files',
      region: given.region ?? 'cn-hangzhou',
      driver: given.driver ?? 'nasplugin.csi.alibabacloud.com',
      storageClass: from,
      accessModes: modes,
      files: given.nas === true ? NAS_FILES : NODE_FILES,
    },
    ...row,
  };
  return { volume };
}

function disk(name = 'shop/db', from = ALLTYPE): ClaimToRestore {
  const source = {
    kind: 'disk',
    diskId: 'd-1',
    region: 'cn-beijing',
    zone: 'z',
    category: 'cloud_essd',
    sizeGiB: 20,
    volumeMode: 'Filesystem',
    ...(from === '' ? {} : { storageClass: from }),
  } as const;
  return files({ name, row: { method: 'ecsSnapshot', source } });
}

function plan(entries: Entries, claims: readonly ClaimToRestore[], zones = ['h', 'i']) {
  return planConversions({ entries, claims, classes, zones, region: 'cn-hangzhou' });
}

/** `code of object` of findings, `claim -> class [modes]` of conversions: a plan in lines. */
function lines(entries: Entries, claims: readonly ClaimToRestore[], zones?: string[]): string[] {
  const { conversions, warnings, errors } = plan(entries, claims, zones);
  const nameOf = (object?: { namespace?: string; name: string }) =>
    object === undefined ? '' : ` ${object.namespace}/${object.name}`;
  return [
    ...conversions.map((c) => `${c.namespace}/${c.pvc} -> ${c.storageClass} [${c.accessModes}]`),
    ...warnings.map((w) => `warning ${w.code}${nameOf(w.object)}`),
    ...errors.map((e) => `error ${e.code}${nameOf(e.object)}`),
  ];
}

const refused = (code: string) => [`error ${code} shop/data`];
const made = (to: string, modes = RWO) => [`shop/data -> ${to} [${modes}]`];

describe('who may be converted', () => {
  it.each([
    ['files of NAS', files({}), true],
    ['files of a disk', files({ driver: 'diskplugin.csi.alibabacloud.com' }), true],
    ['files taken in part', files({ row: { phase: 'PartiallyFailed' } }), true],
    ['a snapshot', disk('shop/data', 'my-nas'), false],
    ['YAML only', bare({ method: 'yamlOnly', phase: 'Skipped' }), false],
    ['what was not backed up', bare({ method: 'notBackedUp', phase: 'Skipped' }), false],
    ['files that were not taken', files({ row: { phase: 'Failed' } }), false],
  ])('%s: %s', (_what, claim, allowed) => {
    const named = lines([{ pvc: 'data', to: 'my-disk' }], [claim]);
    expect(named.filter((l) => l.includes('not_allowed'))).toEqual(
      allowed ? [] : refused('conversion_not_allowed'),
    );
    expect(named.includes('shop/data -> my-disk [ReadWriteOnce]')).toBe(allowed);
    const wild = lines([{ to: 'my-disk' }], [claim]);
    expect(wild).toEqual(allowed ? named : ['warning conversion_skipped shop/data']);
  });

  it.each([
    ['another class of NAS', CNFS, made(CNFS)],
    ['a disk', 'my-disk', refused('conversion_not_allowed')],
    ['OSS', 'oss', refused('conversion_not_allowed')],
  ])('what Cloud Backup took from NAS itself, to %s', (_what, to, expected) => {
    expect(lines([{ to }], [files({ nas: true })])).toEqual(expected);
  });

  it('what Cloud Backup took from NAS itself needs a class of NAS in the target too', () => {
    expect(lines([], [files({ nas: true })])).toEqual([]);
    const claims = [files({ nas: true, from: 'my-disk' })];
    expect(lines([], claims)).toEqual(refused('conversion_not_allowed'));
    expect(plan([], claims).errors[0]?.message).toBe(
      'Cannot restore the files of claim shop/data: Cloud Backup took them from NAS itself, and my-disk is no class of NAS',
    );
  });

  it('the object of the claim is believed before the row', () => {
    const claim = { spec: { storageClassName: 'from-object', accessModes: [RWX] } };
    const given = [{ ...bare({ method: 'yamlOnly', phase: 'Skipped' }), claim }];
    expect(lines([{ from: 'from-object', to: CNFS }], given)).toEqual([
      'warning conversion_skipped shop/data',
    ]);
    expect(lines([{ to: 'my-disk' }], [{ ...files({}), claim }])).toEqual(
      refused('access_mode_unsupported'),
    );
  });

  function bare(row: Partial<VolumeBackup>): ClaimToRestore {
    const { source: _source, ...volume } = files({ row }).volume;
    return { volume };
  }
});

describe('targets', () => {
  it.each([
    ['a disk class that waits', 'my-disk', ['h', 'i'], made('my-disk')],
    [
      'a disk class that does not, in two zones',
      'immediate',
      ['h', 'i'],
      refused('immediate_binding'),
    ],
    [
      'a disk class that says nothing',
      'alicloud-disk-essd',
      ['h', 'i'],
      refused('immediate_binding'),
    ],
    ['a disk class that does not, in one zone', 'immediate', ['h', 'h'], made('immediate')],
    ['a disk class that does not, without nodes', 'immediate', [], made('immediate')],
    ["the product's name of disks", 'alicloud-disk', ['h', 'i'], made(ALLTYPE)],
    ['CNFS, which binds at once', CNFS, ['h', 'i'], made(CNFS)],
    ['a NAS class', 'my-nas', ['h', 'i'], made('my-nas')],
    ['an OSS class', 'oss', ['h', 'i'], made('oss')],
    ['a local class', 'lvm', ['h', 'i'], refused('conversion_not_allowed')],
    ["another vendor's", 'rook', ['h', 'i'], refused('conversion_not_allowed')],
    ['a class that is not there', 'nowhere', ['h', 'i'], refused('storage_class_missing')],
  ])('%s', (_what, to, zones, expected) => {
    expect(lines([{ to }], [files({})], zones)).toEqual(expected);
  });

  it('alicloud-disk is a class of that very name where there is one', () => {
    const own = storageClass('alicloud-disk', 'disk', 'WaitForFirstConsumer');
    const given = { entries: [{ to: 'alicloud-disk' }], claims: [files({})], zones: ['h'] };
    const named = planConversions({ ...given, classes: [...classes, own], region: 'cn-hangzhou' });
    expect(named.conversions[0]?.storageClass).toBe('alicloud-disk');
    const gone = planConversions({ ...given, classes: [], region: 'cn-hangzhou' });
    expect(gone.errors[0]?.code).toBe('storage_class_missing');
  });
});

describe('access modes by target', () => {
  const warned = [...made('my-disk', ROX), 'warning single_node_only shop/data'];

  it.each([
    [RWO, 'my-disk', made('my-disk', RWO)],
    [RWO, CNFS, made(CNFS, RWO)],
    [RWO, 'oss', made('oss', RWO)],
    [ROX, 'my-disk', warned],
    [ROX, CNFS, made(CNFS, ROX)],
    [ROX, 'oss', made('oss', ROX)],
    [RWX, 'my-disk', refused('access_mode_unsupported')],
    [RWX, CNFS, made(CNFS, RWX)],
    [RWX, 'oss', made('oss', RWX)],
    ['ReadWriteOncePod', 'my-disk', made('my-disk', 'ReadWriteOncePod')],
  ])('%s to %s', (mode, to, expected) => {
    expect(lines([{ to }], [files({ modes: [mode] })])).toEqual(expected);
  });

  it.each([
    [
      'several modes, one of them shared',
      [RWO, RWX],
      undefined,
      refused('access_mode_unsupported'),
    ],
    ['shared, whatever the entry gives', [RWX], [RWO], refused('access_mode_unsupported')],
    ['shared by the entry', [RWO], [RWX], refused('access_mode_unsupported')],
    ['read by many, by the entry', [RWO], [ROX], warned],
    ['read by many, not by the entry', [ROX], [RWO], [...made('my-disk'), ...warned.slice(1)]],
  ])('to a disk: %s', (_what, modes, accessModes, expected) => {
    const entry = { to: 'my-disk', ...(accessModes === undefined ? {} : { accessModes }) };
    expect(lines([entry], [files({ modes })])).toEqual(expected);
  });

  it('modes of the entry are what the claim gets, and listed', () => {
    const { conversions } = plan([{ to: CNFS, accessModes: [RWX] }], [files({})]);
    expect(conversions).toEqual([
      {
        namespace: 'shop',
        pvc: 'data',
        storageClass: CNFS,
        accessModes: [RWX],
        changes: [
          `storageClassName: my-nas becomes ${CNFS}`,
          'accessModes: ReadWriteOnce becomes ReadWriteMany',
        ],
      },
    ]);
  });

  it('a claim that has the class already is not changed', () => {
    expect(plan([{ to: 'my-nas' }], [files({})]).conversions[0]?.changes).toEqual([]);
  });
});

describe('the entry that counts', () => {
  const claims = [files({})];
  it.each([
    [
      'a named claim before its namespace',
      [
        { namespace: 'shop', to: 'oss' },
        { pvc: 'data', to: CNFS },
      ],
    ],
    [
      'a namespace before a class',
      [
        { from: 'my-nas', to: 'oss' },
        { namespace: 'shop', to: CNFS },
      ],
    ],
    ['a class before nothing', [{ to: 'oss' }, { from: 'my-nas', to: CNFS }]],
    [
      'more before less',
      [
        { pvc: 'data', to: 'oss' },
        { namespace: 'shop', pvc: 'data', to: CNFS },
      ],
    ],
    [
      'the first of equal ones',
      [
        { from: 'my-nas', to: CNFS },
        { from: 'my-nas', to: 'oss' },
      ],
    ],
    ['nothing before a star', [{ to: CNFS }, { namespace: '*', pvc: '*', from: '*', to: 'oss' }]],
    [
      'what matches, not what says more',
      [{ to: CNFS }, { namespace: 'other', pvc: 'data', to: 'oss' }],
    ],
  ])('%s', (_what, entries) => {
    expect(plan(entries, claims).conversions.map((c) => c.storageClass)).toEqual([CNFS]);
  });

  it('a wildcard converts what it can and lists the rest', () => {
    const given = [files({}), disk(), files({ name: 'web/logs' })];
    expect(lines([{ to: CNFS }], given)).toEqual([
      `shop/data -> ${CNFS} [ReadWriteOnce]`,
      `web/logs -> ${CNFS} [ReadWriteOnce]`,
      'warning conversion_skipped shop/db',
    ]);
  });

  it('a name holds in every namespace', () => {
    const given = [files({}), disk('web/data')];
    expect(lines([{ pvc: 'data', to: CNFS }], given)).toEqual([
      `shop/data -> ${CNFS} [ReadWriteOnce]`,
      'error conversion_not_allowed web/data',
    ]);
  });

  it('one that covers no claim is told', () => {
    const { warnings } = plan([{ namespace: 'gone', pvc: 'x', from: 'y', to: CNFS }], claims);
    expect(warnings).toEqual([
      {
        code: 'conversion_unused',
        message:
          'StorageClass conversion of claim x of namespace gone with class y to ' +
          'alibabacloud-cnfs-nas applies to no claim of the restore',
      },
    ]);
  });
});

describe('classes of claims that are not converted', () => {
  it.each([
    ['files of a class that is there', files({}), []],
    ['files of a class that is not', files({ from: 'gone' }), refused('storage_class_missing')],
    ['files without a class', files({ from: '' }), refused('storage_class_missing')],
    ['a snapshot of a class that is there', disk('shop/data'), []],
    [
      'a snapshot of a class that is not',
      disk('shop/data', 'gone'),
      refused('storage_class_missing'),
    ],
    ['a snapshot without a class: a static volume', disk('shop/data', ''), []],
    ['a volume without data', files({ from: 'gone', row: { phase: 'Failed' } }), []],
    ['YAML only: a static volume', files({ from: 'gone', row: { method: 'yamlOnly' } }), []],
  ])('%s', (_what, claim, expected) => {
    expect(lines([], [claim])).toEqual(expected);
  });

  it.each([
    ['files of NAS', files({ from: 'gone' }), CNFS],
    ['files that are shared', files({ from: 'gone', modes: [RWX], driver: 'x' }), CNFS],
    ['files of one pod', files({ from: 'gone', driver: 'nfs' }), ALLTYPE],
    ['a snapshot', disk('shop/data', 'gone'), ALLTYPE],
  ])('%s: a class is proposed', (_what, claim, proposed) => {
    expect(plan([], [claim]).errors[0]?.hint).toContain(proposed);
  });

  it.each([CNFS, ALLTYPE])('%s itself is not proposed instead of itself', (name) => {
    const claim = name === CNFS ? files({ from: name }) : disk('shop/data', name);
    const given = { entries: [], claims: [claim], zones: [], region: 'cn-hangzhou' };
    const hint = planConversions({ ...given, classes: [] }).errors[0]?.hint ?? '';
    expect(hint).toMatch(/^Create/);
    expect(hint).not.toContain('convert the claim to');
  });
});

describe('another region', () => {
  it.each([
    ['files, left as they are', [], files({ region: 'cn-beijing' }), 1],
    ['files, converted', [{ to: CNFS }], files({ region: 'cn-beijing' }), 1],
    ['files without data', [], files({ region: 'cn-beijing', row: { phase: 'Failed' } }), 0],
    ['a snapshot', [], disk(), 0],
  ])('%s', (_what, entries, claim, errors) => {
    const found = plan(entries, [claim]).errors.filter(
      (e) => e.code === 'cross_region_unsupported',
    );
    expect(found).toHaveLength(errors);
    for (const { message } of found) expect(message).toMatch(/shop\/data.*cn-beijing.*cn-hangzhou/);
  });
});

it('messages say what was attempted, on what, and what was found', () => {
  const { errors } = plan([{ to: 'my-disk' }], [files({ modes: [RWX] })]);
  expect(errors).toEqual([
    {
      code: 'access_mode_unsupported',
      object: {
        apiVersion: 'v1',
        resource: 'persistentvolumeclaims',
        kind: 'PersistentVolumeClaim',
        namespace: 'shop',
        name: 'data',
      },
      message:
        'Cannot convert claim shop/data to StorageClass my-disk: its access modes are ' +
        'ReadWriteMany, and disks cannot be ReadWriteMany',
      hint: 'Convert it to alibabacloud-cnfs-nas, which replicas can share',
    },
  ]);
});
