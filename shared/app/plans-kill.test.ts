/** Requests about plans that die, or meet one another, at any call to the store or the bucket. */
import { describe, expect, it } from 'vitest';
import { ApiWorld, VAULT_BODY } from '../../test/support/api-world.ts';
import type { Intercept } from '../../test/support/interception.ts';
import { makePlan, PLAN_BODY } from '../../test/support/plan-samples.ts';
import { planShard } from '../domain/ids.ts';
import { LEASE_MS } from '../domain/lease.ts';
import type { Plan } from '../domain/plan.ts';
import type { Principal } from '../domain/principal.ts';
import { parsePlan } from '../format/plan-document.ts';
import { changePlan, deletePlan, runPlanNow } from './change-plan.ts';
import { createPlan, type PlanOrder } from './create-plan.ts';
import { deleteVault } from './delete-vault.ts';
import { findPlan } from './find-plan.ts';
import { reconcileRuns } from './reconcile-runs.ts';

/** The process died: whatever it calls afterwards fails too. */
class Killed extends Error {}

const OWNER: Principal = {
  accountId: '1234567890',
  arn: 'acs:ram::1234567890:root',
  isAccountOwner: true,
};

const ORDER: PlanOrder = {
  backup: { ...PLAN_BODY, clusterScope: 'related', retentionDays: 30 },
  schedule: PLAN_BODY.schedule,
  paused: false,
  skipNextRun: false,
};
const OTHER: PlanOrder = { ...ORDER, backup: { ...ORDER.backup, namespaces: ['web'] } };

async function readyWorld(): Promise<ApiWorld> {
  const world = new ApiWorld();
  await world.prepare();
  return world;
}

function everyCall(world: ApiWorld, intercept: Intercept): void {
  world.records.intercept = intercept;
  for (const name of [VAULT_BODY.bucketName, 'control']) {
    world.stores.open({ region: 'cn-hangzhou', name }).intercept = intercept;
  }
}

/** Dies before or after the given call, the first being 1. */
function killAt(world: ApiWorld, calls: number, after: boolean): { hits: number } {
  const seen = { hits: 0 };
  everyCall(world, async (_call, proceed) => {
    seen.hits += 1;
    if (seen.hits === calls && after) await proceed();
    if (seen.hits >= calls) throw new Killed();
    return await proceed();
  });
  return seen;
}

/** Does something whole right before the given call. */
function interruptAt(
  world: ApiWorld,
  calls: number,
  act: () => Promise<unknown>,
): { hits: number } {
  const seen = { hits: 0 };
  everyCall(world, async (_call, proceed) => {
    seen.hits += 1;
    if (seen.hits === calls) await act();
    return await proceed();
  });
  return seen;
}

function revive(world: ApiWorld): void {
  everyCall(world, async (_call, proceed) => await proceed());
}

/** Every place and every way to die: what is to be done in each, until a death comes too late. */
async function everyDeath(
  request: (world: ApiWorld) => Promise<unknown>,
  given: {
    readonly prepare: (world: ApiWorld) => Promise<unknown>;
    readonly check: (world: ApiWorld, at: string) => Promise<void>;
  },
): Promise<number> {
  let deaths = 0;
  for (const after of [false, true]) {
    for (let calls = 1, wasHit = true; wasHit; calls += 1) {
      const world = await readyWorld();
      await given.prepare(world);
      const seen = killAt(world, calls, after);
      await request(world).catch((error: unknown) => {
        if (!(error instanceof Killed)) throw error;
      });
      wasHit = seen.hits >= calls;
      revive(world);
      await given.check(world, `died ${after ? 'after' : 'before'} call ${calls}`);
      deaths += wasHit ? 1 : 0;
    }
  }
  return deaths;
}

const nothing = async (): Promise<void> => await Promise.resolve();
const create = async (world: ApiWorld, order = ORDER) =>
  await createPlan(world.services, OWNER, 'c1', order);

async function codeOf(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return 'done';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

async function plansOf(world: ApiWorld): Promise<readonly Plan[]> {
  const prefix = [planShard('c1'), 'c1'];
  return (await world.records.list('plans', { prefix, limit: 10 })).rows.map((row) => row.value);
}

/** The plan as a rebuild would read it; undefined where it is deleted or was never kept. */
async function rebuilt(world: ApiWorld): Promise<{ revision: number; text: string } | undefined> {
  const bucket = world.stores.open({ region: 'cn-hangzhou', name: VAULT_BODY.bucketName });
  const { objects } = await bucket.list('metadata/plans/');
  const documents = await Promise.all(
    objects.map(async ({ key }) => parsePlan(await bucket.get(key), key)),
  );
  const last = documents.sort((a, b) => b.plan.revision - a.plan.revision)[0];
  if (last === undefined || last.deleted) return undefined;
  const { revision, paused, spec } = last.plan;
  return { revision, text: `${spec.namespaces.join()} ${paused}` };
}

/** One whole plan with these namespaces, found by its name, due, kept, and with its name for good. */
async function expectPlan(world: ApiWorld, at: string, namespaces: string): Promise<void> {
  const [plan, ...others] = await plansOf(world);
  expect(others, at).toEqual([]);
  expect(plan?.spec.namespaces.join(), at).toBe(namespaces);
  expect(plan?.dueAtMs, at).toBe(Date.UTC(2026, 0, 1, 2));
  const found = await findPlan(world.records, { cluster: 'c1', plan: 'nightly' });
  expect(found, at).toEqual(plan);
  const claim = await world.records.get('names', [`${VAULT_BODY.bucketName}/`, 'nightly']);
  expect(claim?.value.unfinishedPlan, at).toBeUndefined();
  const kept = await rebuilt(world);
  expect(kept?.text, at).toBe(`${namespaces} false`);
  expect(kept?.revision, at).toBe(plan?.revision);
  expect(await codeOf(deleteVault(world.services, OWNER, 'main')), at).toBe('vault_in_use');
}

describe('making a plan', () => {
  it('that dies leaves no plan or a whole one; the same words again end in one', async () => {
    const ends = new Set<string>();
    const deaths = await everyDeath(create, {
      prepare: nothing,
      check: async (world, at) => {
        const before = (await plansOf(world)).length;
        const again = await codeOf(create(world));
        ends.add(`${before} ${again}`);
        await expectPlan(world, at, 'shop');
      },
    });
    expect([...ends].sort()).toEqual(['0 done', '1 done', '1 name_taken']);
    expect(deaths).toBeGreaterThan(25);
  });

  it('that dies gives way to other words as long as there is no plan', async () => {
    const ends = new Set<string>();
    await everyDeath(create, {
      prepare: nothing,
      check: async (world, at) => {
        const before = (await plansOf(world)).length;
        const again = await codeOf(create(world, OTHER));
        ends.add(`${before} ${again}`);
        if (again === 'name_taken') await create(world).catch(() => undefined);
        await expectPlan(world, at, before === 0 ? 'web' : 'shop');
      },
    });
    expect([...ends].sort()).toEqual(['0 done', '1 name_taken']);
  });

  it('that dies after the row lives on as a plan whose name is taken for ever', async () => {
    await everyDeath(create, {
      prepare: nothing,
      check: async (world, at) => {
        const [plan] = await plansOf(world);
        if (plan === undefined) return;
        await deletePlan(world.services, plan);
        expect(await codeOf(create(world)), at).toBe('name_taken');
        expect(await plansOf(world), at).toEqual([]);
      },
    });
  });

  it.each([
    ['the same words', ORDER],
    ['other words', OTHER],
  ])('in the middle of which another asks in %s makes one plan', async (_what, order) => {
    const ends = new Set<string>();
    for (let calls = 1, wasHit = true; wasHit; calls += 1) {
      const world = await readyWorld();
      let second = '';
      const seen = interruptAt(world, calls, async () => {
        second = await codeOf(create(world, order));
      });
      const first = await codeOf(create(world));
      wasHit = seen.hits >= calls && second !== '';
      revive(world);
      const at = `at call ${calls}: first ${first}, second ${second}`;
      const [plan] = await plansOf(world);
      const isFirst = plan?.spec.namespaces.join() === 'shop';
      expect([first, second], at).toContain('done');
      if (order === OTHER) expect(isFirst ? first : second, at).toBe('done');
      if (order === OTHER && wasHit)
        expect([first, second].sort(), at).toEqual(['done', 'name_taken']);
      await expectPlan(world, at, isFirst ? 'shop' : 'web');
      ends.add(`${first} ${second}`);
    }
    expect(ends.size).toBeGreaterThan(1);
  });
});

describe('changing a plan', () => {
  const change = async (world: ApiWorld) => {
    const [plan] = await plansOf(world);
    if (plan === undefined) throw new Error('No plan');
    return await changePlan(world.services, plan, { namespaces: ['web'] });
  };

  it('that dies leaves the old plan or the new one, and again ends in the new one', async () => {
    const ends = new Set<string>();
    const deaths = await everyDeath(change, {
      prepare: makePlan,
      check: async (world, at) => {
        const [plan] = await plansOf(world);
        const kept = await rebuilt(world);
        ends.add(`${plan?.spec.namespaces.join()}, kept ${kept?.text}`);
        await change(world);
        await expectPlan(world, at, 'web');
        expect((await plansOf(world))[0]?.revision, at).toBe(2);
      },
    });
    // Kept before it is so: never the other way round.
    expect([...ends].sort()).toEqual([
      'shop, kept shop false',
      'shop, kept web false',
      'web, kept web false',
    ]);
    expect(deaths).toBeGreaterThan(5);
  });

  it('that dies and is followed by another change ends in that one, kept after it', async () => {
    await everyDeath(change, {
      prepare: makePlan,
      check: async (world, at) => {
        const [plan] = await plansOf(world);
        if (plan === undefined) throw new Error('No plan');
        await changePlan(world.services, plan, { namespaces: ['third'] });
        await expectPlan(world, at, 'third');
      },
    });
  });

  it('in the middle of which the scheduler writes the plan keeps what both did', async () => {
    for (let calls = 1, wasHit = true; wasHit; calls += 1) {
      const world = await readyWorld();
      await makePlan(world);
      const [plan] = await plansOf(world);
      if (plan === undefined) throw new Error('No plan');
      const due = Date.UTC(2026, 0, 2, 2);
      const seen = interruptAt(world, calls, async () => {
        const key = [planShard('c1'), 'c1', plan.id];
        await world.records.put('plans', key, { ...plan, dueAtMs: due }, { version: 1 });
      });
      await codeOf(changePlan(world.services, plan, { namespaces: ['web'] }));
      wasHit = seen.hits >= calls;
      revive(world);
      const [after] = await plansOf(world);
      const isMissed = seen.hits < calls;
      if (!isMissed && calls <= 4) expect(after?.dueAtMs, `at call ${calls}`).toBe(due);
      expect(after?.spec.namespaces, `at call ${calls}`).toEqual(['web']);
      expect(after?.revision, `at call ${calls}`).toBe(2);
    }
  });
});

describe('deleting a plan', () => {
  const remove = async (world: ApiWorld) => {
    const [plan] = await plansOf(world);
    return plan === undefined ? undefined : await deletePlan(world.services, plan);
  };

  it('that dies leaves a plan or none, and again ends in none', async () => {
    const ends = new Set<string>();
    const deaths = await everyDeath(remove, {
      prepare: makePlan,
      check: async (world, at) => {
        const left = await plansOf(world);
        const kept = await rebuilt(world);
        ends.add(`${left.length}, kept ${kept === undefined ? 'deleted' : 'living'}`);
        await remove(world);
        expect(await plansOf(world), at).toEqual([]);
        expect(await rebuilt(world), at).toBeUndefined();
        expect(await codeOf(create(world)), at).toBe('name_taken');
        // A reference that a dead request left holds the vault for a minute.
        await world.clock.advance(60_001);
        expect(await codeOf(deleteVault(world.services, OWNER, 'main')), at).toBe('done');
      },
    });
    expect([...ends].sort()).toEqual(['0, kept deleted', '1, kept deleted', '1, kept living']);
    expect(deaths).toBeGreaterThan(8);
  });
});

describe('a run by hand', () => {
  it('that dies has made one backup at most, and it goes on', async () => {
    const ends = new Set<string>();
    const run = async (world: ApiWorld) => {
      const [plan] = await plansOf(world);
      if (plan === undefined) throw new Error('No plan');
      return await runPlanNow(world.services, OWNER, plan);
    };
    await everyDeath(run, {
      prepare: makePlan,
      check: async (world, at) => {
        await world.clock.advance(LEASE_MS + 1);
        await reconcileRuns(world.services);
        const records = (await world.records.list('backups', { prefix: ['c1'], limit: 10 })).rows;
        expect(records.length, at).toBeLessThan(2);
        for (const { value } of records) {
          expect(value.plan, at).toBe('nightly');
          const state = (await world.records.get('runs', [value.runId]))?.value.state;
          expect(state, at).toBe('active');
        }
        const [plan] = await plansOf(world);
        ends.add(`${records.length} ${plan?.lastRun?.phase ?? 'untold'}`);
        await run(world);
        expect(await world.backupCount(), at).toBe(records.length + 1);
      },
    });
    expect([...ends].sort()).toEqual(['0 untold', '1 New', '1 untold']);
  });
});

describe('a vault', () => {
  /** A plan refers to a vault that is there, or there is no plan. */
  async function expectHeld(world: ApiWorld, at: string): Promise<string> {
    const plans = await plansOf(world);
    const rows = await world.records.list('vaults', { prefix: [OWNER.accountId], limit: 10 });
    const isThere = rows.rows.some((row) => row.value.deletedAtMs === undefined);
    if (plans.length > 0) expect(isThere, at).toBe(true);
    return `${plans.length} ${isThere}`;
  }

  it('is not deleted under a plan that is being made', async () => {
    const ends = new Set<string>();
    for (let calls = 1, wasHit = true; wasHit; calls += 1) {
      const world = await readyWorld();
      let deletion = '';
      const seen = interruptAt(world, calls, async () => {
        deletion = await codeOf(deleteVault(world.services, OWNER, 'main'));
      });
      const making = await codeOf(create(world));
      wasHit = seen.hits >= calls && deletion !== '';
      revive(world);
      const held = await expectHeld(world, `at call ${calls}: ${making} ${deletion}`);
      ends.add(`${making}, ${deletion}: ${held}`);
    }
    expect([...ends].sort()).toEqual([
      'done, : 1 true',
      'done, vault_in_use: 1 true',
      'not_found, done: 0 false',
      'vault_unavailable, done: 0 false',
    ]);
  });

  it('that is being deleted gets no plan, or is kept for it', async () => {
    const ends = new Set<string>();
    for (let calls = 1, wasHit = true; wasHit; calls += 1) {
      const world = await readyWorld();
      let making = '';
      const seen = interruptAt(world, calls, async () => {
        making = await codeOf(create(world));
      });
      const deletion = await codeOf(deleteVault(world.services, OWNER, 'main'));
      wasHit = seen.hits >= calls && making !== '';
      revive(world);
      const held = await expectHeld(world, `at call ${calls}: ${making} ${deletion}`);
      ends.add(`${making}, ${deletion}: ${held}`);
    }
    expect([...ends].sort()).toEqual([
      ', done: 0 false',
      'done, vault_in_use: 1 true',
      'not_found, done: 0 false',
    ]);
  });
});
