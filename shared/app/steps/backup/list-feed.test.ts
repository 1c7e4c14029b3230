import { beforeEach, describe, expect, it } from 'vitest';
import { apiResource } from '../../../../test/support/api-resources.ts';
import { FakeClock } from '../../../../test/support/fake-clock.ts';
import { InMemoryClusterClient } from '../../../../test/support/in-memory-cluster-client.ts';
import type { ApiResource } from '../../../domain/api-resource.ts';
import { BackupCentreError, ThrottledError, UnavailableError } from '../../../domain/errors.ts';
import { ApiRejection, ContinueExpiredError } from '../../../ports/cluster-client.ts';
import { type FeedEvent, feedLists } from './list-feed.ts';

const kinds = Array.from({ length: 8 }, (_, i) => apiResource(`kind${i}s`, `Kind${i}`));
const [first] = kinds;
if (first === undefined) throw new Error('no kind');

let clock: FakeClock;
let client: InMemoryClusterClient;

beforeEach(() => {
  clock = new FakeClock({ impatient: true });
  client = new InMemoryClusterClient([apiResource('namespaces', 'Namespace'), ...kinds], {
    now: () => clock.now(),
    namespaces: ['shop'],
  });
});

function seed(resource: ApiResource, count: number, size = 10): void {
  for (let i = 0; i < count; i += 1) {
    const name = `o-${String(i).padStart(5, '0')}`;
    const metadata = { namespace: 'shop', name };
    client.seed({ apiVersion: 'v1', kind: resource.kind, metadata, data: 'x'.repeat(size) });
  }
}

function feed(
  resources: readonly ApiResource[] = kinds,
  from: { task: number; token?: string } = { task: 0 },
) {
  return feedLists({ client, clock, tasks: resources.map((resource) => ({ resource })), from });
}

async function all(events: AsyncIterable<FeedEvent>): Promise<FeedEvent[]> {
  const list = [];
  for await (const event of events) list.push(event);
  return list;
}

function namesOf(events: readonly FeedEvent[]): string[] {
  return events
    .flatMap((e) => (e.kind === 'page' ? e.page.items : []))
    .map((item) => /"name":"([^"]+)"/.exec(Buffer.from(item).toString())?.[1] ?? '');
}

/** Fails the n-th list call (from 1) with an error, applied to calls of any kind. */
function failLists(which: (n: number) => Error | undefined): { calls: number } {
  const seen = { calls: 0 };
  client.intercept = async (call, proceed) => {
    if (call.method !== 'list') return await proceed();
    seen.calls += 1;
    const error = which(seen.calls);
    if (error !== undefined) throw error;
    return await proceed();
  };
  return seen;
}

describe('a feed of lists', () => {
  it('gives every page of every list in order', async () => {
    for (const [i, kind] of kinds.entries()) seed(kind, i * 90);
    const events = await all(feed());
    const ends = events.filter((e) => e.kind === 'end').map((e) => e.task);
    expect(ends).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(events.map((e) => e.task)).toEqual([...events.map((e) => e.task)].sort());
    expect(namesOf(events)).toHaveLength(90 * 28);
  });

  it('asks for a short page first, and then for at most 500 objects or 10 MiB', async () => {
    const pages = async (size: number) => {
      client = new InMemoryClusterClient([apiResource('namespaces', 'Namespace'), first], {
        now: () => clock.now(),
        namespaces: ['shop'],
      });
      seed(first, 1200, size);
      const events = await all(feed([first]));
      return events.flatMap((e) => (e.kind === 'page' ? [e.page.items.length] : []));
    };
    expect(await pages(10)).toEqual([100, 500, 500, 100]);
    const [, second = 0] = await pages(60_000);
    expect(second).toBeGreaterThan(150);
    expect(second * 60_000).toBeLessThanOrEqual(10 * 1024 * 1024);
  });

  it('holds three other lists at most, and two pages of each', async () => {
    for (const kind of kinds) seed(kind, 2000);
    const pages = new Map<string, number>();
    client.intercept = async (call, proceed) => {
      if (call.method === 'list') pages.set(call.subject, (pages.get(call.subject) ?? 0) + 1);
      return await proceed();
    };
    const events = feed();
    await events.next();
    for (let i = 0; i < 50; i += 1) await clock.sleep(0);
    expect(pages.size).toBe(4);
    expect([...pages.values()].slice(1)).toEqual([2, 2, 2]);
    expect(pages.get('kind0s')).toBeLessThanOrEqual(3);
    await events.return(undefined);
  });

  it('goes on from a list and a token', async () => {
    seed(first, 250);
    const [page] = await all(feed([first]));
    if (page?.kind !== 'page' || page.page.continue === undefined) throw new Error('no page');
    const rest = await all(feed([first], { task: 0, token: page.page.continue }));
    expect(namesOf(rest)).toHaveLength(150);
    expect(rest[0]).toMatchObject({ kind: 'page', token: page.page.continue });
  });

  it('goes on with the token that an expired one is answered with', async () => {
    seed(first, 250);
    let expired = false;
    client.intercept = async (call, proceed) => {
      if (call.method === 'list' && client.requests.list === 2 && !expired) {
        expired = true;
        client.expireContinueTokens();
      }
      return await proceed();
    };
    expect(new Set(namesOf(await all(feed([first])))).size).toBe(250);
    expect(expired).toBe(true);
  });

  it('begins the list anew where an expired token has no successor', async () => {
    seed(first, 250);
    failLists((n) => (n === 2 ? new ContinueExpiredError('too old', undefined) : undefined));
    const names = namesOf(await all(feed([first])));
    expect(names).toHaveLength(350);
    expect(new Set(names).size).toBe(250);
  });

  it('gives a list up whose tokens expire again and again', async () => {
    seed(first, 250);
    failLists((n) => (n > 1 ? new ContinueExpiredError('too old', 'next') : undefined));
    expect((await all(feed([first]))).at(-1)).toMatchObject({ kind: 'gap', reason: 'too old' });
  });

  it.each([
    ['is forbidden', new BackupCentreError('cluster_access_denied', 'may not list')],
    ['is refused', new ApiRejection(406, 'NotAcceptable', 'may not list')],
  ])('makes a gap of a list that %s, and goes on', async (_, error) => {
    seed(kinds[1] ?? first, 3);
    client.intercept = async (call, proceed) => {
      if (call.method === 'list' && call.subject === 'kind0s') throw error;
      return await proceed();
    };
    const events = await all(feed());
    expect(events[0]).toMatchObject({ kind: 'gap', task: 0 });
    expect(events[0]).toHaveProperty('reason', expect.stringContaining('may not list'));
    expect(namesOf(events)).toHaveLength(3);
  });

  it('makes a gap of a list that fails while the server answers', async () => {
    client.intercept = async (call, proceed) => {
      if (call.method === 'list' && call.subject === 'kind0s') {
        throw new UnavailableError('cluster_unreachable', '503 from a dead aggregated server');
      }
      return await proceed();
    };
    expect((await all(feed()))[0]).toMatchObject({ kind: 'gap', task: 0 });
    expect(client.requests.version).toBe(1);
  });

  it('tries a page again that failed in passing', async () => {
    seed(first, 5);
    failLists((n) => (n === 1 ? new UnavailableError('cluster_unreachable', 'lost') : undefined));
    expect(namesOf(await all(feed([first])))).toHaveLength(5);
  });

  it('ends with a retryable error where the server does not answer at all', async () => {
    client.intercept = async () => {
      throw new UnavailableError('cluster_unreachable', 'Cannot reach c1');
    };
    await expect(all(feed())).rejects.toMatchObject({
      retryable: true,
      code: 'cluster_unreachable',
    });
  });

  it('waits as long as a throttling server says, and reads fewer lists ahead', async () => {
    for (const kind of kinds) seed(kind, 5);
    failLists((n) => (n <= 3 ? new ThrottledError('429', 7_000) : undefined));
    const events = await all(feed());
    expect(namesOf(events)).toHaveLength(40);
    expect(clock.sleeps.filter((ms) => ms >= 7_000)).toHaveLength(3);
  });

  it('ends when its reader leaves, with no request under way', async () => {
    for (const kind of kinds) seed(kind, 2000);
    let open = 0;
    client.intercept = async (_call, proceed) => {
      open += 1;
      await clock.sleep(0);
      const result = await proceed();
      open -= 1;
      return result;
    };
    for await (const _event of feed()) break;
    expect(open).toBe(0);
  });
});
