import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { objectAt, objectsAt, textAt } from '../../shared/domain/json.ts';
import { localFunctions } from './local-functions.ts';

const settings = { accountId: '1', region: 'cn-hangzhou', controlBucket: 'c', environment: {} };

/** `<trigger> <key prefix>` of a function's triggers, sorted. */
function triggersOf(triggers: readonly object[]): readonly string[] {
  return triggers
    .map(
      (t) => `${textAt(t, 'triggerName')} ${textAt(t, 'triggerConfig', 'filter', 'key', 'prefix')}`,
    )
    .sort();
}

it('functions have the same triggers here and in s.yaml, deletions among them', () => {
  const parsed: unknown = parse(readFileSync('s.yaml', 'utf8'), { merge: true });
  const deployed = Object.entries(objectAt(parsed, 'resources') ?? {}).map(
    ([name, resource]) => [name, triggersOf(objectsAt(resource, 'props', 'triggers'))] as const,
  );
  const local = localFunctions(settings).map(
    (f) => [f.functionName, triggersOf(f.triggers)] as const,
  );
  expect(Object.fromEntries(local)).toEqual(Object.fromEntries(deployed));
  expect(Object.fromEntries(local)['backup-worker']).toContain(
    'dispatch-delete dispatch/delete/public/',
  );
});
