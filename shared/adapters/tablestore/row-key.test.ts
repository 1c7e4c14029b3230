import { describe, expect, test } from 'vitest';
import { ValidationError } from '../../domain/errors.ts';
import {
  decodeCursor,
  decodeParts,
  encodeCursor,
  encodeKey,
  indexSpace,
  spreadIndexColumns,
  tableSpace,
} from './row-key.ts';

describe('keys as stored', () => {
  test('the first part of a table is spread by a hash that comes off again', () => {
    const space = tableSpace('backups');
    const columns = encodeKey(space, ['c1', 'bk-1']);
    expect(columns).toEqual([
      { name: 'cluster', value: 'd0f6:c1' },
      { name: 'id', value: 'bk-1' },
    ]);
    const stored = new Map(columns.map(({ name, value }) => [name, value]));
    expect(decodeParts(space, stored, space.columns)).toEqual(['c1', 'bk-1']);
  });

  test('an index holds the hashed first part of its table, and spreads its own', () => {
    expect(indexSpace('backups_by_phase')).toEqual({
      name: 'backups_by_phase',
      columns: ['cluster', 'phase', 'id'],
      spread: ['cluster'],
    });
    expect(indexSpace('backups_by_vault')).toEqual({
      name: 'backups_by_vault',
      columns: ['vault', 'cluster', 'id'],
      spread: ['vault', 'cluster'],
    });
    expect(spreadIndexColumns('backups')).toEqual(['vault']);
    expect(spreadIndexColumns('runs')).toEqual([]);
  });

  test('a key with a wrong number of parts or a part over 1 KiB is a bug', () => {
    expect(() => encodeKey(tableSpace('runs'), ['a', 'b'])).toThrow(
      /a key of runs has the parts run/,
    );
    expect(() => encodeKey(tableSpace('runs'), ['x'.repeat(1025)])).toThrow(/at most 1024 bytes/);
  });
});

describe('cursors', () => {
  const space = tableSpace('backups');
  const stored = encodeKey(space, ['c1', 'bk-1']).map(({ value }) => value);

  test('a cursor names the key it was made from', () => {
    expect(decodeCursor(space, ['c1'], encodeCursor(stored))).toEqual(stored);
  });

  test.each([
    ['another list', encodeCursor(encodeKey(space, ['c2', 'bk-1']).map(({ value }) => value))],
    ['too few parts', encodeCursor(stored.slice(0, 1))],
    ['no JSON', 'zzz'],
    ['no list', Buffer.from('{"a":1}').toString('base64url')],
    ['no texts', Buffer.from(`["${stored[0]}",1]`).toString('base64url')],
  ])('a cursor of %s is refused', (_what, cursor) => {
    expect(() => decodeCursor(space, ['c1'], cursor)).toThrow(ValidationError);
  });
});
