import { describe, expect, it } from 'vitest';
import { isTerminal, mayFollow, type Phase } from './phase.ts';

describe('phases', () => {
  it.each<[Phase, Phase]>([
    ['New', 'InProgress'],
    ['InProgress', 'WaitingForVolumes'],
    ['WaitingForVolumes', 'InProgress'],
    ['InProgress', 'Finalizing'],
    ['Finalizing', 'Completed'],
    ['Finalizing', 'PartiallyFailed'],
    ['New', 'Cancelling'],
    ['Cancelling', 'Cancelled'],
    ['Completed', 'Deleting'],
    ['Completed', 'Completed'],
  ])('%s may become %s', (from, to) => {
    expect(mayFollow(from, to)).toBe(true);
  });

  it.each<[Phase, Phase]>([
    ['Completed', 'InProgress'],
    ['Completed', 'Failed'],
    ['Failed', 'Completed'],
    ['Cancelled', 'InProgress'],
    ['Cancelling', 'Completed'],
    ['New', 'Completed'],
    ['Deleting', 'Completed'],
  ])('%s never becomes %s', (from, to) => {
    expect(mayFollow(from, to)).toBe(false);
  });

  it('that are final are exactly four', () => {
    const all: Phase[] = ['New', 'InProgress', 'WaitingForVolumes', 'Finalizing', 'Completed'];
    all.push('PartiallyFailed', 'Failed', 'Cancelling', 'Cancelled', 'Deleting');
    expect(all.filter(isTerminal)).toEqual(['Completed', 'PartiallyFailed', 'Failed', 'Cancelled']);
  });
});
