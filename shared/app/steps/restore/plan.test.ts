import { beforeEach, describe, expect, it } from 'vitest';
import {
  sampleDeployment,
  sampleObject,
  sampleVolume,
} from '../../../../test/support/restore-samples.ts';
import { RestoreWorld } from '../../../../test/support/restore-world.ts';
import type { RestoreSpec } from '../../../domain/restore-record.ts';

let world: RestoreWorld;

beforeEach(async () => {
  world = await RestoreWorld.create();
});

/** What came back of a backup of everything, and what did not. */
async function partial(spec: Partial<RestoreSpec>): Promise<{ back: string[]; out: string[] }> {
  const backup = await world.backups.backUp({ namespaces: ['*'], clusterScope: 'all' });
  const record = await world.restore(backup, spec);
  expect(record.errors).toEqual([]);
  const lines = await world.outcome(record);
  const named = (action: RegExp): string[] =>
    lines.flatMap((line) => (action.test(line) ? [line.replace(action, '')] : []));
  return { back: named(/ created$/), out: named(/ omitted (?=\S+$)/) };
}

function account(namespace: string): void {
  world.seed(sampleObject('ServiceAccount', `${namespace}/robot`));
  world.seed(
    sampleObject('ClusterRoleBinding', `bind-${namespace}`, {
      subjects: [{ kind: 'ServiceAccount', namespace, name: 'robot' }],
      roleRef: { kind: 'ClusterRole', name: `role-${namespace}` },
    }),
  );
  world.seed(sampleObject('ClusterRole', `role-${namespace}`));
}

describe('a partial restore', () => {
  it('by namespace brings that namespace and what its objects need of the cluster', async () => {
    for (const namespace of ['shop', 'other']) account(namespace);
    world.seed(sampleObject('PriorityClass', 'high'));
    world.seed(sampleObject('PriorityClass', 'unused'));
    world.seed(
      sampleObject('Pod', 'shop/web', {
        spec: { serviceAccountName: 'robot', priorityClassName: 'high' },
      }),
    );
    for (const object of sampleVolume('shop/data', 'pv1', 'nas')) world.seed(object);
    for (const object of sampleVolume('other/data', 'pv2', 'nas')) world.seed(object);
    const { back, out } = await partial({ namespaces: ['shop'], clusterScope: 'related' });
    expect(back).toEqual([
      'clusterrolebindings.rbac.authorization.k8s.io bind-shop',
      'clusterroles.rbac.authorization.k8s.io role-shop',
      'namespaces shop',
      'persistentvolumeclaims shop/data',
      'persistentvolumes pv1',
      'pods shop/web',
      'priorityclasses.scheduling.k8s.io high',
      'serviceaccounts shop/robot',
    ]);
    expect(out).toContain('priorityclasses.scheduling.k8s.io unusedcluster_scoped');
    expect(out).toContain('serviceaccounts other/robotfiltered');
    expect(out).toContain('namespaces otherfiltered');
  });

  it('by namespace with clusterScope none brings nothing of the cluster, and a bare namespace', async () => {
    account('shop');
    const { back, out } = await partial({ namespaces: ['shop'], clusterScope: 'none' });
    expect(back).toEqual(['namespaces shop', 'serviceaccounts shop/robot']);
    expect(out).toContain('clusterroles.rbac.authorization.k8s.io role-shopcluster_scoped');
  });

  it('by kind brings that kind and the namespaces it lies in', async () => {
    world.seed(sampleObject('ConfigMap', 'shop/a'));
    world.seed(sampleObject('Secret', 'shop/s'));
    const { back, out } = await partial({ resources: ['configmaps'] });
    expect(back).toEqual(['configmaps shop/a', 'namespaces shop']);
    expect(out).toEqual(['namespaces otherfiltered', 'secrets shop/sfiltered']);
  });

  it('without a kind leaves it out, even where others need it', async () => {
    world.seed(sampleObject('ConfigMap', 'shop/a'));
    world.seed(
      sampleObject('Pod', 'shop/p', { spec: { volumes: [{ configMap: { name: 'a' } }] } }),
    );
    const { back } = await partial({ excludedResources: ['configmaps'], namespaces: ['shop'] });
    expect(back).toEqual(['namespaces shop', 'pods shop/p']);
  });

  it('by label brings what carries it and what that names, mounts and owns', async () => {
    world.seed(sampleDeployment('shop/web', { volumes: [{ configMap: { name: 'mounted' } }] }));
    world.seed(sampleObject('ConfigMap', 'shop/mounted'));
    world.seed(sampleObject('ConfigMap', 'shop/labelled', {}, { labels: { app: 'web' } }));
    world.seed(sampleObject('ConfigMap', 'shop/unrelated'));
    world.seed(sampleObject('ConfigMap', 'other/mounted'));
    const { back, out } = await partial({ labelSelector: { matchLabels: { app: 'web' } } });
    expect(back).toEqual([
      'configmaps shop/labelled',
      'configmaps shop/mounted',
      'deployments.apps shop/web',
      'namespaces shop',
    ]);
    expect(out).toEqual([
      'configmaps other/mountedfiltered',
      'configmaps shop/unrelatedfiltered',
      'namespaces otherfiltered',
    ]);
  });

  it('brings the definition of a custom resource that comes back', async () => {
    world.seed(sampleObject('CustomResourceDefinition', 'widgets.example.com'));
    world.seed(sampleObject('CustomResourceDefinition', 'gadgets.example.com'));
    world.seed(sampleObject('Widget', 'shop/w'));
    const { back } = await partial({ namespaces: ['shop'], clusterScope: 'related' });
    expect(back).toEqual([
      'customresourcedefinitions.apiextensions.k8s.io widgets.example.com',
      'namespaces shop',
      'widgets.example.com shop/w',
    ]);
  });

  it('maps the namespace of everything and of what names it', async () => {
    account('shop');
    const { back } = await partial({ namespaces: ['shop'], namespaceMapping: { shop: 'shop2' } });
    expect(back).toContain('namespaces shop2');
    expect(back).toContain('serviceaccounts shop2/robot');
    const binding = world.target.peek(
      'clusterrolebindings.rbac.authorization.k8s.io',
      undefined,
      'bind-shop',
    );
    expect(binding?.subjects).toEqual([
      { kind: 'ServiceAccount', namespace: 'shop2', name: 'robot' },
    ]);
  });
});
