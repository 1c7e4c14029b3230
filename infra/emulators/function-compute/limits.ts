/** Limits of Function Compute 3.0, each with its source. */

/** Payload of a synchronous call. @see alibabacloud.com/help/doc-detail/2527064.html */
export const MAX_SYNC_PAYLOAD_BYTES = 32 * 1024 * 1024;
/** Payload of an asynchronous call. @see alibabacloud.com/help/doc-detail/2527064.html */
export const MAX_ASYNC_PAYLOAD_BYTES = 128 * 1024;

/** Task ids. @see .../api-fc-2023-03-30 InvokeFunction, header x-fc-async-task-id */
export const TASK_ID = /^[A-Za-z_][A-Za-z0-9_-]{0,127}$/;
/** Trigger names. @see .../api-fc-2023-03-30 CreateTriggerInput.triggerName */
export const TRIGGER_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,127}$/;
/** State of a task can be asked for this long. @see .../fc-3-0/user-guide/asynchronous-task */
export const TASK_RETENTION_MS = 7 * 24 * 3_600_000;

/** Retries of asynchronous calls. @see .../api-fc-2023-03-30 PutAsyncInvokeConfigInput */
export const MAX_ASYNC_RETRIES = 8;
export const DEFAULT_ASYNC_RETRIES = 3;
/** Age of asynchronous events, in seconds (same page). */
export const MAX_EVENT_AGE_SECONDS = 604_800;
export const DEFAULT_EVENT_AGE_SECONDS = 86_400;

/** Native OSS triggers per bucket, and per function. @see .../fc/user-guide/overview-of-oss-trigger */
export const MAX_OSS_TRIGGERS = 10;

/** Pages of lists: 1 to 100 items, 20 by default. @see .../api-fc-2023-03-30 ListAsyncTasksRequest */
export const MAX_PAGE = 100;
export const DEFAULT_PAGE = 20;

/** Validity of the keys that a function gets. @see alibabacloud.com/help/zh/fc/context-3 */
export const ROLE_KEY_SECONDS = 36 * 3600;

/** Instances of one function at once; the vendor's default is 100 per account and region. */
export const DEFAULT_INSTANCES = 10;
