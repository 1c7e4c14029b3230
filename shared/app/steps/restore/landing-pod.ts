/**
 * The short-lived pod by which new volumes get a node: it mounts the claims and does nothing, while Cloud
 * Backup's client on its node writes the files. Its name is the same in every attempt, so that there is
 * never a second one.
 */
import { BackupCentreError } from '../../../domain/errors.ts';
import { type JsonObject, objectAt, objectsAt, textAt } from '../../../domain/json.ts';
import type { KubeObject } from '../../../domain/kube-object.ts';
import { isVirtualNode } from '../../../domain/volumes/node-rules.ts';
import { MANAGED_LABELS, RUN_ANNOTATION } from '../../../domain/volumes/restored-claim.ts';
import { stableHash } from '../../../domain/volumes/stable-hash.ts';
import { formatExact, parseExact } from '../../../format/exact-json.ts';
import {
  ApiRejection,
  type ClusterClient,
  type ObjectTarget,
} from '../../../ports/cluster-client.ts';
import type { ResourceIndex } from '../../resource-index.ts';
import type { LandingPlan } from './landing-plan.ts';

/** A pod that nobody removed ends by itself: longer than the longest job may take, s. */
const POD_SECONDS_MAX = 270_000;

/** No user of an image, as Kubernetes' own pause image has it. */
const NOBODY = 65_535;

/** Keeps namespaces that send their pods to elastic containers from doing so here. */
const NO_ECI = { 'alibabacloud.com/eci': 'false' } as const;

/** A cluster and the run that works on it. */
export interface LandingCluster {
  readonly client: ClusterClient;
  readonly index: ResourceIndex;
  readonly runId: string;
  readonly fieldManager: string;
  /** Image of the pods. */
  readonly image: string;
}

/** The pod, as far as it is. */
export type PodState =
  | { readonly kind: 'running'; readonly node: string; readonly uid: string }
  | { readonly kind: 'wait'; readonly found: string }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

/** Name of the pod of a group of claims. */
function landingPodName(runId: string, group: string): string {
  return `bc-landing-${stableHash(`${runId}/${group}`)}`;
}

/**
 * How the pod of a claim is. Where it is not there it is made, to mount these claims of its group; none:
 * it is not made.
 */
export async function ensureLandingPod(
  cluster: LandingCluster,
  plan: LandingPlan,
  mounted: readonly LandingPlan[],
): Promise<PodState> {
  const target = podTarget(cluster, plan);
  if (target === undefined) {
    return { kind: 'refused', code: 'unsupported_version', message: 'the target serves no pods' };
  }
  const bytes = await cluster.client.get(target);
  const pod = bytes === undefined ? undefined : parseExact(bytes);
  if (pod !== undefined) return await stateOf(cluster, target, pod);
  if (mounted.length === 0) return { kind: 'wait', found: `pod ${target.name} is not there` };
  try {
    const body = formatExact(podFor(cluster, plan, mounted));
    await cluster.client.create(target, body, { fieldManager: cluster.fieldManager });
  } catch (error) {
    return refusedPod(error);
  }
  return { kind: 'wait', found: `pod ${target.name} was just created` };
}

/** Removes the pod of a claim's group; absent counts as removed. */
export async function removeLandingPod(cluster: LandingCluster, plan: LandingPlan): Promise<void> {
  const target = podTarget(cluster, plan);
  if (target !== undefined) await cluster.client.remove(target);
}

function podTarget({ index, runId }: LandingCluster, plan: LandingPlan): ObjectTarget | undefined {
  const resource = index.find('v1', 'pods');
  if (resource === undefined || plan.pod === undefined) return undefined;
  return { resource, namespace: plan.place, name: landingPodName(runId, plan.pod.group) };
}

function refusedPod(error: unknown): PodState {
  if (!(error instanceof BackupCentreError) || error.retryable) throw error;
  // A namespace is usable before its account is there, which its controller makes a moment later.
  const passes =
    error instanceof ApiRejection &&
    (error.reason === 'AlreadyExists' || /serviceaccount|service account/i.test(error.message));
  if (passes) return { kind: 'wait', found: error.message };
  return { kind: 'refused', code: error.code, message: error.message };
}

async function stateOf(
  cluster: LandingCluster,
  target: ObjectTarget,
  pod: JsonObject,
): Promise<PodState> {
  const phase = textAt(pod, 'status', 'phase') ?? 'Pending';
  const node = textAt(pod, 'spec', 'nodeName') ?? '';
  const uid = textAt(pod, 'metadata', 'uid') ?? '';
  if (textAt(pod, 'metadata', 'deletionTimestamp') !== undefined) {
    return { kind: 'wait', found: `pod ${target.name} is being removed` };
  }
  if (phase === 'Failed' || phase === 'Succeeded') {
    // Evicted, or its node went away: the next look makes a new one.
    await cluster.client.remove(target, uid);
    return { kind: 'wait', found: `pod ${target.name} ended ${phase}` };
  }
  if (node !== '' && (await isOnVirtualNode(cluster, node))) {
    const message = `pod ${target.name} was put on virtual node ${node}, where no client of Cloud Backup runs`;
    return { kind: 'refused', code: 'cloud_backup_unavailable', message };
  }
  if (phase === 'Running' && node !== '') return { kind: 'running', node, uid };
  return { kind: 'wait', found: `pod ${target.name} is ${phase}${whyPending(pod)}` };
}

async function isOnVirtualNode({ client, index }: LandingCluster, name: string): Promise<boolean> {
  const resource = index.find('v1', 'nodes');
  const bytes = resource === undefined ? undefined : await client.get({ resource, name });
  const node = bytes === undefined ? undefined : parseExact(bytes);
  return node !== undefined && isVirtualNode(node);
}

/** The scheduler's or the kubelet's own words. */
function whyPending(pod: JsonObject): string {
  const unmet = objectsAt(pod, 'status', 'conditions').find((c) => c.status === 'False');
  const waiting = objectsAt(pod, 'status', 'containerStatuses').map((each) =>
    textAt(each, 'state', 'waiting', 'message'),
  );
  const text = waiting.find((each) => each !== undefined) ?? textAt(unmet, 'message');
  return text === undefined ? '' : `: ${text}`;
}

function podFor(
  { runId, image }: LandingCluster,
  plan: LandingPlan,
  mounted: readonly LandingPlan[],
): KubeObject {
  const claims = mounted.map(({ pvc }) => pvc).sort();
  const volumes = claims.map((claimName, i) => ({
    name: `files-${i}`,
    persistentVolumeClaim: { claimName },
  }));
  const metadata = {
    name: landingPodName(runId, plan.pod?.group ?? ''),
    namespace: plan.place,
    labels: { ...MANAGED_LABELS, ...NO_ECI },
    annotations: { [RUN_ANNOTATION]: runId },
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata,
    spec: {
      ...placed(plan.pod?.placement ?? {}),
      containers: [
        {
          name: 'landing',
          image,
          // What `restricted` asks for, and what quotas and limits of a namespace want to be told.
          securityContext: {
            allowPrivilegeEscalation: false,
            capabilities: { drop: ['ALL'] },
            readOnlyRootFilesystem: true,
          },
          resources: {
            requests: { cpu: '10m', memory: '16Mi' },
            limits: { cpu: '100m', memory: '64Mi' },
          },
          volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/landing/${name}` })),
        },
      ],
      securityContext: {
        runAsNonRoot: true,
        runAsUser: NOBODY,
        runAsGroup: NOBODY,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      volumes,
      activeDeadlineSeconds: POD_SECONDS_MAX,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 0,
    },
  };
}

/**
 * Where the workload may run, less virtual nodes. Of its affinity only what speaks of nodes: other pods
 * are not there yet.
 */
function placed(placement: JsonObject): JsonObject {
  const { nodeSelector, tolerations } = placement;
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const nodeAffinity = objectAt(placement, 'affinity', 'nodeAffinity') ?? {};
  const terms = objectsAt(nodeAffinity, required, 'nodeSelectorTerms');
  const real = { key: 'type', operator: 'NotIn', values: ['virtual-kubelet'] };
  const nodeSelectorTerms = (terms.length === 0 ? [{}] : terms).map((term) => ({
    ...term,
    matchExpressions: [...objectsAt(term, 'matchExpressions'), real],
  }));
  return {
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
    ...(tolerations === undefined ? {} : { tolerations }),
    affinity: { nodeAffinity: { ...nodeAffinity, [required]: { nodeSelectorTerms } } },
  };
}
