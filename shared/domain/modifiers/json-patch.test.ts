import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../json.ts';
import { applyOperation, holds, type PatchOperation } from './json-patch.ts';

const given = (): JsonObject => ({ a: { 'x/y': 1, '~': 2 }, list: [1, 2, 3] });

describe('a JSON patch', () => {
  it.each<[PatchOperation, JsonObject]>([
    [
      { operation: 'add', path: '/b', value: null },
      { ...given(), b: null },
    ],
    [
      { operation: 'add', path: '/list/1', value: 9 },
      { ...given(), list: [1, 9, 2, 3] },
    ],
    [
      { operation: 'add', path: '/list/-', value: 9 },
      { ...given(), list: [1, 2, 3, 9] },
    ],
    [
      { operation: 'replace', path: '/list/0', value: 9 },
      { ...given(), list: [9, 2, 3] },
    ],
    [
      { operation: 'replace', path: '/a/x~1y', value: 9 },
      { ...given(), a: { 'x/y': 9, '~': 2 } },
    ],
    [
      { operation: 'remove', path: '/a/~0' },
      { ...given(), a: { 'x/y': 1 } },
    ],
    [
      { operation: 'remove', path: '/list/1' },
      { ...given(), list: [1, 3] },
    ],
    [
      { operation: 'move', from: '/list', path: '/m' },
      { a: given().a, m: [1, 2, 3] },
    ],
    [
      { operation: 'copy', from: '/list/0', path: '/b' },
      { ...given(), b: 1 },
    ],
    [{ operation: 'test', path: '/a', value: { '~': 2, 'x/y': 1 } }, given()],
  ])('%j', (patch, expected) => {
    const object = given();
    expect(applyOperation(object, patch)).toBeUndefined();
    expect(object).toEqual(expected);
  });

  it.each<[PatchOperation]>([
    [{ operation: 'add', path: '/no/b', value: 1 }],
    [{ operation: 'add', path: '/list/4', value: 1 }],
    [{ operation: 'add', path: '/list/01', value: 1 }],
    [{ operation: 'replace', path: '/b', value: 1 }],
    [{ operation: 'replace', path: '/list/-', value: 1 }],
    [{ operation: 'remove', path: '/constructor' }],
    [{ operation: 'move', from: '/no', path: '/b' }],
    [{ operation: 'move', from: '/a', path: '/a/b' }],
    [{ operation: 'copy', from: '/no', path: '/b' }],
    [{ operation: 'test', path: '/list', value: [2, 1, 3] }],
    [{ operation: 'test', path: '/no', value: null }],
  ])('is refused and changes nothing: %j', (patch) => {
    const object = given();
    expect(applyOperation(object, patch)).toMatch(/\S/);
    expect(object).toEqual(given());
  });

  it('makes a copy, so that later patches change one place only', () => {
    const object: JsonObject = { a: { b: 1 } };
    applyOperation(object, { operation: 'copy', from: '/a', path: '/c' });
    applyOperation(object, { operation: 'replace', path: '/c/b', value: 2 });
    expect(object).toEqual({ a: { b: 1 }, c: { b: 2 } });
  });

  it('reaches no prototype', () => {
    const object: JsonObject = {};
    applyOperation(object, { operation: 'add', path: '/__proto__', value: { polluted: true } });
    expect(Object.hasOwn(object, '__proto__')).toBe(true);
    expect('polluted' in {}).toBe(false);
    expect(holds({}, '/toString', {})).toBe(false);
  });
});
