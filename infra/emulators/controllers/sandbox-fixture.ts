/**
 * A cluster for the suites of controllers and nodes: the sandbox API server with a clock of its
 * own, or, when CONTROLLERS_TEST_API names one (as JSON of an ApiAccess), a real API server on
 * which only the collector, namespace and service account controllers run.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { startKubernetesEmulator } from '../kubernetes/server.ts';
import { runNodes } from '../nodes/run-nodes.ts';
import { type ApiAccess, ApiClient, asRecord } from './engine/api-client.ts';
import {
  type KubeObject,
  keyOf,
  type Namespace,
  nameOf,
  type ResourceKind,
  serviceAccounts,
} from './engine/kube-objects.ts';
import type { Runner } from './engine/reconcilers.ts';
import { runControllers } from './run-controllers.ts';

/** The nodes of the suites: two zones. */
export const NODES = [
  { name: 'node-h', zone: 'cn-hangzhou-h', instanceId: 'i-h' },
  { name: 'node-i', zone: 'cn-hangzhou-i', instanceId: 'i-i' },
];

const TOKEN = 'suite-token';
const real = process.env.CONTROLLERS_TEST_API;

/** Whether the suites run against a real API server, whose clock cannot be advanced. */
export const onRealServer = real !== undefined;

const namespaces: ResourceKind<Namespace> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
};

/** A cluster that is up, with what tests do to it. */
export class Sandbox {
  readonly access: ApiAccess;
  readonly client: ApiClient;
  readonly now: () => number;
  readonly #clock: { advancedMs: number };
  readonly #stopServer: () => Promise<void>;
  readonly #runners: Runner[] = [];
  readonly #made: string[] = [];

  constructor(
    access: ApiAccess,
    options: { clock: { advancedMs: number }; now: () => number; stop: () => Promise<void> },
  ) {
    this.access = access;
    this.client = new ApiClient(access);
    this.now = options.now;
    this.#clock = options.clock;
    this.#stopServer = options.stop;
  }

  /** Starts the controllers. */
  async controllers(): Promise<Runner> {
    const runner = await runControllers(this.access, { now: this.now });
    this.#runners.push(runner);
    return runner;
  }

  /** Starts the nodes. */
  async nodes(imagePulls?: (image: string) => boolean): Promise<Runner> {
    const { now } = this;
    const pulls = imagePulls === undefined ? {} : { imagePulls };
    const runner = await runNodes(this.access, { now, nodes: NODES, ...pulls });
    this.#runners.push(runner);
    return runner;
  }

  /** Waits until no runner has anything left to do. */
  async idle(): Promise<void> {
    await this.#runners[0]?.idle();
  }

  /** Moves the clock; `idle` then does what has become due. */
  advance(ms: number): void {
    this.#clock.advancedMs += ms;
  }

  /** A fresh namespace, ready for pods. */
  async namespace(): Promise<string> {
    const name = `t-${randomBytes(4).toString('hex')}`;
    this.#made.push(name);
    await this.client.create(namespaces, undefined, { metadata: { name } });
    const account = { namespace: name, name: 'default' };
    await vi.waitUntil(() => this.client.read(serviceAccounts, account), { timeout: 10_000 });
    return name;
  }

  /** A random suffix, so that cluster-scoped names of different runs differ. */
  unique(prefix: string): string {
    return `${prefix}-${randomBytes(4).toString('hex')}`;
  }

  /** The object as it is now; throws when there is none. */
  async get<T extends KubeObject>(kind: ResourceKind<T>, key: string): Promise<T> {
    const found = await this.client.read(kind, nameOf(key));
    if (found === undefined) throw new Error(`Cannot read ${kind.kind} ${key}: there is none`);
    return found;
  }

  /** The status as unknown fields. */
  async status<T extends KubeObject>(
    kind: ResourceKind<T>,
    key: string,
  ): Promise<Record<string, unknown>> {
    return asRecord(asRecord(await this.get(kind, key)).status);
  }

  /** Every object of a kind in a namespace, in order of name. */
  async list<T extends KubeObject>(kind: ResourceKind<T>, namespace: string): Promise<T[]> {
    const page = await this.client.list(kind, {});
    const items = page.items.map((item) => item as T);
    return items
      .filter((item) => item.metadata.namespace === namespace)
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  /** Ends the runners, then the server. */
  async close(): Promise<void> {
    for (const name of onRealServer ? this.#made : []) {
      await this.client.remove(namespaces, { name });
    }
    for (const runner of this.#runners.splice(0)) await runner.close();
    await this.client.close();
    await this.#stopServer();
  }
}

/** Starts the cluster of a suite. */
export async function startSandbox(): Promise<Sandbox> {
  const clock = { advancedMs: 0 };
  const now = (): number => Date.now() + clock.advancedMs;
  if (real !== undefined) {
    return new Sandbox(JSON.parse(real) as ApiAccess, { clock, now, stop: async () => undefined });
  }
  const dir = await mkdtemp(join(tmpdir(), 'controllers-'));
  const server = await startKubernetesEmulator({
    dir,
    now,
    clusterId: 'c-suite',
    tokens: (token) =>
      token === TOKEN ? { user: 'admin', groups: ['system:masters'] } : undefined,
  });
  return new Sandbox(
    { url: server.url, token: TOKEN },
    {
      clock,
      now,
      stop: async () => {
        await server.close();
        await rm(dir, { recursive: true, force: true });
      },
    },
  );
}
