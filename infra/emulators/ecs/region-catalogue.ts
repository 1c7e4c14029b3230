/** A zone and what it sells. */
export interface EcsZone {
  readonly zoneId: string;
  /** Every category that the emulator knows unless given. */
  readonly diskCategories?: readonly string[];
}

/** A region and its zones. */
export interface EcsRegion {
  readonly regionId: string;
  readonly zones: readonly EcsZone[];
}

const REGION_IDS = [
  'cn-beijing',
  'cn-chengdu',
  'cn-guangzhou',
  'cn-hangzhou',
  'cn-hongkong',
  'cn-huhehaote',
  'cn-qingdao',
  'cn-shanghai',
  'cn-shenzhen',
  'cn-wulanchabu',
  'cn-zhangjiakou',
  'ap-northeast-1',
  'ap-southeast-1',
  'ap-southeast-5',
  'eu-central-1',
  'us-east-1',
  'us-west-1',
];

/** Each real region with zones a to l; more than it has, so that no fixture meets a missing one. */
export function defaultRegions(ownRegionId: string): EcsRegion[] {
  return [...new Set([ownRegionId, ...REGION_IDS])].map((regionId) => ({
    regionId,
    // Regions abroad end in a digit and take the letter without a hyphen: `us-east-1a`.
    zones: [...'abcdefghijkl'].map((letter) => ({
      zoneId: /\d$/.test(regionId) ? `${regionId}${letter}` : `${regionId}-${letter}`,
    })),
  }));
}
