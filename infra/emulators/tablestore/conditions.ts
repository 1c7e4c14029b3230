import { conditionFailed, invalid } from './errors.ts';
import { FILTERS_MAX } from './limits.ts';
import {
  CompositeFilterMessage,
  type ConditionMessage,
  EXPECTATION,
  FILTER_TYPE,
  FilterMessage,
  PaginationFilterMessage,
  SingleFilterMessage,
} from './messages.ts';
import { checkColumnName } from './names.ts';
import { decodeValue } from './plain-buffer.ts';
import type { MessageOf } from './protobuf.ts';
import { type Cell, type ColumnValue, compareValues, WIRE_TYPE_NAMES } from './values.ts';

/** A test of a row's columns. */
export type ColumnTest =
  | {
      readonly kind: 'compare';
      readonly name: string;
      readonly value: ColumnValue;
      readonly holds: (order: number | undefined) => boolean;
      readonly passIfMissing: boolean;
    }
  | { readonly kind: 'not'; readonly test: ColumnTest }
  | { readonly kind: 'and' | 'or'; readonly tests: readonly ColumnTest[] };

/** A window of a row's columns in the order of their names. */
interface ColumnWindow {
  readonly offset: number;
  readonly limit: number;
}

/** What a read's filter asks for: one or the other. */
export interface ReadFilter {
  readonly test?: ColumnTest;
  readonly window?: ColumnWindow;
}

/** What a write wants to be so. */
export interface Condition {
  readonly expects: 'anything' | 'row' | 'noRow';
  readonly test?: ColumnTest;
}

/** @throws {TablestoreError} OTSParameterInvalid */
export function readCondition(message: ConditionMessage): Condition {
  const expects = readExpectation(message.rowExistence);
  if (message.columnCondition === undefined) return { expects };
  const { test } = readFilter(message.columnCondition);
  if (test === undefined) throw invalid('Invalid type of filter: FT_COLUMN_PAGINATION.');
  return { expects, test };
}

/**
 * The filter of a read.
 * @throws {TablestoreError} OTSParameterInvalid
 */
export function readFilter(bytes: Buffer): ReadFilter {
  const filter = FilterMessage.decode(bytes);
  if (filter.type !== FILTER_TYPE.pagination) return { test: readTest(filter, { count: 0 }) };
  const window = PaginationFilterMessage.decode(filter.filter);
  if (window.offset < 0) {
    throw invalid('Offset in ColumnPaginationFilter must be greater than or equal to 0.');
  }
  if (window.limit <= 0) {
    throw invalid('Limit in ColumnPaginationFilter must be greater than 0.');
  }
  return { window };
}

/**
 * Holds a condition against the row as it is; both without a row count as "no columns".
 * @throws {TablestoreError} OTSConditionCheckFail
 */
export function checkCondition(condition: Condition, cells: readonly Cell[] | undefined): void {
  if (condition.expects === 'row' && cells === undefined) throw conditionFailed();
  if (condition.expects === 'noRow' && cells !== undefined) throw conditionFailed();
  if (condition.test !== undefined && !passes(condition.test, cells ?? [])) {
    throw conditionFailed();
  }
}

/** Whether these columns pass the test. */
export function passes(test: ColumnTest, cells: readonly Cell[]): boolean {
  switch (test.kind) {
    case 'not':
      return !passes(test.test, cells);
    case 'and':
      return test.tests.every((one) => passes(one, cells));
    case 'or':
      return test.tests.some((one) => passes(one, cells));
    case 'compare': {
      const cell = cells.find((one) => one.name === test.name);
      if (cell === undefined) return test.passIfMissing;
      return test.holds(compareValues(cell.value, test.value));
    }
  }
}

function readExpectation(wire: number): Condition['expects'] {
  if (wire === EXPECTATION.ignore) return 'anything';
  if (wire === EXPECTATION.exist) return 'row';
  if (wire === EXPECTATION.notExist) return 'noRow';
  throw invalid(`Invalid row-existence expectation: ${wire}.`);
}

function readTest(filter: MessageOf<typeof FilterMessage>, seen: { count: number }): ColumnTest {
  seen.count += 1;
  if (seen.count > FILTERS_MAX) {
    throw invalid(`The count of filter exceeds the max: ${FILTERS_MAX}.`);
  }
  if (filter.type === FILTER_TYPE.single) return readComparison(filter.filter);
  if (filter.type === FILTER_TYPE.composite) return readComposite(filter.filter, seen);
  throw invalid(`Invalid type of sub-filter: ${filter.type}.`);
}

function readComposite(bytes: Buffer, seen: { count: number }): ColumnTest {
  const { combinator, subFilters } = CompositeFilterMessage.decode(bytes);
  const tests = subFilters.map((filter) => readTest(filter, seen));
  if (combinator === 1) {
    const [test, ...more] = tests;
    if (test !== undefined && more.length === 0) return { kind: 'not', test };
    throw invalid('Invalid NOT operator: the number of sub-filters must be 1.');
  }
  if (combinator !== 2 && combinator !== 3) {
    throw invalid(`Invalid logic operator: ${combinator}.`);
  }
  if (tests.length < 2) {
    throw invalid('Invalid AND/OR operator: the number of sub-filters must be more than 1.');
  }
  return { kind: combinator === 2 ? 'and' : 'or', tests };
}

function readComparison(bytes: Buffer): ColumnTest {
  const single = SingleFilterMessage.decode(bytes);
  checkColumnName(single.columnName);
  const value = decodeValue(single.columnValue);
  if (value.type === 'infMin' || value.type === 'infMax' || value.type === 'autoIncrement') {
    throw invalid(`${WIRE_TYPE_NAMES[value.type]} is an invalid type for the attribute column.`);
  }
  return {
    kind: 'compare',
    name: single.columnName,
    value,
    holds: comparator(single.comparator),
    passIfMissing: !single.filterIfMissing,
  };
}

/** Values of two types have no order: they are only not equal. */
function comparator(wire: number): (order: number | undefined) => boolean {
  switch (wire) {
    case 1:
      return (order) => order === 0;
    case 2:
      return (order) => order !== 0;
    case 3:
      return (order) => order !== undefined && order > 0;
    case 4:
      return (order) => order !== undefined && order >= 0;
    case 5:
      return (order) => order !== undefined && order < 0;
    case 6:
      return (order) => order !== undefined && order <= 0;
    default:
      throw invalid(`Invalid relation operator: ${wire}.`);
  }
}
