/** Resource modifiers through a whole restore. */
import { beforeEach, describe, expect, it } from 'vitest';
import { sampleDeployment, sampleObject } from '../../test/support/restore-samples.ts';
import { RestoreWorld } from '../../test/support/restore-world.ts';
import { objectAt } from '../domain/json.ts';
import type { ModifierRule } from '../domain/modifiers/modifier-rule.ts';

let world: RestoreWorld;

beforeEach(async () => {
  world = await RestoreWorld.create();
  world.seed(sampleObject('ConfigMap', 'shop/web', { data: { a: '1' } }));
  world.seed(sampleDeployment('shop/web'));
});

const rule = (value: string): ModifierRule => ({
  conditions: { groupResource: 'configmaps', namespaces: ['shop'] },
  patches: [
    { operation: 'test', path: '/data/a', value },
    { operation: 'replace', path: '/data/a', value: '2' },
  ],
});

describe('resource modifiers', () => {
  it('change what is created, by source names and after the mapping, and are listed', async () => {
    const backup = await world.backups.backUp();
    const record = await world.restore(backup, {
      namespaceMapping: { shop: 'shop2' },
      resourceModifiers: [rule('1')],
    });
    expect(record.phase).toBe('Completed');
    expect(world.target.peek('configmaps', 'shop2', 'web')?.data).toEqual({ a: '2' });
    const item = (await world.items(record)).find((i) => i.resource === 'configmaps');
    expect(item?.changes).toContain('resource modifier 1: patch 2 (replace /data/a)');
  });

  it('fail the object where one fails, and the rest comes back', async () => {
    const backup = await world.backups.backUp();
    const record = await world.restore(backup, { resourceModifiers: [rule('9')] });
    expect(record.phase).toBe('PartiallyFailed');
    expect(world.target.peek('configmaps', 'shop', 'web')).toBeUndefined();
    expect(world.target.peek('deployments.apps', 'shop', 'web')).toBeDefined();
    expect(record.errors.map((e) => e.code)).toEqual(['modifier_failed']);
    expect(record.errors[0]?.message).toContain('modifier 1, patch 1 (test');
  });

  it('are shown by a dry run, which changes nothing', async () => {
    const backup = await world.backups.backUp();
    const before = world.target.dump();
    const spec = { dryRun: true, resourceModifiers: [rule('9')] };
    expect(await world.outcome(await world.restore(backup, spec))).toContainEqual(
      expect.stringContaining('configmaps shop/web refuse'),
    );
    expect(world.target.dump()).toEqual(before);
  });

  it('merge lists by the keys that the target publishes, and fail without them', async () => {
    const kind = { group: 'apps', version: 'v1', kind: 'Deployment' };
    const document = {
      components: {
        schemas: {
          'io.k8s.api.apps.v1.Deployment': { 'x-kubernetes-group-version-kind': [kind] },
        },
      },
    };
    const strategicPatches = [{ patchData: { spec: { replicas: 7 } } }];
    const resourceModifiers = [
      { conditions: { groupResource: 'deployments.apps' }, strategicPatches },
    ];
    const backup = await world.backups.backUp();
    const failed = await world.restore(backup, { resourceModifiers });
    expect(failed.errors[0]?.message).toContain('no merge keys');
    world.target.schemas.set('apps/v1', document);
    await world.restore(backup, { name: 'again', resourceModifiers });
    const made = world.target.peek('deployments.apps', 'shop', 'web');
    expect(objectAt(made, 'spec')?.replicas).toBe(7);
  });
});
