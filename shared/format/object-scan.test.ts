import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scanObject } from './object-scan.ts';

const scan = (text: string) => scanObject(Buffer.from(text));

describe('scanning an object', () => {
  it('tells the type fields and metadata without managedFields', () => {
    const text =
      '{"kind":"X","metadata":{"name":"a","managedFields":[{"f":"}\\""}],"labels":{"b":"c"}},"spec":{}}';
    expect(scan(text)).toEqual({
      hasApiVersion: false,
      hasKind: true,
      metadata: { name: 'a', labels: { b: 'c' } },
    });
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
        expect(scan(JSON.stringify(object, null, indent ? 2 : 0))).toEqual({
          hasApiVersion: true,
          hasKind: false,
          metadata,
        });
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
