import { describe, expect, it } from 'vitest';
import { daysToKeep } from './snapshot-retention.ts';

const DAY_MS = 86_400_000;

describe('a snapshot that a restore uses', () => {
  it.each([
    ['is kept for ever', undefined, 100, undefined],
    ['has long to go', 30, 19, undefined],
    ['ends a little too early', 30, 19.01, 31],
    ['ends tomorrow', 7, 6, 17],
    ['is as old as ECS allows', 65_536, 65_535, undefined],
    ['would be kept longer than ECS allows', 65_530, 65_529, 65_536],
  ])('%s', (_what, retentionDays, ageDays, expected) => {
    const kept = retentionDays === undefined ? {} : { retentionDays };
    expect(daysToKeep({ createdAtMs: 0, ...kept }, ageDays * DAY_MS)).toBe(expected);
  });
});
