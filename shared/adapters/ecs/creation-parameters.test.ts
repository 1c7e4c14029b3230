import { describe, expect, test } from 'vitest';
import { assertKept, creationParameters } from './creation-parameters.ts';

const request = { name: 'bc-1', tags: {}, clientToken: 't1' };
const of = 'the snapshot of d-1';

describe('parameters of a creation', () => {
  test('hold the tags in the order of their keys, whatever the order they came in', () => {
    const expected = {
      ClientToken: 't1',
      Tag: [
        { Key: 'a', Value: '' },
        { Key: 'b', Value: '2' },
      ],
    };
    expect(creationParameters(of, { ...request, tags: { b: '2', a: '' } })).toEqual(expected);
    expect(creationParameters(of, { ...request, tags: { a: '', b: '2' } })).toEqual(expected);
    expect(creationParameters(of, request)).toEqual({ ClientToken: 't1' });
  });

  test('take the longest that ECS takes', () => {
    const tags = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`${i}`.padEnd(128, 'k'), 'v'.repeat(128)]),
    );
    const longest = { name: 'b'.repeat(128), tags, clientToken: 'x'.repeat(64) };
    expect(creationParameters(of, longest).Tag).toHaveLength(20);
  });

  test.each([
    [{ tags: { claim: 'v'.repeat(129) } }, 'the value of tag claim of the snapshot of d-1'],
    [{ tags: { ['k'.repeat(129)]: '' } }, `the key of tag ${'k'.repeat(129)} of`],
    [{ tags: { claim: 'see http://x' } }, 'the value of tag claim'],
    [{ tags: { 'acs:claim': '' } }, 'the key of tag acs:claim'],
    [{ tags: { aliyunclaim: '' } }, 'the key of tag aliyunclaim'],
    [{ tags: { '': 'v' } }, 'the key of tag '],
    [
      { tags: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`k${i}`, ''])) },
      'the snapshot of d-1 has at most 20 tags (found 21)',
    ],
    [{ clientToken: 'x'.repeat(65) }, 'the token of the snapshot of d-1'],
    [{ clientToken: 'ä' }, 'the token of'],
    [{ clientToken: '' }, 'the token of'],
    [{ name: 'b' }, 'the name b of'],
    [{ name: 'auto-1' }, 'the name auto-1 of'],
    [{ name: '1-bc' }, 'the name 1-bc of'],
    [{ name: 'bc 1' }, 'the name bc 1 of'],
    [{ name: 'b'.repeat(129) }, 'the name '],
  ])('%#: what ECS would refuse is named', (changes, named) => {
    const make = () => creationParameters(of, { ...request, ...changes });
    expect(make).toThrow(named);
  });

  test.each([0, -1, 1.5, 65_537, Number.NaN])('%s days are no retention', (days) => {
    expect(() => assertKept(of, { description: 'of b1', retentionDays: days })).toThrow(
      'the retention of the snapshot of d-1',
    );
  });

  test.each([1, 65_536])('%i days are', (days) => {
    expect(() => assertKept(of, { description: 'of b1', retentionDays: days })).not.toThrow();
  });

  test.each(['', 'x', 'x'.repeat(257), 'http://x'])('%j is no description', (description) => {
    expect(() => assertKept(of, { description, retentionDays: 1 })).toThrow(
      'the description of the snapshot of d-1',
    );
  });
});
