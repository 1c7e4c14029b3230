/**
 * What a PersistentVolume says of its storage. Everything that is decided about a volume starts
 * from here, so that no other rule looks into a PV.
 */
import { type JsonObject, objectAt, objectsAt, textAt } from '../json.ts';
import { nasFileSystemId, storageKindOfServer } from './nas-server.ts';
import { quantityBytes } from './quantity.ts';
import { ZONE_LABELS } from './zone-labels.ts';

/** Storage behind a volume. `other`: any driver the centre has no rule for. */
type VolumeKind = 'disk' | 'nas' | 'oss' | 'cpfs' | 'local' | 'hostPath' | 'nfs' | 'other';

/** A volume as its PV describes it. */
export interface VolumeFacts {
  readonly pv: string;
  /** CSI driver, FlexVolume driver, or the in-tree source's field: `nfs`, `local`, `hostPath`. */
  readonly driver: string;
  readonly kind: VolumeKind;
  readonly volumeHandle?: string;
  /** ECS id of a cloud disk. */
  readonly diskId?: string;
  readonly server?: string;
  readonly path?: string;
  /** NAS id that the server's name tells; absent where the name is no mount target's. */
  readonly fileSystemId?: string;
  /** The one zone in which the volume can be used. */
  readonly zone?: string;
  readonly volumeMode: 'Filesystem' | 'Block';
  readonly accessModes: readonly string[];
  readonly storageClass?: string;
  readonly capacityBytes: number;
  readonly csi: boolean;
  readonly flexVolume: boolean;
  /** Whether the user asked to leave its data out. */
  readonly skip: boolean;
  /** Volumes of one key hold the same data, which is then taken once (ACK §10-49 and 50). */
  readonly dataKey: string;
  /** Its folder below `<kubelet>/pods/<pod uid>/volumes/` on a node that mounts it. */
  readonly podFolder: string;
}

/**
 * `true` on a claim or a PV: the volume's data is not backed up. The product's own label is
 * unpublished.
 */
export const SKIP_LABEL = 'backup-centre.io/skip-volume';

const CSI_KINDS: ReadonlyMap<string, VolumeKind> = new Map<string, VolumeKind>([
  ['diskplugin.csi.alibabacloud.com', 'disk'],
  ['nasplugin.csi.alibabacloud.com', 'nas'],
  ['ossplugin.csi.alibabacloud.com', 'oss'],
  ['cpfsplugin.csi.alibabacloud.com', 'cpfs'],
  ['bmcpfsplugin.csi.alibabacloud.com', 'cpfs'],
  ['localplugin.csi.alibabacloud.com', 'local'],
  ['yodaplugin.csi.alibabacloud.com', 'local'],
  ['nfs.csi.k8s.io', 'nfs'],
]);

const FLEX_KINDS: ReadonlyMap<string, VolumeKind> = new Map<string, VolumeKind>([
  ['alicloud/disk', 'disk'],
  ['alicloud/nas', 'nas'],
  ['alicloud/oss', 'oss'],
  ['alicloud/cpfs', 'cpfs'],
]);

/** In-tree sources the centre knows by name; all others are `other`. */
const IN_TREE_KINDS: Readonly<Record<string, VolumeKind>> = {
  nfs: 'nfs',
  local: 'local',
  hostPath: 'hostPath',
};

/** The kubelet's plugins of in-tree sources, where they are not called like the source. */
const IN_TREE_PLUGINS: Readonly<Record<string, string>> = {
  local: 'local-volume',
  awsElasticBlockStore: 'aws-ebs',
  azureDisk: 'azure-disk',
  azureFile: 'azure-file',
  gcePersistentDisk: 'gce-pd',
  vsphereVolume: 'vsphere-volume',
};

/** Fields of a PV's spec that are objects and no volume source. */
const NO_SOURCES: readonly string[] = ['capacity', 'claimRef', 'nodeAffinity'];

/** A volume's source, whatever wrote it down. */
interface Source {
  readonly driver: string;
  readonly kind: VolumeKind;
  readonly csi: boolean;
  readonly flexVolume: boolean;
  readonly folder: string;
  /** Where the driver looks for server, path and bucket. */
  readonly options: JsonObject;
  readonly volumeHandle?: string;
  readonly diskId?: string;
}

/** Reads a PV; `claim` is the claim bound to it, whose skip label counts as well. */
export function volumeFacts(pv: JsonObject, claim?: JsonObject): VolumeFacts {
  const name = textAt(pv, 'metadata', 'name') ?? '';
  const source = sourceOf(pv, name);
  const server = textAt(source.options, 'server');
  const path = textAt(source.options, 'path');
  const kind = server === undefined ? source.kind : storageKindOfServer(server, source.kind);
  const fileSystemId = kind === 'nas' ? nasFileSystemId(server ?? '') : undefined;
  const zone = zoneOf(pv);
  const storageClass = textAt(pv, 'spec', 'storageClassName');
  const spec = objectAt(pv, 'spec');
  return {
    pv: name,
    driver: source.driver,
    kind,
    ...(source.volumeHandle === undefined ? {} : { volumeHandle: source.volumeHandle }),
    ...(source.diskId === undefined ? {} : { diskId: source.diskId }),
    ...(server === undefined ? {} : { server }),
    ...(path === undefined ? {} : { path }),
    ...(fileSystemId === undefined ? {} : { fileSystemId }),
    ...(zone === undefined ? {} : { zone }),
    volumeMode: spec?.volumeMode === 'Block' ? 'Block' : 'Filesystem',
    accessModes: textsOf(spec?.accessModes),
    ...(storageClass === undefined || storageClass === '' ? {} : { storageClass }),
    capacityBytes: quantityBytes(objectAt(spec, 'capacity')?.storage) ?? 0,
    csi: source.csi,
    flexVolume: source.flexVolume,
    skip: isSkipped(pv) || isSkipped(claim),
    dataKey: dataKeyOf(name, source, { server, path, bucket: textAt(source.options, 'bucket') }),
    podFolder: source.folder,
  };
}

function sourceOf(pv: JsonObject, name: string): Source {
  const csi = objectAt(pv, 'spec', 'csi');
  if (csi !== undefined) return csiSource(csi, name);
  const flex = objectAt(pv, 'spec', 'flexVolume');
  if (flex !== undefined) return flexSource(flex, name);
  const spec = objectAt(pv, 'spec') ?? {};
  const driver =
    Object.keys(spec).find((f) => objectAt(spec, f) !== undefined && !NO_SOURCES.includes(f)) ?? '';
  const folder = `kubernetes.io~${IN_TREE_PLUGINS[driver] ?? driver}/${name}`;
  const kind = IN_TREE_KINDS[driver] ?? 'other';
  const options = objectAt(spec, driver) ?? {};
  return { driver, kind, csi: false, flexVolume: false, folder, options };
}

function csiSource(csi: JsonObject, name: string): Source {
  const driver = textAt(csi, 'driver') ?? '';
  const kind = CSI_KINDS.get(driver) ?? 'other';
  const volumeHandle = textAt(csi, 'volumeHandle');
  const attributes = objectAt(csi, 'volumeAttributes') ?? {};
  return {
    driver,
    kind,
    csi: true,
    flexVolume: false,
    folder: `kubernetes.io~csi/${name}/mount`,
    // The NFS driver of the Kubernetes project calls the exported path `share`.
    options: driver === 'nfs.csi.k8s.io' ? { path: attributes.share, ...attributes } : attributes,
    ...(volumeHandle === undefined ? {} : { volumeHandle }),
    ...(kind === 'disk' && volumeHandle !== undefined ? { diskId: volumeHandle } : {}),
  };
}

function flexSource(flex: JsonObject, name: string): Source {
  const driver = textAt(flex, 'driver') ?? '';
  const kind = FLEX_KINDS.get(driver) ?? 'other';
  const options = objectAt(flex, 'options') ?? {};
  const volumeId = textAt(options, 'volumeId');
  return {
    driver,
    kind,
    csi: false,
    flexVolume: true,
    folder: `${driver.replace('/', '~')}/${name}`,
    options,
    ...(kind === 'disk' && volumeId !== undefined ? { diskId: volumeId } : {}),
  };
}

function dataKeyOf(
  name: string,
  source: Source,
  at: { server: string | undefined; path: string | undefined; bucket: string | undefined },
): string {
  const path = `/${(at.path ?? '').replace(/^\/+|\/+$/g, '')}`;
  if (source.diskId !== undefined) return `disk:${source.diskId}`;
  if (at.server !== undefined) return `server:${at.server}:${path}`;
  if (source.kind === 'oss' && at.bucket !== undefined) return `oss:${at.bucket}:${path}`;
  return `pv:${name}`;
}

/** The zone that the PV's node affinity, or an old PV's label, pins it to. */
function zoneOf(pv: JsonObject): string | undefined {
  const terms = objectsAt(pv, 'spec', 'nodeAffinity', 'required', 'nodeSelectorTerms');
  const zones = terms.map((term) => zoneOfTerm(term));
  const [first] = zones;
  if (terms.length > 0) return zones.every((zone) => zone === first) ? first : undefined;
  const labels = ZONE_LABELS.map((label) => textAt(pv, 'metadata', 'labels', label));
  return labels.find((zone) => zone !== undefined && !zone.includes('__'));
}

function zoneOfTerm(term: JsonObject): string | undefined {
  for (const expression of objectsAt(term, 'matchExpressions')) {
    if (!ZONE_LABELS.includes(String(expression.key)) || expression.operator !== 'In') continue;
    const values = textsOf(expression.values);
    if (values.length === 1) return values[0];
  }
  return undefined;
}

function isSkipped(object: JsonObject | undefined): boolean {
  return textAt(object, 'metadata', 'labels', SKIP_LABEL) === 'true';
}

function textsOf(list: unknown): readonly string[] {
  return Array.isArray(list) ? list.filter((each) => typeof each === 'string') : [];
}
