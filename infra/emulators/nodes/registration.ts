import { ApiError } from '../controllers/engine/api-client.ts';
import {
  type KubeObject,
  type ResourceKind,
  timestamp,
} from '../controllers/engine/kube-objects.ts';
import type { Reconcilers } from '../controllers/engine/reconcilers.ts';
import { type Node, nodes } from '../controllers/engine/workload-objects.ts';
import {
  csiNodeDraft,
  NOT_READY_ANNOTATION,
  type NodeSpec,
  nodeDraft,
  nodeStatus,
} from './node-spec.ts';

/** How often a kubelet renews its lease (`nodeLeaseRenewIntervalFraction` of 40 s). */
const LEASE_RENEWAL_MS = 10_000;
const LEASE_NAMESPACE = 'kube-node-lease';

const csiNodes: ResourceKind<KubeObject> = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSINode',
  plural: 'csinodes',
};
const leases: ResourceKind<KubeObject> = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
};

/**
 * Registers the nodes once and keeps their leases and Ready conditions. A Node that somebody
 * deletes stays away until the stand-in is started again, as with a real kubelet.
 */
export async function runRegistration(
  reconcilers: Reconcilers,
  specs: readonly NodeSpec[],
): Promise<void> {
  const { cluster } = reconcilers;
  const byName = new Map(specs.map((spec, index) => [spec.name, { spec, index }]));
  const queue = reconcilers.queue('Node', async (name) => {
    const played = byName.get(name);
    const node = cluster.informer(nodes).get(name);
    if (played === undefined || node === undefined) return;
    const awake = node.metadata.annotations?.[NOT_READY_ANNOTATION] !== 'true';
    await report(reconcilers, node, { ...played, ready: awake });
    if (!awake) return;
    await renewLease(reconcilers, node);
    reconcilers.at(queue, name, reconcilers.now() + LEASE_RENEWAL_MS);
  });
  for (const { spec } of byName.values()) await register(reconcilers, spec);
  reconcilers.follow(nodes, (after, before) => {
    // The lease has its own rhythm; only what makes a difference to the node's state is looked at.
    if (after === undefined || !byName.has(after.metadata.name)) return;
    if (before === undefined || readiness(after) !== readiness(before)) {
      queue.add(after.metadata.name);
    }
  });
}

async function register(reconcilers: Reconcilers, spec: NodeSpec): Promise<void> {
  const { cluster } = reconcilers;
  const node =
    (await cluster.read(nodes, { name: spec.name })) ??
    (await cluster.create(nodes, undefined, nodeDraft(spec)));
  const csi = await cluster.read(csiNodes, { name: spec.name });
  if (csi !== undefined) return;
  try {
    await cluster.create(csiNodes, undefined, csiNodeDraft(spec, node.metadata.uid));
  } catch (error) {
    // A storage add-on may register its drivers the moment it sees the Node.
    if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
  }
}

async function report(
  reconcilers: Reconcilers,
  node: Node,
  played: { spec: NodeSpec; index: number; ready: boolean },
): Promise<void> {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  if (ready?.status === (played.ready ? 'True' : 'Unknown')) return;
  const time = timestamp(reconcilers.now());
  const status = nodeStatus(played.spec, { index: played.index, ready: played.ready, time });
  await reconcilers.cluster.patchStatus(nodes, node, status);
}

async function renewLease(reconcilers: Reconcilers, node: Node): Promise<void> {
  const { cluster } = reconcilers;
  const { name, uid } = node.metadata;
  // MicroTime, as leases have it.
  const renewTime = new Date(reconcilers.now()).toISOString().replace('Z', '000Z');
  const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime };
  const target = { metadata: { namespace: LEASE_NAMESPACE, name } };
  try {
    await cluster.patchNamed(leases, target.metadata, { spec });
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }];
    await cluster.create(leases, LEASE_NAMESPACE, {
      metadata: { ...target.metadata, ownerReferences },
      spec,
    });
  }
}

function readiness(node: Node): string {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  return `${ready?.status}/${node.metadata.annotations?.[NOT_READY_ANNOTATION]}`;
}
