import { expect, it } from 'vitest';
import { COMMON_RESOURCES } from '../../test/support/api-resources.ts';
import { sampleObject } from '../../test/support/restore-samples.ts';
import { RestoreWorld } from '../../test/support/restore-world.ts';
import type { ApiResource } from '../domain/api-resource.ts';
import { objectAt } from '../domain/json.ts';

const served = (kind: string, resource: string, group: string, version: string): ApiResource => ({
  group,
  version,
  resource,
  kind,
  singular: kind.toLowerCase(),
  shortNames: [],
  namespaced: true,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  preferred: true,
});

const OTHERS = COMMON_RESOURCES.filter((r) => r.resource !== 'ingresses');
const OLD_INGRESSES = served('Ingress', 'ingresses', 'extensions', 'v1beta1');
const INGRESSES = served('Ingress', 'ingresses', 'networking.k8s.io', 'v1');
const SECURITY_POLICIES = {
  ...served('PodSecurityPolicy', 'podsecuritypolicies', 'policy', 'v1beta1'),
  namespaced: false,
};

const INGRESS = {
  ...sampleObject('ConfigMap', 'shop/web'),
  apiVersion: 'extensions/v1beta1',
  kind: 'Ingress',
  spec: { backend: { serviceName: 'web', servicePort: 80 } },
};

async function world(targetResources: readonly ApiResource[]): Promise<RestoreWorld> {
  const resources = [...OTHERS, OLD_INGRESSES, SECURITY_POLICIES];
  const made = await RestoreWorld.create({ resources, targetResources });
  made.seed(INGRESS);
  return made;
}

it('converts a kind whose version and group the target dropped, and says so', async () => {
  const w = await world([...OTHERS, INGRESSES]);
  const backup = await w.backups.backUp();
  const record = await w.restore(backup);
  expect(record.warnings).toEqual([]);
  expect(record.phase).toBe('Completed');
  const made = w.target.peek('ingresses.networking.k8s.io', 'shop', 'web');
  expect(made?.apiVersion).toBe('networking.k8s.io/v1');
  expect(objectAt(made, 'spec')).toEqual({
    defaultBackend: { service: { name: 'web', port: { number: 80 } } },
  });
  const item = (await w.items(record)).find((i) => i.resource.startsWith('ingresses'));
  expect(item).toMatchObject({
    apiVersion: 'networking.k8s.io/v1',
    resource: 'ingresses.networking.k8s.io',
    action: 'created',
  });
  expect(item?.changes[0]).toBe('apiVersion: extensions/v1beta1 -> networking.k8s.io/v1');
  const again = await w.restore(backup);
  expect(await w.outcome(again)).toContain(
    'ingresses.networking.k8s.io shop/web skipped exists_equal',
  );
});

it('leaves the version alone where the target serves it', async () => {
  const w = await world([...OTHERS, INGRESSES, OLD_INGRESSES]);
  await w.restore(await w.backups.backUp());
  const made = w.target.peek('ingresses.extensions', 'shop', 'web');
  expect(objectAt(made, 'spec')).toEqual(INGRESS.spec);
});

it('lists before anything is created what no version stands for', async () => {
  const w = await world([...OTHERS, INGRESSES]);
  w.seed({
    ...sampleObject('Namespace', 'strict'),
    apiVersion: 'policy/v1beta1',
    kind: 'PodSecurityPolicy',
  });
  const record = await w.restore(await w.backups.backUp({ clusterScope: 'all' }));
  expect(record.warnings).toHaveLength(1);
  expect(record.warnings[0]).toMatchObject({ code: 'unsupported_version', step: 'precheck' });
  expect(record.warnings[0]?.hint).toContain('Pod Security admission');
  expect(record.errors.map((e) => e.code)).toEqual(['unsupported_version']);
  expect(record.phase).toBe('PartiallyFailed');
});
