/** One cluster of the local stack: a sandbox or a real control plane, with nodes. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { ApiAccess } from '../emulators/controllers/engine/api-client.ts';
import { runControllers } from '../emulators/controllers/run-controllers.ts';
import { FaultPlan } from '../emulators/kit/fault-plan.ts';
import { startKubernetesEmulator } from '../emulators/kubernetes/server.ts';
import type { NodeSpec } from '../emulators/nodes/node-spec.ts';
import { runNodes } from '../emulators/nodes/run-nodes.ts';
import { startControlPlane } from '../testcluster/start-control-plane.ts';
import { KubeSession, type Manifest } from './kube-session.ts';
import { clusterToken, clusterUser } from './local-identity.ts';

/** A cluster that is up. */
export interface RunningCluster {
  readonly id: string;
  readonly region: string;
  readonly nodes: readonly NodeSpec[];
  /** For the add-ons that the cluster's cloud brings: all rights, for ever. */
  readonly system: ApiAccess;
  readonly url: string;
  readonly version: string;
  /** Absent for a real control plane, which shows no faults on demand. */
  readonly faults?: FaultPlan;
  readonly port: number;
  /** YAML for a user until a time. */
  kubeconfig(user: string, expiresAtMs: number): string;
  /** Resolves when no controller and no node has anything left to do. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** How a cluster is started. */
export interface ClusterOptions {
  readonly id: string;
  readonly region: string;
  readonly stateDir: string;
  readonly secret: string;
  readonly now: () => number;
  readonly port: number;
}

/** Ten years: nodes and controllers of the stack itself. */
const SYSTEM_TOKEN_MS = 10 * 365 * 86_400_000;

const nodesOf = ({ id, region }: ClusterOptions): readonly NodeSpec[] =>
  ['a', 'b', 'c'].map((zone, i) => ({
    name: `${id}-node-${i + 1}`,
    zone: `${region}-${zone}`,
    instanceId: `i-${id}${i + 1}`,
  }));

/** Starts a sandbox cluster with controllers and nodes. */
export async function startSandboxCluster(options: ClusterOptions): Promise<RunningCluster> {
  const { id, region, secret, now } = options;
  const dir = join(options.stateDir, 'clusters', id);
  mkdirSync(dir, { recursive: true });
  const faults = new FaultPlan();
  const server = await startKubernetesEmulator({
    dir,
    now,
    port: options.port,
    clusterId: id,
    tokens: (token) => clusterUser(secret, id, token),
    faults,
  });
  const tokenOf = (user: string, expiresAtMs: number): string =>
    clusterToken(secret, { cluster: id, user, expiresAtMs });
  const access = {
    url: server.url,
    token: tokenOf('system:kube-controller-manager', now() + SYSTEM_TOKEN_MS),
  };
  const controllers = await runControllers(access, { now });
  const specs = nodesOf(options);
  const nodes = await runNodes(access, { now, nodes: specs });
  return {
    id,
    region,
    nodes: specs,
    system: access,
    url: server.url,
    version: '1.34.1-aliyun.1',
    faults,
    port: server.port,
    kubeconfig: (user, expiresAtMs) => server.adminKubeconfig(tokenOf(user, expiresAtMs)),
    idle: async () => {
      await controllers.idle();
      await nodes.idle();
      await controllers.idle();
    },
    close: async () => {
      await nodes.close();
      await controllers.close();
      await server.close();
    },
  };
}

/** As which the centre comes to a real control plane: with the rights of the manifest, no more. */
const CENTRE = 'backup-centre';
const APPLY = 'application/apply-patch+yaml';
const RIGHTS = new URL('../../infra/kubernetes/rbac.yaml', import.meta.url);

/** Starts a real control plane; its nodes are stand-ins. */
export async function startRealCluster(options: ClusterOptions): Promise<RunningCluster> {
  const dir = join(options.stateDir, 'clusters', `${options.id}-real`);
  const plane = await startControlPlane({ dir, users: [{ name: CENTRE, groups: [] }] });
  try {
    await grantRights(plane.kubeconfig);
  } catch (error) {
    await plane.stop();
    throw error;
  }
  const system = { url: plane.url, token: plane.adminToken, ca: plane.ca };
  const specs = nodesOf(options);
  const nodes = await runNodes(system, { now: options.now, nodes: specs });
  return {
    id: options.id,
    region: options.region,
    nodes: specs,
    system,
    url: plane.url,
    version: '1.34.1-aliyun.1',
    port: plane.ports.apiServer,
    kubeconfig: (user) => (user === 'admin' ? plane.kubeconfig : plane.kubeconfigOf(CENTRE)),
    idle: () => nodes.idle(),
    close: async () => {
      await nodes.close();
      await plane.stop();
    },
  };
}

/** Applies the manifest as an administrator does. */
async function grantRights(kubeconfig: string): Promise<void> {
  const admin = new KubeSession(kubeconfig);
  try {
    await admin.discover();
    for (const document of parseAllDocuments(readFileSync(RIGHTS, 'utf8'))) {
      const object = document.toJS() as Manifest;
      const path = `${admin.path(object)}?fieldManager=stack&force=true`;
      const { status, body } = await admin.call('PATCH', path, object, APPLY);
      if (status === 200 || status === 201) continue;
      throw new Error(
        `Cannot apply ${object.kind} ${object.metadata.name}: ${String(body.message)}`,
      );
    }
  } finally {
    await admin.close();
  }
}
