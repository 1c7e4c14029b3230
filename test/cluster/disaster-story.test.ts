/**
 * The main job against a real control plane: the sample application and real applications are backed
 * up, wiped, restored and compared object by object; a second restore changes nothing.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import OSS from 'ali-oss';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KubeSession, type Manifest } from '../../infra/local/kube-session.ts';
import {
  differences,
  isUsersObject,
  wasTouched,
} from '../../infra/local/normalise-for-comparison.ts';
import { type LocalStack, startStack } from '../../infra/local/start-stack.ts';
import { type ApiReply, ApiSession } from '../../infra/local/story-steps.ts';
import { controlPlaneAvailable } from '../../infra/testcluster/start-control-plane.ts';

const APPS = resolve('..', 'shared', 'data', 'apps');
const SAMPLE = resolve('infra', 'local', 'sample-application.yaml');

const available = await controlPlaneAvailable();
if ('reason' in available) console.warn(`SKIPPED, no real control plane: ${available.reason}`);
const haveApps = existsSync(APPS);
if (!haveApps) console.warn('SKIPPED, real applications: their folder is not there');

interface Application {
  readonly name: string;
  readonly files: readonly string[];
  readonly namespaces: readonly string[];
  /** Namespace of manifests that name none; created first. */
  readonly namespace?: string;
  /** `all` where it installs CRDs that no custom resource of it uses yet. */
  readonly clusterScope?: 'all';
}

const applications: readonly Application[] = [
  { name: 'sample', files: [SAMPLE], namespaces: ['shop', 'shop-media', 'shop-tools'] },
  ...(haveApps
    ? [
        {
          name: 'guestbook',
          files: [join(APPS, 'guestbook.yaml')],
          namespaces: ['guestbook'],
          namespace: 'guestbook',
        },
        {
          name: 'cassandra',
          files: [join(APPS, 'cassandra-service.yaml'), join(APPS, 'cassandra-statefulset.yaml')],
          namespaces: ['cassandra'],
          namespace: 'cassandra',
        },
        {
          name: 'argo-cd',
          files: [join(APPS, 'argo-cd-install.yaml')],
          namespaces: ['argocd'],
          namespace: 'argocd',
          clusterScope: 'all' as const,
        },
      ]
    : []),
];

describe.skipIf('reason' in available)('on a real control plane', () => {
  let stateDir: string;
  let stack: LocalStack;
  let kube: KubeSession;
  let api: ApiSession;
  let cluster: string;

  beforeAll(async () => {
    stateDir = mkdtempSync(join(tmpdir(), 'backup-centre-cluster-'));
    stack = await startStack({
      stateDir,
      clusters: 1,
      real: true,
      kubeconfigs: {},
      log: () => undefined,
    });
    const [only] = stack.description.clusters;
    if (only === undefined) throw new Error('the stack has no cluster');
    cluster = only.id;
    kube = new KubeSession(only.kubeconfig);
    api = new ApiSession(stack.description);
    const { accessKeyId, accessKeySecret, endpoints, region } = stack.description;
    const settings = { accessKeyId, accessKeySecret, endpoint: endpoints.oss, sldEnable: true };
    await new OSS(settings).putBucket('cnfs-oss-test');
    await api.call('POST', '/v1/vaults', {
      name: 'vault',
      bucketRegion: region,
      bucketName: 'cnfs-oss-test',
      visibility: 'owner',
    });
    await api.call('POST', '/v1/clusters', { id: cluster });
  });

  afterAll(async () => {
    await kube.close();
    await stack.close();
    rmSync(stateDir, { recursive: true, force: true });
  });

  async function deploy(app: Application): Promise<Manifest[]> {
    const created: Manifest[] = [];
    if (app.namespace !== undefined) {
      created.push(
        ...(await kube.create(
          `{apiVersion: v1, kind: Namespace, metadata: {name: ${app.namespace}}}`,
        )),
      );
    }
    for (const file of app.files) {
      created.push(...(await kube.create(readFileSync(file, 'utf8'), app.namespace)));
    }
    await stack.idle();
    return created;
  }

  async function contents(
    app: Application,
    created: readonly Manifest[],
  ): Promise<Map<string, Manifest>> {
    const mine = new Set(created.map((o) => `${o.kind} ${o.metadata.name}`));
    return new Map(
      [...(await kube.readAll())].filter(
        ([, o]) =>
          app.namespaces.includes(o.metadata.namespace ?? '') ||
          (o.metadata.namespace === undefined && mine.has(`${o.kind} ${o.metadata.name}`)),
      ),
    );
  }

  async function restore(name: string, backup: string): Promise<ApiReply> {
    const path = `/v1/clusters/${cluster}/restores`;
    // Images cannot be pulled and disks not be made here, so the living application is not judged.
    await api.call('POST', path, { name, vault: 'vault', backup, verify: false });
    return await api.finished(`${path}/${name}`);
  }

  it.each(applications)('$name comes back as it was', async (app) => {
    const created = await deploy(app);
    const before = await contents(app, created);
    const path = `/v1/clusters/${cluster}/backups`;
    const { namespaces } = app;
    await api.call('POST', path, {
      name: app.name,
      vault: 'vault',
      namespaces,
      volumeBackup: false,
      clusterScope: app.clusterScope ?? 'related',
    });
    const backup = await api.finished(`${path}/${app.name}`);
    expect(backup).toMatchObject({ phase: 'Completed', errors: [] });

    const clusterScoped = created.filter((o) => o.metadata.namespace === undefined);
    await kube.wipe(namespaces, clusterScoped);
    expect(await restore(`${app.name}-1`, app.name)).toMatchObject({
      phase: 'Completed',
      errors: [],
    });
    const after = await contents(app, created);
    expect(differences(before, after)).toEqual([]);
    expect([...before.values()].filter((o) => isUsersObject(o, before)).length).toBeGreaterThan(3);

    await stack.idle();
    const settled = await contents(app, created);
    const second = await restore(`${app.name}-2`, app.name);
    expect(second).toMatchObject({ phase: 'Completed', counts: { created: 0, failed: 0 } });
    const again = await contents(app, created);
    const touched = [...settled].filter(
      ([key, o]) => isUsersObject(o, settled) && wasTouched(o, again.get(key)),
    );
    expect(touched.map(([key]) => key)).toEqual([]);
  });

  it('leaves an object that was edited in between, and says that it differs', async () => {
    const path = '/api/v1/namespaces/shop/configmaps/web';
    const edit = { data: { 'shop.conf': 'currency = EUR' } };
    const edited = await kube.call('PATCH', path, edit, 'application/merge-patch+json');
    expect(edited.status).toBe(200);
    expect(await restore('sample-3', 'sample')).toMatchObject({ phase: 'Completed' });
    expect((await kube.call('GET', path)).body.metadata).toMatchObject({
      resourceVersion: (edited.body.metadata as Manifest['metadata']).resourceVersion,
    });
    const items = await allItems('sample-3');
    const reasonOf = (resource: string, name: string): unknown =>
      items.find((i) => i.resource === resource && i.name === name && i.namespace === 'shop')
        ?.reason;
    expect(reasonOf('configmaps', 'web')).toBe('exists_different');
    expect(reasonOf('configmaps', 'frozen')).toBe('exists_equal');
    const different = items.filter((i) => i.reason === 'exists_different').map((i) => i.name);
    expect(different).toEqual(['web']);
  });

  async function allItems(name: string): Promise<Record<string, unknown>[]> {
    const items: Record<string, unknown>[] = [];
    let cursor = '';
    do {
      const query = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await api.call(
        'GET',
        `/v1/clusters/${cluster}/restores/${name}/items?limit=500${query}`,
      );
      items.push(...(page.items as Record<string, unknown>[]));
      cursor = typeof page.nextCursor === 'string' ? page.nextCursor : '';
    } while (cursor !== '');
    return items;
  }
});
