import { describe, expect, it } from 'vitest';
import { samplePlan } from '../../test/support/sample-plan.ts';
import { formatPlan, parsePlan } from './plan-document.ts';
import { planKey } from './vault-keys.ts';

const KEY = 'team/metadata/plans/nightly-3.json';

const PLAN = samplePlan({
  revision: 3,
  paused: true,
  createdAtMs: 1_767_225_600_000,
  spec: {
    namespaceSelection: 'exclude',
    namespaces: ['shop'],
    labelSelector: { matchLabels: { app: 'web' } },
    schedule: { cron: '0 2 * * *', timeZone: 'Asia/Shanghai' },
  },
});

function changed(change: object): Uint8Array {
  const document: unknown = JSON.parse(formatPlan({ plan: PLAN, deleted: false }));
  return new TextEncoder().encode(JSON.stringify(Object.assign({}, document, change)));
}

describe('the document of a plan', () => {
  it('lies under the name and the number of the edit', () => {
    expect(planKey('team', 'nightly', 3)).toBe(KEY);
    expect(planKey('', 'a-1', 2)).toBe('metadata/plans/a-1-2.json');
  });

  it('gives back what the plan is, and not what it is about to do', () => {
    const plan = { ...PLAN, dueAtMs: 1, skipNextRun: true };
    const text = formatPlan({ plan, deleted: true });
    expect(text).toBe(formatPlan({ plan: PLAN, deleted: true }));
    const { id, cluster, vaultIdentity, spec, creator, createdAtMs, revision, paused } = PLAN;
    expect(parsePlan(new TextEncoder().encode(text), KEY)).toEqual({
      plan: { id, cluster, vaultIdentity, spec, creator, createdAtMs, revision, paused },
      deleted: true,
    });
  });

  it.each<[string, object, RegExp]>([
    ['of another format', { format: 2 }, /nightly-3\.json: its format is not 1/],
    ['without a spec', { spec: undefined }, /spec is missing/],
    [
      'with a spec without namespaces',
      { spec: { ...PLAN.spec, namespaces: 1 } },
      /namespaces is not/,
    ],
    ['without a time', { createdAt: 'soon' }, /createdAt is no time/],
    ['with half a creator', { creator: { arn: 'a' } }, /accountId is missing/],
    ['with revision 0', { revision: 0 }, /revision is not as it must be/],
  ])('%s is refused by name', (_what, change, found) => {
    expect(() => parsePlan(changed(change), KEY)).toThrow(found);
  });

  it('that is no JSON is refused by name', () => {
    expect(() => parsePlan(new TextEncoder().encode('{"format":'), KEY)).toThrow(
      'Cannot read plan team/metadata/plans/nightly-3.json: it is no JSON object',
    );
  });
});
