import { ApiError } from './engine/api-client.ts';
import { keyFor } from './engine/kube-objects.ts';
import { controllerReference } from './engine/ownership.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { claims } from './engine/storage-objects.ts';
import {
  type Pod,
  type PodTemplate,
  pods,
  type StatefulSet,
  statefulSets,
  type Volume,
} from './engine/workload-objects.ts';
import { draftPod } from './pod-making.ts';

/** On a pod of a StatefulSet or DaemonSet: the revision that it was made from. */
export const REVISION_LABEL = 'controller-revision-hash';
const NAME_LABEL = 'statefulset.kubernetes.io/pod-name';
const INDEX_LABEL = 'apps.kubernetes.io/pod-index';

/** The number at the end of the pod's name, -1 for none. */
export function ordinalOf(pod: Pod): number {
  return Number(/-([0-9]+)$/.exec(pod.metadata.name)?.[1] ?? -1);
}

/** Whether the pod's name makes it one of the set's. */
export function isMember(set: StatefulSet, pod: Pod): boolean {
  return pod.metadata.name === `${set.metadata.name}-${ordinalOf(pod)}`;
}

/** Creates the claims of one replica, then its pod. */
export async function createReplica(
  reconcilers: Reconcilers,
  replica: { set: StatefulSet; ordinal: number; template: PodTemplate; revision: string },
): Promise<void> {
  const { set, ordinal, template, revision } = replica;
  await createClaims(reconcilers, set, ordinal);
  const name = `${set.metadata.name}-${ordinal}`;
  const draft = draftPod(template, statefulSets, set);
  const { labels, ...metadata } = draft.metadata;
  const mounted: Volume[] = (set.spec.volumeClaimTemplates ?? []).map((each) => ({
    name: each.metadata.name,
    persistentVolumeClaim: { claimName: claimName(set, each.metadata.name, ordinal) },
  }));
  const names = new Set(mounted.map((volume) => volume.name));
  const others = (draft.spec.volumes ?? []).filter((volume) => !names.has(volume.name));
  await reconcilers.cluster.create(pods, set.metadata.namespace, {
    metadata: {
      ...metadata,
      name,
      labels: {
        ...(typeof labels === 'object' ? labels : {}),
        [NAME_LABEL]: name,
        [INDEX_LABEL]: String(ordinal),
        [REVISION_LABEL]: revision,
      },
    },
    spec: {
      ...draft.spec,
      hostname: name,
      ...(set.spec.serviceName ? { subdomain: set.spec.serviceName } : {}),
      volumes: [...mounted, ...others],
    },
  });
}

/** Creates those claims of one replica that are not there. */
export async function createClaims(
  reconcilers: Reconcilers,
  set: StatefulSet,
  ordinal: number,
): Promise<void> {
  const { cluster } = reconcilers;
  const { namespace } = set.metadata;
  const goesWithSet = set.spec.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete';
  for (const template of set.spec.volumeClaimTemplates ?? []) {
    const name = claimName(set, template.metadata.name, ordinal);
    if (cluster.informer(claims).get(keyFor(namespace, name)) !== undefined) continue;
    const owner = controllerReference(statefulSets, set);
    try {
      await cluster.create(claims, namespace, {
        metadata: {
          ...template.metadata,
          name,
          namespace,
          labels: { ...template.metadata.labels, ...set.spec.selector.matchLabels },
          ...(goesWithSet ? { ownerReferences: [owner] } : {}),
        },
        spec: template.spec,
      });
    } catch (error) {
      // Restored a moment ago: it is the one that is wanted.
      if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
    }
  }
}

function claimName(set: StatefulSet, template: string, ordinal: number): string {
  return `${template}-${set.metadata.name}-${ordinal}`;
}
