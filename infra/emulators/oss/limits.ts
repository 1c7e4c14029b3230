/** Limits of OSS, each with the page of the vendor's manual (help.aliyun.com/en/oss/...) it is from. */

const MIB = 1024 * 1024;
/** Milliseconds of one day of a retention or lifecycle rule. */
export const DAY_MS = 86_400_000;

/** Longest object key in UTF-8 bytes; `user-guide/limits`, "Objects". */
export const KEY_BYTES_MAX = 1023;

/** Bucket names: 3 to 63 characters; `user-guide/bucket-naming-conventions`. */
export const BUCKET_NAME = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;

/** Buckets of one account in one region; `user-guide/limits`, "Bucket". */
export const BUCKETS_MAX = 100;

/** Largest body of PutObject, of one part, and of a source of CopyObject; `developer-reference/putobject`. */
export const PUT_BYTES_MAX = 5 * 1024 * MIB;

/** Smallest part that is not the last; `developer-reference/uploadpart`. */
export const PART_BYTES_MIN = 100 * 1024;

/** Highest part number; `developer-reference/uploadpart`. */
export const PART_NUMBER_MAX = 10_000;

/** Most entries of one list page, and of one DeleteMultipleObjects; `developer-reference/listobjectsv2`. */
export const PAGE_MAX = 1000;

/** Entries of a page of ListObjects, V2 and versions when the caller names none; same page. */
export const PAGE_DEFAULT = 100;

/** Parts and uploads of a page when the caller names none; `developer-reference/listparts`. */
export const MULTIPART_PAGE_DEFAULT = 1000;

/** Body of the actions that carry XML; DeleteMultipleObjects allows 2 MB, `developer-reference/deletemultipleobjects`. */
export const XML_BYTES_MAX = 2 * MIB;

/** User metadata of one object; `user-guide/manage-object-metadata-10`. */
export const USER_META_BYTES_MAX = 8 * 1024;

/** Tags of one object, and characters of a tag's key and value; `user-guide/object-tagging-8`. */
export const TAGS_MAX = 10;
export const TAG_KEY_MAX = 128;
export const TAG_VALUE_MAX = 256;

/** Request clock against the service's; `user-guide/http-403-error-code`, RequestTimeTooSkewed. */
export const SKEW_MS_MAX = 15 * 60_000;

/** Longest life of a V4 presigned URL in seconds; `developer-reference/add-signatures-to-urls`. */
export const PRESIGNED_SECONDS_MAX = 604_800;

/** Retention of a WORM policy in days, and the time to lock it; `developer-reference/initiatebucketworm`. */
export const WORM_DAYS_MAX = 25_550;
export const WORM_LOCK_WITHIN_MS = 24 * 3_600_000;

/** Rules of one lifecycle configuration; `developer-reference/putbucketlifecycle`. */
export const LIFECYCLE_RULES_MAX = 1000;

/** Longest prefix, marker and delimiter of a list; `developer-reference/listobjectsv2`. */
export const LIST_TEXT_BYTES_MAX = 1024;
