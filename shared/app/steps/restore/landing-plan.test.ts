import { describe, expect, it } from 'vitest';
import type { CloudFiles, VolumeBackup } from '../../../domain/volume-backup.ts';
import { GIB } from '../../../domain/volumes/quantity.ts';
import { planLandings, separatedFolders } from './landing-plan.ts';

const NAS: CloudFiles = { way: 'nas', fileSystemId: 'f', path: '/' };

function storageClass(name: string, kind: string, volumeBindingMode = 'Immediate') {
  const provisioner = `${kind}plugin.csi.alibabacloud.com`;
  return { metadata: { name }, provisioner, volumeBindingMode };
}

const CLASSES = [
  storageClass('nas', 'nas'),
  storageClass('late-nas', 'nas', 'WaitForFirstConsumer'),
  storageClass('disk', 'disk', 'WaitForFirstConsumer'),
];

/** A claim of `shop` whose files were read on a node, unless `files` says otherwise. */
function claim(
  pvc: string,
  given: { files?: CloudFiles; row?: Partial<VolumeBackup>; to?: string } = {},
) {
  const node: CloudFiles = {
    way: 'container',
    cluster: 'c1',
    node: 'n',
    podUid: 'u',
    folder: 'f',
    pvUid: 'p',
    pv: `pv-${pvc}`,
    namespace: 'shop',
    pvc,
    storageClass: 'nas',
    size: '1Gi',
  };
  const row: VolumeBackup = {
    namespace: 'shop',
    pvc,
    pv: `pv-${pvc}`,
    method: 'cloudBackup',
    reason: '',
    phase: 'Completed',
    progress: 1,
    resourceId: 's-1',
    sizeBytes: 0,
    source: {
      kind: 'files',
      region: 'cn-hangzhou',
      driver: '',
      accessModes: [],
      files: given.files ?? node,
      hbrVaultId: 'v-1',
      snapshotHash: 'h',
    },
    ...given.row,
  };
  const body = { spec: { storageClassName: given.to ?? 'nas' } };
  return { row, claim: body, place: 'copy', exists: false };
}

type Facts = Parameters<typeof planLandings>[0];

function plan(claims: Facts['claims'], rest: Partial<Facts> = {}) {
  const known = { mountings: [], conversions: [], classes: CLASSES, agent: 'READY' } as const;
  return planLandings({ ...known, claims, ...rest });
}

describe('the plan of landings', () => {
  it.each([
    ['not taken', { phase: 'Failed' }],
    ['by snapshot', { method: 'ecsSnapshot' }],
    ['YAML only', { method: 'yamlOnly', phase: 'Skipped' }],
  ] as const)('has no claim whose files are not in Cloud Backup: %s', (_what, row) => {
    expect(plan([claim('data', { row })])).toEqual([]);
  });

  it('has a pod where a client writes, or where the class waits for one', () => {
    const plans = plan([
      claim('a'),
      claim('b', { files: NAS }),
      claim('c', { files: NAS, to: 'late-nas' }),
    ]);
    expect(plans.map(({ pod }) => pod !== undefined)).toEqual([true, false, true]);
  });

  it('puts claims together that one pod of a StatefulSet or a Deployment mounts', () => {
    const podSpec = { nodeSelector: { disk: 'fast' }, containers: [{ image: 'x' }] };
    const mountings = [
      { namespace: 'other', name: 'db', claims: ['data-db-#'], podSpec: {} },
      { namespace: 'shop', name: 'db', claims: ['data-db-#', 'wal-db-#', 'shared'], podSpec },
    ];
    const names = ['data-db-0', 'wal-db-0', 'data-db-1', 'shared', 'data-db-x', 'alone'];
    const plans = plan(
      names.map((name) => claim(name)),
      { mountings },
    );
    expect(plans.map(({ pod }) => pod?.group)).toEqual([
      'shop/db#0',
      'shop/db#0',
      'shop/db#1',
      'shop/db#',
      'shop/data-db-x',
      'shop/alone',
    ]);
    expect(plans[0]?.pod?.placement).toEqual({ nodeSelector: { disk: 'fast' } });
  });

  it.each([
    ['the client is missing', claim('a'), 'MISS', 'cloud_backup_unavailable'],
    ['Cloud Backup does not answer', claim('a'), undefined, 'cloud_backup_unavailable'],
    ['no client is needed', claim('a', { files: NAS }), undefined, undefined],
    ['the target has the claim', { ...claim('a'), exists: true }, 'MISS', undefined],
  ] as const)('refuses a claim that cannot be filled: %s', (_what, one, agent, code) => {
    expect(plan([one], { agent })[0]?.refused?.code).toBe(code);
  });

  it('lets a claim that is for reading only be written to, where a pod mounts it for that', () => {
    const readOnly = (one: ReturnType<typeof claim>, ...accessModes: string[]) => ({
      ...one,
      claim: { spec: { ...one.claim.spec, accessModes } },
    });
    const plans = plan([
      readOnly(claim('a'), 'ReadOnlyMany'),
      readOnly(claim('b'), 'ReadOnlyMany', 'ReadWriteMany'),
      readOnly(claim('c', { files: NAS }), 'ReadOnlyMany'),
      claim('d'),
    ]);
    const modes = plans.map(({ addedMode }) => addedMode);
    expect(modes).toEqual(['ReadWriteOnce', undefined, undefined, undefined]);
  });

  it('says which claims had one folder, and no longer have', () => {
    const other: CloudFiles = { way: 'nas', fileSystemId: 'f', path: '/other' };
    const plans = plan([
      claim('a', { files: NAS }),
      claim('b', { files: other }),
      claim('c', { files: NAS }),
      claim('d'),
    ]);
    expect(separatedFolders(plans)).toMatchObject([
      {
        code: 'folder_not_shared',
        message:
          'Claims shop/a, shop/c shared folder / of file system f in cn-hangzhou: each gets files of its own now',
      },
    ]);
  });

  it.each([
    ['nas', 0, 0],
    ['nas', 10 * GIB, 11],
    ['disk', 0, 20],
    ['disk', 100 * GIB, 105],
  ])('asks for room for the files: %s, %d bytes', (to, sizeBytes, expected) => {
    expect(plan([claim('a', { to, row: { sizeBytes } })])[0]?.sizeGiBMin).toBe(expected);
  });
});
