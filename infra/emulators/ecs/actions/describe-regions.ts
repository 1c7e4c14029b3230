import { DISK_CATEGORIES } from '../disk-categories.ts';
import type { EcsCall, EcsReply } from '../ecs-call.ts';

/** Lists the regions. */
export function describeRegions(call: EcsCall): EcsReply {
  const regions = call.world.regions.map(({ regionId }) => ({
    RegionId: regionId,
    LocalName: regionId,
    RegionEndpoint: `ecs.${regionId}.aliyuncs.com`,
    Status: 'available',
  }));
  return { Regions: { Region: regions } };
}

/** Lists the zones of a region with the disk categories that each sells. */
export function describeZones(call: EcsCall): EcsReply {
  const zones = call.region().zones.map(({ zoneId, diskCategories }) => ({
    ZoneId: zoneId,
    LocalName: zoneId,
    ZoneType: 'AvailabilityZone',
    AvailableDiskCategories: { DiskCategories: diskCategories ?? DISK_CATEGORIES },
    AvailableResourceCreation: { ResourceTypes: ['VSwitch', 'Instance', 'Disk'] },
  }));
  return { Zones: { Zone: zones } };
}
