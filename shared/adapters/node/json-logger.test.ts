import { describe, expect, test } from 'vitest';
import type { Json } from '../../domain/json.ts';
import type { LogFields } from '../../ports/logger.ts';
import { JsonLogger, type LogLevel } from './json-logger.ts';

function logger(level: LogLevel = 'debug') {
  const lines: string[] = [];
  const log = new JsonLogger({
    sink: { write: (line) => lines.push(line) },
    now: () => 1_767_225_600_000,
    level,
  });
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line) as LogFields) };
}

describe('JSON logger', () => {
  test('a line is one JSON object with level, time, message and fields of all parents', () => {
    const { log, lines, parsed } = logger();
    log.child({ runId: 'r1' }).child({ step: 'capture' }).info('Step finished', { durationMs: 5 });
    expect(lines[0]).toMatch(/^[^\n]+\n$/);
    expect(parsed()).toEqual([
      {
        level: 'info',
        time: '2026-01-01T00:00:00.000Z',
        msg: 'Step finished',
        runId: 'r1',
        step: 'capture',
        durationMs: 5,
      },
    ]);
  });

  test('lines below the level are dropped', () => {
    const { log, parsed } = logger('warn');
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    expect(parsed().map((line) => line.msg)).toEqual(['c', 'd']);
  });

  test('a field cannot pose as the level or the message', () => {
    const { log, parsed } = logger();
    log.error('Real', { level: 'debug', msg: 'Fake' });
    expect(parsed()[0]).toMatchObject({ level: 'error', msg: 'Real' });
  });

  test.each([
    'accessKeySecret',
    'securityToken',
    'authorization',
    'password',
    'apiToken',
    'kubeconfig',
    'data',
    'stringData',
  ])('a field named %s never prints, at any depth', (name) => {
    const { log, lines } = logger();
    log.info('x', { [name]: 'hunter2', nested: { list: [{ [name]: { deep: 'hunter2' } }] } });
    expect(lines[0]).not.toContain('hunter2');
    expect(lines[0]).toContain('[redacted]');
  });

  test.each(['leaseToken', 'fencingToken', 'secretName', 'tokens'])(
    'a field named %s prints',
    (n) => {
      const { log, parsed } = logger();
      log.info('x', { [n]: 7 });
      expect(parsed()[0]?.[n]).toBe(7);
    },
  );

  test('what is no JSON does not stop the program', () => {
    const { log, parsed } = logger();
    const circular: Json[] = [];
    circular.push(circular);
    log.warn('Odd', { circular });
    expect(parsed()[0]).toMatchObject({ level: 'warn', msg: 'Odd' });
  });

  test('an endless text is cut', () => {
    const { log, lines } = logger();
    log.info('x', { text: 'y'.repeat(100_000) });
    expect(lines[0]?.length).toBeLessThan(9_000);
  });
});
