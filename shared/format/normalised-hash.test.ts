import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NormalisedHasher } from './normalised-hash.ts';

const hasher = new NormalisedHasher();
const normalise = (text: string) => Buffer.from(hasher.normalise(Buffer.from(text))).toString();

/** The specification, slowly: parse, drop, sort by UTF-8 bytes, print. */
function reference(value: unknown, path: readonly string[] = []): string {
  if (Array.isArray(value)) return `[${value.map((v) => reference(v, [...path, '*'])).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const dropped =
    path.length === 0
      ? ['status']
      : path.length === 1 && path[0] === 'metadata'
        ? 'managedFields,resourceVersion,uid,generation,creationTimestamp,selfLink'.split(',')
        : [];
  const members = Object.entries(value)
    .filter(([key]) => !dropped.includes(key))
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return `{${members.map(([k, v]) => `${JSON.stringify(k)}:${reference(v, [...path, k])}`).join(',')}}`;
}

const key = fc.oneof(
  fc.constantFrom('metadata', 'status', 'uid', 'managedFields', 'a', 'ab', 'a b', '', '"', '\\'),
  fc.string({ unit: 'binary', maxLength: 60 }).filter((k) => k !== '__proto__'),
);
const { object } = fc.letrec((tie) => ({
  object: fc.dictionary(key, tie('value'), { maxKeys: 8, noNullPrototype: true }),
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(null, true, false, 0, -1, 1.5, 1e21, 12345678901),
    fc.string({ unit: 'binary', maxLength: 120 }),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
}));

describe('the normalised form', () => {
  it('equals the slow specification for any object', () => {
    fc.assert(
      fc.property(object, fc.constantFrom(undefined, 1, 3), (value, indent) => {
        expect(normalise(JSON.stringify(value, null, indent))).toBe(reference(value));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [
      'drops what servers add',
      '{"status":{"a":1},"metadata":{"uid":"1","name":"x","generation":2}}',
    ],
    ['whatever the order', '{"metadata":{"generation":9,"name":"x","resourceVersion":"7"}}'],
    ['and the blanks', ' { "metadata" : { "name" : "x" , "managedFields" : [ { } ] } } '],
  ])('%s', (_, text) => {
    expect(normalise(text)).toBe('{"metadata":{"name":"x"}}');
  });

  it('keeps integers beyond 53 bits as written', () => {
    expect(normalise('{"spec":{"b":9007199254740993,"a":1.0}}')).toBe(
      '{"spec":{"a":1.0,"b":9007199254740993}}',
    );
  });

  it('escapes a string one way however the server escaped it', () => {
    const variants = ['"\\u003ca\\u003e\\/\\u0026"', '"<a>/&"'];
    expect(variants.map((v) => normalise(`{"a":${v}}`))).toEqual([
      '{"a":"<a>/&"}',
      '{"a":"<a>/&"}',
    ]);
  });

  it('keeps status and uid where they are not the server’s', () => {
    const text = '{"spec":{"status":1,"template":{"metadata":{"uid":"u"}}}}';
    expect(normalise(text)).toBe(text);
  });

  it('is hashed with SHA-256', () => {
    const expected = createHash('sha256').update('{"kind":"X","metadata":{}}').digest('hex');
    expect(hasher.hash(Buffer.from('{"metadata":{"uid":"1"},"kind":"X"}'))).toBe(expected);
  });

  it('grows its buffers for a large object', () => {
    const large = 'x'.repeat(300_000);
    expect(normalise(JSON.stringify({ b: large, a: 1 }))).toBe(`{"a":1,"b":"${large}"}`);
  });

  it.each(['', '[]', '"a"', '{', '{"a"', '{"a":', '{"a":"', '{"a":1', '{"a":1}x', '{"a":[1,]}'])(
    'refuses %j',
    (text) => {
      expect(() => normalise(text)).toThrow(/Cannot normalise an object/);
    },
  );

  it('refuses nesting without end', () => {
    const text = `{"a":${'['.repeat(3000)}${']'.repeat(3000)}}`;
    expect(() => normalise(text)).toThrow(/at most 2000 levels/);
  });
});
