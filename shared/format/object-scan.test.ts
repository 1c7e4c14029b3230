import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanObject } from './object-scan.ts';

const scan = (text: string) => scanObject(Buffer.from(text));

describe('scanning an object', () => {
  it('tells the type fields and metadata without managedFields', () => {
    const text =
      '{"kind":"X","metadata":{"name":"a","managedFields":[{"f":"}\\""}],"labels":{"b":"c"}},"spec":{}}';
    const found = scan(text);
    expect(found?.has('apiVersion')).toBe(false);
    expect(found?.has('kind')).toBe(true);
    expect(found?.metadata).toEqual({ name: 'a', labels: { b: 'c' } });
    expect(found?.parse(['spec'])).toEqual({ kind: 'X', metadata: found?.metadata });
  });

  it('finds the same as a parser does, whatever surrounds it', () => {
    const name = fc.string({ unit: 'binary', maxLength: 100 });
    fc.assert(
      fc.property(name, fc.json(), fc.boolean(), fc.boolean(), (text, other, first, indent) => {
        const metadata = { name: text, labels: { [`l${text}`]: text }, z: 1 };
        const managed = { managedFields: JSON.parse(other) as unknown };
        const object = {
          spec: JSON.parse(other) as unknown,
          metadata: first ? { ...managed, ...metadata } : { ...metadata, ...managed },
          apiVersion: 'v1',
        };
        const found = scan(JSON.stringify(object, null, indent ? 2 : 0));
        expect(found?.metadata).toEqual(metadata);
        expect(found?.parse([])).toEqual({ ...object, metadata });
      }),
    );
  });

  it.each([
    '',
    '{}',
    '[]',
    '{"metadata":1}',
    '{"metadata":{}',
    '{"metadata":{}}x',
    '{"metadata":{"a"}}',
  ])('refuses %j', (text) => {
    expect(scan(text)).toBeUndefined();
  });
});
