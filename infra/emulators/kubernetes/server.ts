/**
 * A Kubernetes API server in one process, with the controllers that a cluster cannot do without:
 * namespaces, garbage collection, CRDs, quotas, default service accounts. FIDELITY.md says what it
 * does, what differs from kube-apiserver 1.34, and what is absent.
 */
import { stringify } from 'yaml';
import { FaultPlan } from '../kit/fault-plan.ts';
import { listen } from '../kit/listener.ts';
import { Webhooks } from './admission/webhooks.ts';
import { ServiceAllocators } from './allocators/service-allocators.ts';
import { bootstrap } from './bootstrap/bootstrap.ts';
import type { Cluster } from './cluster.ts';
import { ApiServiceController } from './controllers/api-service-controller.ts';
import { GarbageCollector } from './controllers/garbage-collector.ts';
import { NamespaceController } from './controllers/namespace-controller.ts';
import { NamespaceDefaults } from './controllers/namespace-defaults.ts';
import { NodeTaints } from './controllers/node-taints.ts';
import { QuotaController } from './controllers/quota-controller.ts';
import { CrdController } from './crd/crd-controller.ts';
import { handleRequest } from './http/request-handler.ts';
import { WatchHub } from './read/watch-hub.ts';
import { servedBuiltins } from './resources/builtin-resources.ts';
import { ResourceRegistry } from './resources/registry.ts';
import { ObjectStore } from './storage/object-store.ts';
import { TokenIssuer } from './tokens/token-issuer.ts';
import type { UserInfo } from './writer.ts';

/** How to run a sandbox cluster's API server. */
export interface KubernetesEmulatorOptions {
  /** Where the state lies; the same directory brings the same cluster back. */
  readonly dir: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** A free one when absent. */
  readonly port?: number;
  readonly clusterId: string;
  /** Whom a bearer token stands for; undefined = unknown. Tokens of service accounts are the server's own. */
  readonly tokens: (
    token: string,
  ) => { user: string; groups: string[]; expiresAtMs?: number } | undefined;
  readonly faults?: FaultPlan;
  /** What `/version` says; v1.34.1 when absent. */
  readonly version?: string;
  /** How long a continue token is good for; the vendor's compaction gives about five minutes. */
  readonly continueTokenTtlMs?: number;
}

/** An API server that is up. */
export interface KubernetesEmulator {
  readonly url: string;
  readonly port: number;
  readonly faults: FaultPlan;
  /** Requests by verb: `get`, `list`, `create`, ... */
  readonly counters: ReadonlyMap<string, number>;
  /** A kubeconfig (YAML) that reaches this server with a token. */
  adminKubeconfig(token: string): string;
  /** Resolves when the in-process controllers have nothing left to do. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** etcd is compacted every five minutes. @see --etcd-compaction-interval */
const defaultWindowMs = 300_000;

function kubeconfig(url: string, clusterId: string, token: string): string {
  const context = `${clusterId}-admin`;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: clusterId, cluster: { server: url, 'insecure-skip-tls-verify': true } }],
    contexts: [{ name: context, context: { cluster: clusterId, user: context } }],
    'current-context': context,
    users: [{ name: context, user: { token } }],
  });
}

function authenticator(
  options: KubernetesEmulatorOptions,
  issuer: TokenIssuer,
): (token: string) => UserInfo | undefined {
  return (token) => {
    const known = options.tokens(token);
    if (known === undefined) return issuer.verify(token);
    if (known.expiresAtMs !== undefined && options.now() >= known.expiresAtMs) return undefined;
    return { user: known.user, groups: [...known.groups, 'system:authenticated'] };
  };
}

/** Starts the server; what is in `dir` is served as it was left. */
export async function startKubernetesEmulator(
  options: KubernetesEmulatorOptions,
): Promise<KubernetesEmulator> {
  const { now, clusterId } = options;
  const windowMs = options.continueTokenTtlMs ?? defaultWindowMs;
  const store = new ObjectStore(options.dir, now, windowMs);
  const registry = new ResourceRegistry(servedBuiltins());
  const allocators = new ServiceAllocators(store);
  const cluster: Cluster = {
    clusterId,
    store,
    registry,
    allocators,
    webhooks: new Webhooks(store),
    now,
  };
  const hub = new WatchHub(store);
  const issuer = new TokenIssuer(store, now);
  const faults = options.faults ?? new FaultPlan();
  const counters = new Map<string, number>();
  const context = {
    cluster,
    hub,
    issuer,
    authenticate: authenticator(options, issuer),
    continueTtlMs: windowMs,
    serverVersion: options.version ?? 'v1.34.1',
    takeFault: (actions: readonly string[]) => {
      for (const action of actions) {
        const fault = faults.take(action);
        if (fault !== undefined) return fault;
      }
      return undefined;
    },
    count: (verb: string) => counters.set(verb, (counters.get(verb) ?? 0) + 1),
  };
  const definitions = new CrdController(cluster);
  await bootstrap(cluster);
  const defaults = new NamespaceDefaults(cluster);
  const controllers = [
    definitions,
    defaults,
    new NamespaceController(cluster),
    new GarbageCollector(cluster),
    new ApiServiceController(cluster),
    new NodeTaints(cluster),
    new QuotaController(cluster),
  ];
  // A pod may be created as soon as the server answers: its account must be there.
  await defaults.queue.idle();
  const listener = await listen(
    (request, response) => handleRequest(context, request, response),
    options.port,
  );
  return {
    url: listener.url,
    port: listener.port,
    faults,
    counters,
    adminKubeconfig: (token) => kubeconfig(listener.url, clusterId, token),
    idle: async () => {
      for (const { queue } of controllers) await queue.idle();
    },
    close: async () => {
      await listener.close();
      for (const { queue } of controllers) await queue.close();
      await store.close();
    },
  };
}
