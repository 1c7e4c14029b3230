/**
 * The vendor's limits, each with its source:
 * [wide] https://help.aliyun.com/en/tablestore/product-overview/limits-on-widecolumn-model
 * [index] https://alibabacloud.com/help/en/tablestore/secondary-index-limits
 * [general] https://www.alibabacloud.com/help/doc-detail/91524.html
 * [suite] what the functional tests in the vendor's Java SDK assert against the service
 * [?] not found in writing
 */

/** [wide] Names of tables, indexes and columns, in bytes. */
export const NAME_BYTES_MAX = 255;
/** [wide] */
export const KEY_COLUMNS_MAX = 4;
/** [wide] A STRING or BINARY primary key value. */
export const KEY_VALUE_BYTES_MAX = 1024;
/** [wide] A STRING or BINARY attribute value. */
export const VALUE_BYTES_MAX = 2 * 1024 * 1024;
/** [wide] */
export const DEFINED_COLUMNS_MAX = 32;
/** [general] Tables of an instance; indexes count. */
export const TABLES_MAX = 64;
/** [index] */
export const INDEXES_PER_TABLE_MAX = 5;
/** [index] Key columns that an index may name, before the table's own are added. */
export const INDEX_KEY_COLUMNS_MAX = 4;
/** [index] */
export const INDEX_ATTRIBUTES_MAX = 32;
/** [wide] PutRow, UpdateRow and BatchWriteRow: keys, names and values of one request. */
export const WRITE_BYTES_MAX = 4 * 1024 * 1024;
/** [suite] Attribute columns that one write may name. */
export const WRITE_COLUMNS_MAX = 1024;
/** [suite] Names in columns_to_get (older pages say 128). */
export const COLUMNS_TO_GET_MAX = 1024;
/** [wide] */
export const BATCH_WRITE_ROWS_MAX = 200;
/** [suite] */
export const BATCH_GET_ROWS_MAX = 100;
/** [suite] Rows that one GetRange looks at. */
export const RANGE_ROWS_MAX = 5000;
/** [suite] Bytes that one GetRange looks at. */
export const RANGE_BYTES_MAX = 4 * 1024 * 1024;
/** [suite] Filters in a condition, composites included. */
export const FILTERS_MAX = 32;
/** [?] Larger bodies are refused unread; the write limit and room for the encoding. */
export const BODY_BYTES_MAX = 8 * 1024 * 1024;
/** Deviation of x-ots-date from the server's clock. */
export const DATE_SKEW_MS_MAX = 15 * 60 * 1000;
/** [suite] Seconds; shorter ones are refused, -1 is for ever. */
export const TTL_SECONDS_MIN = 86_400;
/** Default of the deviation allowed to a version given by the caller, in seconds. */
export const VERSION_DEVIATION_SECONDS = 86_400;
/** alibabacloud.com/help/en/tablestore/developer-reference/configure-local-transaction */
export const TRANSACTION_MS_MAX = 60_000;
/** Bytes of one capacity unit. */
export const CAPACITY_UNIT_BYTES = 4096;
/** The vendor's versions are below INT64_MAX/1000 ms. */
export const VERSION_MS_MAX = 2n ** 63n / 1000n;
/** [index] The key of an index: what it names and the table's own key. */
export const INDEX_FULL_KEY_COLUMNS_MAX = 8;
/**
 * The emulator's own: the store cannot hold longer keys (4026 bytes). The vendor takes four columns
 * of 1 KB each.
 */
export const ENCODED_KEY_BYTES_MAX = 4026;
