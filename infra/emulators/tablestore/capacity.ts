import { CAPACITY_UNIT_BYTES } from './limits.ts';
import type { Consumed } from './messages.ts';

/**
 * The cost of a read: 4 KB units of what was read, at least one.
 * https://www.alibabacloud.com/help/en/tablestore/product-overview/billing-overview
 */
export function readCost(sizeBytes: number): Consumed {
  return { capacityUnit: { read: units(sizeBytes), write: 0 } };
}

/** The cost of a write of `sizeBytes`, and of reading `checkedBytes` for its condition, if any. */
export function writeCost(sizeBytes: number, checkedBytes: number | undefined): Consumed {
  const read = checkedBytes === undefined ? 0 : units(checkedBytes);
  return { capacityUnit: { read, write: units(sizeBytes) } };
}

/** What nothing costs. */
export const NO_COST: Consumed = { capacityUnit: { read: 0, write: 0 } };

function units(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / CAPACITY_UNIT_BYTES));
}
