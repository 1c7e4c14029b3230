import { invalid } from './errors.ts';
import { NAME_BYTES_MAX } from './limits.ts';

const TABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** @throws {TablestoreError} OTSParameterInvalid */
export function checkTableName(name: string): void {
  if (TABLE_NAME.test(name) && name.length <= NAME_BYTES_MAX) return;
  throw invalid(`Invalid table name: '${name}'.`);
}

/**
 * The manual allows letters, digits and underscores; the service takes more (the functional tests
 * of the vendor's Java SDK write `price-2` and names in Chinese) and refuses a leading `#`.
 * @throws {TablestoreError} OTSParameterInvalid
 */
export function checkColumnName(name: string): void {
  if (name !== '' && !name.startsWith('#') && Buffer.byteLength(name) <= NAME_BYTES_MAX) return;
  throw invalid(`Invalid column name: '${name}'.`);
}
