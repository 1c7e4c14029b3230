import { describe, expect, test } from 'vitest';
import { agentStatusFrom, backupJobFrom, pointFrom, restoreJobFrom } from './hbr-resources.ts';

describe('jobs', () => {
  test.each([
    ['CREATED', 'running'],
    ['QUEUED', 'running'],
    ['RUNNING', 'running'],
    ['CANCELING', 'running'],
    ['SOMETHING_NEW', 'running'],
    ['COMPLETE', 'complete'],
    ['PARTIAL_COMPLETE', 'partial'],
    ['FAILED', 'failed'],
    ['EXPIRED', 'failed'],
    ['CANCELED', 'cancelled'],
  ])('%s is %s', (Status, state) => {
    expect(backupJobFrom({ Status }).state).toBe(state);
    expect(restoreJobFrom({ Status }).state).toBe(state);
  });

  test('numbers may come as texts, and are missing at first', () => {
    const row = { JobId: 'job-1', JobName: 'n', Status: 'RUNNING', Progress: '2500' };
    expect(backupJobFrom({ ...row, BytesTotal: '1024' })).toEqual({
      id: 'job-1',
      name: 'n',
      state: 'running',
      progress: 0.25,
      bytes: 1024,
      message: '',
    });
    expect(restoreJobFrom({ RestoreId: 'r-1', Progress: 'soon' })).toEqual({
      id: 'r-1',
      name: '',
      state: 'running',
      progress: 0,
      bytes: 0,
      message: '',
    });
  });

  test('progress is an estimate: the end alone makes it whole', () => {
    expect(backupJobFrom({ Status: 'COMPLETE', Progress: 9_000 }).progress).toBe(1);
    expect(backupJobFrom({ Status: 'RUNNING', Progress: 12_000 }).progress).toBe(1);
    expect(backupJobFrom({ Status: 'RUNNING', Progress: -1 }).progress).toBe(0);
  });

  test('a job that expired says so where HBR says nothing else', () => {
    expect(backupJobFrom({ Status: 'EXPIRED' }).message).toBe('EXPIRED');
    expect(backupJobFrom({ Status: 'EXPIRED', ErrorMessage: 'late' }).message).toBe('late');
  });
});

test('a point is complete at a time in milliseconds', () => {
  const row = { SnapshotId: 's-1', SnapshotHash: 'h', JobId: 'job-1', BytesTotal: 5 };
  expect(pointFrom({ ...row, CompleteTime: 1_767_225_600 })).toEqual({
    id: 's-1',
    hash: 'h',
    jobId: 'job-1',
    bytes: 5,
    completedAtMs: Date.UTC(2026, 0, 1),
  });
});

test.each([
  ['READY', 'READY'],
  ['MISS', 'MISS'],
  ['UNKNOWN', 'UNKNOWN'],
  ['UPGRADING', 'UNKNOWN'],
])('a client that is %s is told as %s', (AgentStatus, told) => {
  expect(agentStatusFrom({ AgentStatus })).toBe(told);
});
