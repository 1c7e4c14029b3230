/** What a StorageClass of the disk driver says, read as the driver reads it. */
import type { Labels } from '../controllers/engine/kube-objects.ts';
import { DriverError } from './driver-error.ts';
import type { VolumeRequest } from './volume-driver.ts';

/** One kind of disk that may do. */
export interface DiskKind {
  readonly category: string;
  /** Empty: the default of ECS. */
  readonly performanceLevel: string;
}

/** What a disk is made by. */
export interface DiskParameters {
  /** Tried in this order. */
  readonly kinds: readonly DiskKind[];
  readonly zone: string;
  readonly sizeGiB: number;
  readonly encrypted: boolean;
  readonly kmsKeyId?: string;
  readonly multiAttach: boolean;
  readonly tags: Labels;
}

const GIB = 2 ** 30;
/** The driver's defaults for a class without `type` (observed with driver 1.36). */
const DEFAULT_TYPES = 'cloud_ssd,cloud_efficiency';
const CATEGORIES = new Set([
  'cloud_auto',
  'cloud_efficiency',
  'cloud_essd',
  'cloud_essd_entry',
  'cloud_ssd',
]);
/** GiB below which the driver does not even ask ECS (observed with driver 1.36). */
const SIZE_GIB_MIN: Readonly<Record<string, number>> = {
  cloud_auto: 1,
  cloud_efficiency: 20,
  cloud_essd: 20,
  'cloud_essd.PL0': 1,
  'cloud_essd.PL1': 20,
  'cloud_essd.PL2': 461,
  'cloud_essd.PL3': 1261,
  cloud_essd_entry: 10,
  cloud_ssd: 20,
};
const RAISED_SIZE_GIB = 20;

/** `cloud_essd.PL1`, or `cloud_ssd`. */
export function kindText(kind: DiskKind): string {
  return kind.performanceLevel === '' ? kind.category : `${kind.category}.${kind.performanceLevel}`;
}

/** The least that the kind can be, in GiB. */
export function sizeGiBMin(kind: DiskKind): number {
  return SIZE_GIB_MIN[kindText(kind)] ?? 0;
}

/** @throws DriverError InvalidArgument */
export function diskParameters(request: VolumeRequest): DiskParameters {
  try {
    return parsed(request);
  } catch (error) {
    const found = error instanceof Error ? error.message : String(error);
    throw new DriverError(
      'InvalidArgument',
      `Invalid parameters from input: ${request.name}, with error: ${found}`,
    );
  }
}

function parsed(request: VolumeRequest): DiskParameters {
  const { parameters } = request;
  checkAccessModes(request);
  const types = listOf(parameters.type ?? DEFAULT_TYPES);
  const levels = listOf(parameters.performanceLevel ?? '');
  for (const type of types) {
    if (!CATEGORIES.has(type)) throw new Error(`Illegal required parameter type: ${type}`);
  }
  for (const level of levels) {
    if (!/^PL[0-3]$/.test(level)) throw new Error(`illegal performance level type: ${level}`);
  }
  const kinds = types.flatMap((category) =>
    category === 'cloud_essd' && levels.length > 0
      ? levels.map((performanceLevel) => ({ category, performanceLevel }))
      : [{ category, performanceLevel: '' }],
  );
  const asked = Math.ceil(request.sizeBytes / GIB);
  const raised = isOn(parameters.volumeSizeAutoAvailable);
  const zones = listOf(parameters.zoneId ?? '');
  const kmsKeyId = parameters.kmsKeyId ?? '';
  return {
    kinds,
    // A class that names zones wins over where the claim's consumer is, as in the driver.
    zone: zones.length === 0 || zones.includes(request.zone) ? request.zone : (zones[0] ?? ''),
    sizeGiB: raised ? Math.max(asked, RAISED_SIZE_GIB) : asked,
    encrypted: isOn(parameters.encrypted),
    ...(kmsKeyId === '' ? {} : { kmsKeyId }),
    multiAttach: isOn(parameters.multiAttach) || parameters.multiAttach === 'Enabled',
    tags: tagsOf(parameters.diskTags ?? ''),
  };
}

function checkAccessModes(request: VolumeRequest): void {
  if (!request.accessModes.includes('ReadWriteMany') || request.block) return;
  throw new Error(
    'multi-node writing is only supported for block volume. For Kubernetes users, if unsure, ' +
      'use ReadWriteOnce access mode in PersistentVolumeClaim for disk volume',
  );
}

function tagsOf(text: string): Labels {
  const tags: Record<string, string> = {};
  for (const pair of listOf(text)) {
    const colon = pair.indexOf(':');
    if (colon <= 0) throw new Error(`invalid diskTags format name: ${pair}`);
    tags[pair.slice(0, colon)] = pair.slice(colon + 1);
  }
  return tags;
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function isOn(text: string | undefined): boolean {
  return ['true', 'yes', '1'].includes((text ?? '').toLowerCase());
}
