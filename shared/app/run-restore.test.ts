import { beforeEach, describe, expect, it } from 'vitest';
import { RestoreWorld } from '../../test/support/restore-world.ts';

let world: RestoreWorld;

beforeEach(async () => {
  world = await RestoreWorld.create();
});

function configMap(namespace: string, name: string, data: Record<string, string> = {}): void {
  world.seed({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data });
}

function deployment(namespace: string, name: string): void {
  world.seed({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name, labels: { app: name } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'web', image: 'nginx:1.25' }] },
      },
    },
    status: { readyReplicas: 2 },
  });
}

describe('a restore', () => {
  it('brings objects back into an empty cluster and lists each', async () => {
    configMap('shop', 'web', { a: '1' });
    deployment('shop', 'web');
    const backup = await world.backups.backUp();
    const record = await world.restore(backup);
    expect(record.errors).toEqual([]);
    expect(record.phase).toBe('Completed');
    expect(await world.outcome(record)).toEqual([
      'configmaps shop/web created',
      'deployments.apps shop/web created',
      'namespaces shop created',
    ]);
    expect(record.counts).toEqual({ created: 3, skipped: 0, failed: 0, omitted: 0 });
    expect(world.target.peek('configmaps', 'shop', 'web')?.data).toEqual({ a: '1' });
    expect(world.target.peek('deployments.apps', 'shop', 'web')?.status).toBeUndefined();
  });
});
