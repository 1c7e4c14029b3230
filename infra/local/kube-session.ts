/**
 * A plain client of one cluster for stories and tests: applies manifests, reads everything, wipes.
 * Written apart from the product's own client, so that one mistake cannot hide in both.
 */
import { Agent, request } from 'undici';
import { parse, parseAllDocuments } from 'yaml';

/** A Kubernetes object. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [field: string]: unknown };
  [field: string]: unknown;
}

/** One served kind. */
interface ServedKind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly resource: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

/** What the API server answered. */
export interface KubeReply {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

interface Kubeconfig {
  readonly clusters: readonly [
    { cluster: { server: string; 'certificate-authority-data'?: string } },
  ];
  readonly users: readonly [
    { user: { token?: string; 'client-certificate-data'?: string; 'client-key-data'?: string } },
  ];
}

const decode = (base64: string | undefined): string | undefined =>
  base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString();

/** One cluster's API, as an administrator. */
export class KubeSession {
  private readonly server: string;
  private readonly token: string | undefined;
  private readonly agent: Agent;
  private kinds: readonly ServedKind[] = [];

  constructor(kubeconfigText: string) {
    const config = parse(kubeconfigText) as Kubeconfig;
    const { cluster } = config.clusters[0];
    const { user } = config.users[0];
    this.server = cluster.server.replace(/\/$/, '');
    this.token = user.token;
    const ca = decode(cluster['certificate-authority-data']);
    const cert = decode(user['client-certificate-data']);
    const key = decode(user['client-key-data']);
    this.agent = new Agent({
      connections: 16,
      connect: {
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
      },
    });
  }

  /** One request; bodies that are objects go as JSON. */
  async call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    type = 'application/json',
  ): Promise<KubeReply> {
    const reply = await request(`${this.server}${path}`, {
      method,
      dispatcher: this.agent,
      headers: {
        accept: 'application/json',
        ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === undefined ? {} : { 'content-type': type }),
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await reply.body.text();
    return {
      status: reply.statusCode,
      body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
    };
  }

  /** Reads what is served now. */
  async discover(): Promise<void> {
    const groups = (await this.call('GET', '/apis')).body.groups as {
      preferredVersion: { groupVersion: string };
    }[];
    const versions = ['v1', ...groups.map((g) => g.preferredVersion.groupVersion)];
    const lists = await Promise.all(
      versions.map(async (apiVersion) => {
        const reply = await this.call('GET', rootOf(apiVersion));
        if (reply.status !== 200) return [];
        const resources = reply.body.resources as {
          name: string;
          kind: string;
          namespaced: boolean;
          verbs: string[];
        }[];
        return resources
          .filter((r) => !r.name.includes('/'))
          .map(({ name, kind, namespaced, verbs }) => ({
            apiVersion,
            kind,
            resource: name,
            namespaced,
            verbs,
          }));
      }),
    );
    this.kinds = lists.flat();
  }

  /** Path of an object, or of its collection. */
  path(object: {
    apiVersion: string;
    kind: string;
    metadata: { name?: string; namespace?: string };
  }): string {
    const served = this.kinds.find(
      (k) => k.apiVersion === object.apiVersion && k.kind === object.kind,
    );
    if (served === undefined) throw new Error(`${object.apiVersion} ${object.kind} is not served`);
    const { name, namespace } = object.metadata;
    const within = served.namespaced ? `/namespaces/${namespace ?? 'default'}` : '';
    return `${rootOf(object.apiVersion)}${within}/${served.resource}${name === undefined ? '' : `/${name}`}`;
  }

  /** Creates every document of a manifest in its order; definitions are waited for. */
  async create(yaml: string, namespace = 'default'): Promise<Manifest[]> {
    const objects = parseAllDocuments(yaml)
      .map((d) => d.toJS({ maxAliasCount: -1 }) as Manifest | null)
      .filter((o): o is Manifest => o !== null);
    const created: Manifest[] = [];
    for (const object of objects) {
      await this.discoverKind(object);
      const served = this.kinds.find(
        (k) => k.apiVersion === object.apiVersion && k.kind === object.kind,
      );
      if (served?.namespaced === true) object.metadata.namespace ??= namespace;
      const { name: _collection, ...rest } = object.metadata;
      const reply = await this.call('POST', this.path({ ...object, metadata: rest }), object);
      if (reply.status !== 201) {
        throw new Error(
          `Cannot create ${object.kind} ${object.metadata.name}: ${reply.status} ${String(reply.body.message)}`,
        );
      }
      created.push(object);
    }
    await this.discover();
    return created;
  }

  private async discoverKind(object: Manifest): Promise<void> {
    const known = (): boolean =>
      this.kinds.some((k) => k.apiVersion === object.apiVersion && k.kind === object.kind);
    await until(`${object.apiVersion} ${object.kind} is served`, async () => {
      if (known()) return true;
      await this.discover();
      return known();
    });
  }

  /** Everything that can be listed, by `<apiVersion> <kind> <namespace>/<name>`. */
  async readAll(): Promise<Map<string, Manifest>> {
    await this.discover();
    const found = new Map<string, Manifest>();
    for (const kind of this.kinds) {
      if (!kind.verbs.includes('list') || !kind.verbs.includes('create')) continue;
      const reply = await this.call('GET', `${rootOf(kind.apiVersion)}/${kind.resource}`);
      if (reply.status !== 200) continue;
      for (const item of reply.body.items as Manifest[]) {
        const object: Manifest = { ...item, apiVersion: kind.apiVersion, kind: kind.kind };
        found.set(keyOf(object), object);
      }
    }
    return found;
  }

  /** Deletes namespaces and the named cluster-scoped objects, and waits until they are gone. */
  async wipe(namespaces: readonly string[], clusterScoped: readonly Manifest[]): Promise<void> {
    for (const namespace of namespaces)
      await this.call('DELETE', `/api/v1/namespaces/${namespace}`);
    for (const object of clusterScoped) {
      if (object.kind !== 'Namespace') await this.call('DELETE', this.path(object));
    }
    await until('everything wiped is gone', async () => {
      for (const namespace of namespaces) {
        if ((await this.call('GET', `/api/v1/namespaces/${namespace}`)).status !== 404)
          return false;
      }
      for (const object of clusterScoped) {
        if ((await this.call('GET', this.path(object))).status !== 404) return false;
      }
      return true;
    });
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }
}

/** `<apiVersion> <kind> <namespace>/<name>` */
export function keyOf(object: Manifest): string {
  const { namespace, name } = object.metadata;
  return `${object.apiVersion} ${object.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

function rootOf(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** Waits for a condition, looking often; gives up after two minutes. */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  timeoutMs = 120_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline)
      throw new Error(`Waited ${timeoutMs / 1000} s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
