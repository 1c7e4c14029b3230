/**
 * The rights of infra/kubernetes/rbac.yaml on a real API server: enough for the precheck, and for the whole
 * story, which runs with them (story.test.ts); not enough to change or remove what is there.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { KubeSession } from '../../infra/local/kube-session.ts';
import { type RunningCluster, startRealCluster } from '../../infra/local/running-cluster.ts';
import { readKubeconfig } from '../../shared/adapters/kubernetes/kubeconfig.ts';
import { KubernetesClusterClient } from '../../shared/adapters/kubernetes/kubernetes-cluster-client.ts';
import { SystemClock } from '../../shared/adapters/node/system-clock.ts';
import { SystemEntropy } from '../../shared/adapters/node/system-entropy.ts';
import { checkRights } from '../../shared/app/precheck-rights.ts';
import { describeOnControlPlane } from './describe-on-control-plane.ts';

const SHOP = `
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop}, data: {a: "1"}}
---
{apiVersion: v1, kind: Secret, metadata: {name: keys, namespace: shop}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: web, namespace: shop}}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: theirs}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce]
  nfs: {server: 192.0.2.1, path: /}
`;

const IN_SHOP = '/api/v1/namespaces/shop';

describeOnControlPlane('with the rights of the manifest', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'rights-'));
  let cluster: RunningCluster;
  let admin: KubeSession;
  let centre: KubeSession;

  beforeAll(async () => {
    const now = () => Date.now();
    const options = { id: 'c-rights', region: 'cn-hangzhou', secret: '', port: 0 };
    cluster = await startRealCluster({ ...options, stateDir, now });
    admin = new KubeSession(cluster.kubeconfig('admin', 0));
    centre = new KubeSession(cluster.kubeconfig('the centre', 0));
    await admin.discover();
    await admin.create(SHOP);
  });

  afterAll(async () => {
    await admin.close();
    await centre.close();
    await cluster.close();
    rmSync(stateDir, { recursive: true, force: true });
  });

  it('the precheck finds nothing missing', async () => {
    const clock = new SystemClock();
    const access = async () => await readKubeconfig(cluster.kubeconfig('the centre', 0));
    const pacing = { clock, entropy: new SystemEntropy() };
    const client = new KubernetesClusterClient(access, { pacing });
    const { resources } = await client.discover();
    const rows = await checkRights(clock, client, resources);
    await client.close();
    expect(rows.map(({ check, ok, found }) => [check, ok, found])).toEqual([
      ['rbac_read', true, 'allowed'],
      ['rbac_create', true, 'allowed'],
    ]);
  });

  it('a role with more rights than the centre has can be restored, and bound', async () => {
    const rbac = '/apis/rbac.authorization.k8s.io/v1/namespaces/shop';
    const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['delete', 'update'] }];
    const role = await centre.call('POST', `${rbac}/roles`, { metadata: { name: 'r' }, rules });
    expect(role.status).toBe(201);
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' };
    const binding = { metadata: { name: 'r' }, roleRef, subjects: [] };
    expect((await centre.call('POST', `${rbac}/rolebindings`, binding)).status).toBe(201);
  });

  it.each([
    ['PATCH', `${IN_SHOP}/configmaps/settings`],
    ['DELETE', `${IN_SHOP}/configmaps/settings`],
    ['PUT', `${IN_SHOP}/secrets/keys`],
    ['DELETE', `${IN_SHOP}/secrets/keys`],
    ['PATCH', `${IN_SHOP}/serviceaccounts/web`],
    ['PATCH', '/api/v1/persistentvolumes/theirs'],
    ['PATCH', IN_SHOP],
    ['DELETE', IN_SHOP],
  ] as const)('%s %s is forbidden', async (method, path) => {
    const body = method === 'DELETE' ? undefined : { metadata: { labels: { mine: 'now' } } };
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    expect((await centre.call(method, path, body, type)).status).toBe(403);
  });
});
