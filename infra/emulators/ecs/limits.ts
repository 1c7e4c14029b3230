/** Limits of ECS, each with its source. */

/** @see https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-createsnapshot */
export const SNAPSHOTS_PER_DISK_MAX = 256;

/** Snapshots of one disk in creation at once: ESSD family, and everything older. */
export const CONCURRENT_SNAPSHOTS = { essd: 10, other: 1 } as const;

/** @see https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-createsnapshot */
export const RETENTION_DAYS_MAX = 65_536;

/** ASCII characters. @see https://www.alibabacloud.com/help/en/ecs/developer-reference/how-to-ensure-idempotence */
export const CLIENT_TOKEN_LENGTH_MAX = 64;

/** How long a token is remembered. The vendor gives no figure: an assumption. */
export const CLIENT_TOKEN_MS = 24 * 3_600_000;

/** Ids in `DiskIds`, `SnapshotIds`, `InstanceIds`. */
export const IDS_MAX = 100;

/** @see https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-tagresources */
export const TAGS_PER_RESOURCE_MAX = 20;
export const TAG_LENGTH_MAX = 128;
export const TAGGED_RESOURCES_MAX = 50;

/** Matches that a tag filter of a Describe action shows. */
export const TAG_FILTER_MATCHES_MAX = 1000;

/** Disks on one instance beside the system disk; a figure of many instance types. */
export const DATA_DISKS_PER_INSTANCE = 16;

/** @see https://www.alibabacloud.com/help/en/ecs/user-guide/enable-multi-attach */
export const INSTANCES_PER_MULTI_ATTACH_DISK = 16;

/** @see https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-createsnapshotgroup */
export const DISKS_PER_GROUP_MAX = 128;
export const GIB_PER_GROUP_MAX = 256 * 1024;
