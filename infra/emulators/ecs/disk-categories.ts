import type { ServiceRefusal } from '../acs-signature/gateway.ts';
import { refuse } from './errors.ts';

/**
 * GiB that a data disk of a category may have.
 * @see https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-createdisk
 */
const SIZES: Readonly<Record<string, readonly [min: number, max: number]>> = {
  cloud: [5, 2000],
  cloud_efficiency: [20, 32_768],
  cloud_ssd: [20, 32_768],
  cloud_essd: [1, 65_536],
  cloud_auto: [1, 65_536],
  cloud_essd_entry: [10, 32_768],
  cloud_regional_disk_auto: [10, 65_536],
};

/** The same of `cloud_essd` by performance level. */
const ESSD_SIZES: Readonly<Record<string, readonly [min: number, max: number]>> = {
  PL0: [1, 65_536],
  PL1: [20, 65_536],
  PL2: [461, 65_536],
  PL3: [1261, 65_536],
};

const ESSD_FAMILY = ['cloud_essd', 'cloud_auto', 'cloud_essd_entry', 'cloud_regional_disk_auto'];

/** The categories of cloud disks that can be made. */
export const DISK_CATEGORIES = Object.keys(SIZES);

/** Whether snapshots of the category are instantly available and several may be in creation. */
export function isEssdFamily(category: string): boolean {
  return ESSD_FAMILY.includes(category);
}

/** Why a disk of this shape cannot be made, if so. */
export function shapeRefusal(disk: {
  readonly category: string;
  readonly performanceLevel?: string;
  readonly sizeGib: number;
}): ServiceRefusal | undefined {
  const { category, sizeGib } = disk;
  if (category === 'cloud_essd') {
    const range = ESSD_SIZES[disk.performanceLevel ?? 'PL1'];
    if (range === undefined) {
      return refuse.badRequest(
        'InvalidPerformanceLevel.Malformed',
        'The specified parameter PerformanceLevel is not valid.',
      );
    }
    return isWithin(sizeGib, range)
      ? undefined
      : refuse.denied(
          'OperationDenied.PerformanceLevelNotMatch',
          'The specified PerformanceLevel and Size do not match.',
        );
  }
  const range = SIZES[category];
  if (range !== undefined && isWithin(sizeGib, range)) return undefined;
  return category === 'cloud_auto'
    ? refuse.denied(
        'InvalidDataDiskSize.ValueNotSupported',
        'The specified disk size is beyond the permitted range, or the snapshot capacity ' +
          'exceeds the size limit for the specified disk category.',
      )
    : refuse.denied('InvalidDiskSize.NotSupported', 'Disk size is not supported.');
}

function isWithin(sizeGib: number, [min, max]: readonly [number, number]): boolean {
  return sizeGib >= min && sizeGib <= max;
}
