/** The stack behind weather: ways to one cluster, vaults, and three finished backups to restore. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OSS from 'ali-oss';
import { expect } from 'vitest';
import { KubeSession, until } from '../../infra/local/kube-session.ts';
import { type ApiReply, ApiSession } from '../../infra/local/story-steps.ts';
import { type StackProcess, startStackProcess } from './local-stack.ts';
import { WeatherProxy } from './weather-proxy.ts';

/** Clusters as the centre sees them; all are ways to the same one. */
const WAYS = ['wx-1', 'wx-2', 'wx-3', 'wx-4', 'wx-5', 'wx-6'] as const;
/** One of the ways. */
export type Way = (typeof WAYS)[number];

/** A custom kind whose group can die. */
export const GEARS = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gears.plant.example}
spec:
  group: plant.example
  scope: Namespaced
  names: {kind: Gear, plural: gears, singular: gear}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`;

/** Kinds of vaults: `main` stays, the buckets of the others are removed by a test. */
const VAULTS = ['main', 'gone-1', 'gone-2'] as const;

/** The bucket of a vault. */
export function bucketOf(vault: string): string {
  return `cnfs-oss-weather-${vault}`;
}

/** Everything the tests share. */
export class WeatherWorld {
  readonly stack: StackProcess;
  readonly api: ApiSession;
  readonly kube: KubeSession;
  private readonly proxies: ReadonlyMap<Way, WeatherProxy>;
  private readonly stateDir: string;

  private constructor(
    stateDir: string,
    stack: StackProcess,
    proxies: ReadonlyMap<Way, WeatherProxy>,
  ) {
    const kubeconfig = stack.description.clusters[0]?.kubeconfig ?? '';
    for (const proxy of proxies.values()) proxy.leadTo(kubeconfig);
    this.stateDir = stateDir;
    this.stack = stack;
    this.proxies = proxies;
    this.api = new ApiSession(stack.description);
    this.kube = new KubeSession(kubeconfig);
  }

  static async start(): Promise<WeatherWorld> {
    const stateDir = mkdtempSync(join(tmpdir(), 'backup-centre-weather-'));
    const proxies = new Map<Way, WeatherProxy>();
    const flags: string[] = [];
    for (const way of WAYS) {
      const proxy = await WeatherProxy.start();
      proxies.set(way, proxy);
      writeFileSync(join(stateDir, way), proxy.kubeconfig());
      flags.push('--kubeconfig', `${join(stateDir, way)}=${way}`);
    }
    const stack = await startStackProcess(stateDir, '--clusters', '1', ...flags);
    const world = new WeatherWorld(stateDir, stack, proxies);
    try {
      await world.prepare();
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  async close(): Promise<void> {
    await this.kube.close();
    await this.stack.stop();
    for (const proxy of this.proxies.values()) await proxy.close();
    rmSync(this.stateDir, { recursive: true, force: true });
  }

  proxy(way: Way): WeatherProxy {
    const proxy = this.proxies.get(way);
    if (proxy === undefined) throw new Error(`There is no way ${way}`);
    return proxy;
  }

  /** Starts a backup of `shop`; its path. */
  async startBackup(way: Way, name: string, spec: object = {}): Promise<string> {
    const path = `/v1/clusters/${way}/backups`;
    const wanted = { vault: 'main', namespaces: ['shop'], volumeBackup: false, ...spec };
    await this.api.call('POST', path, { name, ...wanted });
    return `${path}/${name}`;
  }

  /** Starts a restore of `base` into a namespace of its own; its path. */
  async startRestore(way: Way, name: string, spec: object = {}): Promise<string> {
    const path = `/v1/clusters/${way}/restores`;
    const into = { vault: 'main', backup: 'base', namespaceMapping: { shop: name }, verify: false };
    await this.api.call('POST', path, { name, ...into, ...spec });
    return `${path}/${name}`;
  }

  /** What somebody does who removes a bucket in the console. */
  async removeBucket(name: string): Promise<void> {
    const bucket = this.oss(name);
    const { uploads } = await bucket.listUploads({ 'max-uploads': 100 }, {});
    for (const upload of uploads ?? []) {
      await bucket.abortMultipartUpload(upload.name, upload.uploadId);
    }
    const { objects } = await bucket.listV2({ 'max-keys': '1000' }, {});
    for (const object of objects ?? []) await bucket.delete(object.name);
    await bucket.deleteBucket(name);
  }

  /** The message of a run that goes on later. */
  async trouble(path: string, wanted: RegExp): Promise<string> {
    let found: ApiReply = {};
    await until(`${path} says ${wanted.source}`, async () => {
      found = await this.api.call('GET', path);
      expect(found.phase, String(found.message)).toMatch(/^(New|InProgress|Finalizing)$/);
      return wanted.test(String(found.message ?? ''));
    });
    return String(found.message);
  }

  /** The run ends Completed, and nothing is left of its trouble. */
  async endsWell(path: string): Promise<void> {
    const record = await this.api.finished(path);
    expect(record, String(record.message)).toMatchObject({ phase: 'Completed', errors: [] });
    expect(record.message).toBeUndefined();
  }

  /** Whether a restore brought its ConfigMap. */
  async restored(namespace: string): Promise<boolean> {
    const path = `/api/v1/namespaces/${namespace}/configmaps/settings`;
    return (await this.kube.call('GET', path)).status === 200;
  }

  private async prepare(): Promise<void> {
    const { api, kube } = this;
    await kube.discover();
    await kube.create(`${GEARS}---
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: shop}, data: {a: "1"}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: plant}}
---
{apiVersion: plant.example/v1, kind: Gear, metadata: {name: g, namespace: plant}, teeth: 12}
`);
    for (const name of VAULTS) await this.createVault(name);
    await Promise.all(WAYS.map((id) => api.call('POST', '/v1/clusters', { id })));
    for (const way of WAYS) await api.call('PUT', `/v1/clusters/${way}/vaults/main`);
    await api.call('PUT', '/v1/clusters/wx-2/vaults/gone-2');
    const made = [
      await this.startBackup('wx-1', 'base'),
      await this.startBackup('wx-1', 'gears', { namespaces: ['plant'] }),
      await this.startBackup('wx-1', 'doomed', { vault: 'gone-2' }),
    ];
    for (const path of made) await this.endsWell(path);
  }

  private async createVault(name: string): Promise<void> {
    const bucketName = bucketOf(name);
    await this.oss(bucketName).putBucket(bucketName);
    const bucketRegion = this.stack.description.region;
    const body = { name, bucketRegion, bucketName, visibility: 'owner' };
    await this.api.call('POST', '/v1/vaults', body);
  }

  private oss(bucket: string): OSS {
    const { accessKeyId, accessKeySecret, endpoints } = this.stack.description;
    const settings = {
      accessKeyId,
      accessKeySecret,
      endpoint: endpoints.oss,
      sldEnable: true,
      bucket,
    };
    return new OSS(settings);
  }
}
