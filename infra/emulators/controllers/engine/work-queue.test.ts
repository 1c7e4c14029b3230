import { describe, expect, it } from 'vitest';
import { ApiError, ApiUnreachableError } from './api-client.ts';
import { WorkQueue } from './work-queue.ts';

/** A queue and a way to wait until it says that it is quiet. */
function observed(reconcile: (key: string) => Promise<void>, workers = 2) {
  let wake: (() => void)[] = [];
  const queue = new WorkQueue('Thing', reconcile, {
    workers,
    changed: () => {
      for (const each of wake) each();
      wake = [];
    },
  });
  const quiet = async (): Promise<void> => {
    while (!queue.quiet) await new Promise<void>((resolve) => wake.push(resolve));
  };
  return { queue, quiet };
}

describe('WorkQueue', () => {
  it('works once on a key that is added many times', async () => {
    const seen: string[] = [];
    const { queue, quiet } = observed(async (key) => {
      seen.push(key);
    });
    for (let count = 0; count < 100; count += 1) queue.add('a');
    await quiet();
    expect(seen).toEqual(['a']);
    expect(queue.added).toBe(100);
  });

  it('works again on a key that was added while it was worked on', async () => {
    let runs = 0;
    const { queue, quiet } = observed(async (key) => {
      runs += 1;
      if (runs === 1) queue.add(key);
    });
    queue.add('a');
    await quiet();
    expect(runs).toBe(2);
  });

  it('never works twice at once on one key, nor on more keys than it has workers', async () => {
    const running: string[] = [];
    let most = 0;
    const { queue, quiet } = observed(async (key) => {
      expect(running).not.toContain(key);
      running.push(key);
      most = Math.max(most, running.length);
      await new Promise((resolve) => setImmediate(resolve));
      running.splice(running.indexOf(key), 1);
      if (most < 2) queue.add(key);
    }, 2);
    for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
    await quiet();
    expect(most).toBe(2);
  });

  it('tries again after a failure until it succeeds, and is not quiet before', async () => {
    let runs = 0;
    const { queue, quiet } = observed(async () => {
      runs += 1;
      if (runs < 4) throw new ApiUnreachableError('GET /x', 'refused');
    });
    queue.add('a');
    await quiet();
    expect(runs).toBe(4);
  });

  it('is quiet about what the server refuses again and again', async () => {
    let runs = 0;
    const { queue, quiet } = observed(async () => {
      runs += 1;
      throw new ApiError('POST /x', 403, { reason: 'Forbidden', message: 'exceeded quota' });
    });
    queue.add('a');
    await quiet();
    expect(runs).toBe(6);
    await queue.close();
  });

  it('lets go of what lies in a namespace that ends', async () => {
    let runs = 0;
    const { queue, quiet } = observed(async () => {
      runs += 1;
      throw new ApiError('POST /x', 403, {
        reason: 'Forbidden',
        details: { causes: [{ reason: 'NamespaceTerminating' }] },
      });
    });
    queue.add('a');
    await quiet();
    expect(runs).toBe(1);
  });
});
