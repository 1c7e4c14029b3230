/** Vaults of an account. @see https://alibabacloud.com/help/en/cloud-backup/developer-reference/api-hbr-2017-09-08-createvault */
export const VAULTS_MAX = 100;

/** Rows of a page, all list operations. */
export const PAGE_SIZE_MAX = 99;
export const PAGE_SIZE_DEFAULT = 10;

/** VaultName and PlanName, characters. */
export const NAME_LENGTH_MAX = 64;

/** Description of a vault, characters. */
export const DESCRIPTION_LENGTH_MAX = 255;

/** Include and Exclude, characters of their JSON text. */
export const PATH_RULE_LENGTH_MAX = 255;

/** Paths of a NAS plan. @see https://www.alibabacloud.com/help/en/ros/developer-reference/aliyun-hbr-nasbackupplan */
export const PLAN_PATHS_MAX = 20;

/** A vault that initialises may not be deleted while it is younger than this. */
export const INITIALIZING_PROTECTED_MS = 2 * 3_600_000;

/** File names longer than this are skipped, and the job becomes partial. Bytes. */
export const FILE_NAME_BYTES_MAX = 248;

/** A day of retention. */
export const DAY_MS = 86_400_000;
