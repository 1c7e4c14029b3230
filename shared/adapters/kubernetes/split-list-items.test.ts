import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { splitListItems } from './split-list-items.ts';

/** JSON text of a list with its fields in the given order and blanks of one kind everywhere. */
function listText(fields: readonly [string, unknown][], indent: number | string): Buffer {
  return Buffer.from(JSON.stringify(Object.fromEntries(fields), null, indent));
}

const item = fc.oneof(
  fc.object({ maxDepth: 4, withNullPrototype: false }),
  fc.record({ data: fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })) }),
  fc.record({
    text: fc.string({ minLength: 60, unit: fc.constantFrom('a', '"', '\\', '{', 'é') }),
  }),
);

describe('splitting a list', () => {
  test('items and metadata are what JSON.parse sees, byte for byte where it counts', () => {
    fc.assert(
      fc.property(
        fc.array(item, { maxLength: 8 }),
        fc.record({ resourceVersion: fc.string(), continue: fc.string({ unit: 'binary' }) }),
        fc.shuffledSubarray(['items', 'metadata', 'kind', 'extra'], { minLength: 4, maxLength: 4 }),
        fc.jsonValue(),
        fc.constantFrom(0, 1, '\t', '\n'),
        (items, metadata, order, extra, indent) => {
          const all: Record<string, unknown> = { items, metadata, kind: 'List', extra };
          const text = listText(
            order.map((name) => [name, all[name]]),
            indent,
          );
          const parts = splitListItems(text);
          const expected: unknown = JSON.parse(text.toString());
          expect({
            items: parts.items.map((bytes): unknown => JSON.parse(bytes.toString())),
            metadata: parts.metadata,
          }).toEqual({
            items: (expected as typeof all).items,
            metadata: (expected as typeof all).metadata,
          });
          for (const bytes of parts.items) {
            expect(bytes.toString()).toBe(bytes.toString().trim());
            expect(text.includes(bytes)).toBe(true);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('a list cut anywhere is refused as a reply to repeat', () => {
    const text = listText(
      [
        ['metadata', { resourceVersion: '7' }],
        ['items', [{ a: 'x"y\\' }, { b: [1, { c: null }] }]],
      ],
      0,
    );
    for (let end = 0; end < text.length; end += 1) {
      expect(() => splitListItems(text.subarray(0, end))).toThrowError(
        expect.objectContaining({ code: 'cluster_unreachable', retryable: true }) as Error,
      );
    }
    expect(splitListItems(text).items).toHaveLength(2);
  });

  test.each([
    ['{"items":null,"metadata":{"resourceVersion":"1"}}', '1'],
    ['{"items":[],"metadata":{"resourceVersion":"2"}}', '2'],
    ['{"metadata":{"resourceVersion":"3"}}', '3'],
    [' \n{ "kind" : "List" , "metadata" : { "resourceVersion" : "4" } , "items" : [ ] } \n', '4'],
  ])('a list without items (%s) has none', (text, version) => {
    const parts = splitListItems(Buffer.from(text));
    expect(parts.items).toEqual([]);
    expect(parts.metadata.resourceVersion).toBe(version);
  });

  test.each(['', 'null', '[]', 'upstream connect error', '{"items":[{]}', '{"a" "b"}', '{1:2}'])(
    'what is no list (%s) is refused',
    (text) => {
      expect(() => splitListItems(Buffer.from(text))).toThrowError(/no JSON list at byte/);
    },
  );

  test('an item keeps its very bytes: spacing, escapes and numbers', () => {
    const odd = '{"n":1.50,"big":12345678901234567890,"s":"\\u00e9\\/","e":1E3, "d" : [ ] }';
    const parts = splitListItems(Buffer.from(`{"items":[ ${odd} , {"x":1}],"metadata":{}}`));
    expect(parts.items.map((bytes) => bytes.toString())).toEqual([odd, '{"x":1}']);
  });
});
