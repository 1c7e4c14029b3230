import { ApiError } from './engine/api-client.ts';
import type { KubeObject, LabelSelector, Labels, ResourceKind } from './engine/kube-objects.ts';
import { claimChildren, controllerReference } from './engine/ownership.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { canonical, stableHash } from './engine/stable-hash.ts';
import {
  type ControllerRevision,
  controllerRevisions,
  type PodTemplate,
} from './engine/workload-objects.ts';

const HASH_LABEL = 'controller.kubernetes.io/hash';
const HISTORY_LIMIT_DEFAULT = 10;
/** Names tried for a new revision when others have the first ones. */
const COLLISIONS_MAX = 8;

/** What has revisions: a StatefulSet or a DaemonSet. */
export interface Revisioned extends KubeObject {
  readonly spec: {
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
    readonly revisionHistoryLimit?: number;
  };
}

/** The revisions of an owner, oldest first, the last one being its template's. */
export async function syncRevisions<O extends Revisioned>(
  reconcilers: Reconcilers,
  ownerKind: ResourceKind<O>,
  owner: O,
  labelsFor: (hash: string) => Labels,
): Promise<{ all: ControllerRevision[]; update: ControllerRevision }> {
  const { cluster } = reconcilers;
  const claimed = await claimChildren(cluster, {
    ownerKind,
    owner,
    childKind: controllerRevisions,
    selector: owner.spec.selector,
  });
  const known = claimed.sort((a, b) => a.revision - b.revision);
  const wanted = canonical(owner.spec.template);
  const equal = known.findLast((revision) => canonical(templateOf(revision)) === wanted);
  const last = known.at(-1);
  if (equal !== undefined && equal === last) return { all: known, update: equal };
  const revision = (last?.revision ?? 0) + 1;
  const others = known.filter((each) => each !== equal);
  const update =
    equal === undefined
      ? await createRevision(reconcilers, { ownerKind, owner, labelsFor, revision })
      : await cluster.patch(controllerRevisions, equal, { revision });
  return { all: [...others, update], update };
}

/** Deletes the oldest revisions that no pod has, beyond the owner's limit. */
export async function dropOldRevisions(
  reconcilers: Reconcilers,
  owner: Revisioned,
  revisions: { all: readonly ControllerRevision[]; live: ReadonlySet<string> },
): Promise<void> {
  const spare = revisions.all.filter((revision) => !revisions.live.has(revision.metadata.name));
  const excess = spare.length - (owner.spec.revisionHistoryLimit ?? HISTORY_LIMIT_DEFAULT);
  for (const revision of spare.slice(0, Math.max(0, excess))) {
    await reconcilers.cluster.remove(controllerRevisions, revision, { now: reconcilers.now() });
  }
}

/** The pod template that a revision holds. */
export function templateOf(revision: ControllerRevision): PodTemplate | undefined {
  const template = revision.data?.spec?.template;
  if (template === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(template).filter(([key]) => key !== '$patch'),
  ) as typeof template;
}

/** The hash in a revision's name. */
export function hashOf(revision: ControllerRevision): string {
  return revision.metadata.labels?.[HASH_LABEL] ?? '';
}

async function createRevision<O extends Revisioned>(
  reconcilers: Reconcilers,
  wanted: {
    ownerKind: ResourceKind<O>;
    owner: O;
    labelsFor: (hash: string) => Labels;
    revision: number;
  },
): Promise<ControllerRevision> {
  const { owner, ownerKind, revision } = wanted;
  const { namespace } = owner.metadata;
  const { template } = owner.spec;
  for (let collisions = 0; ; collisions += 1) {
    const hash = stableHash(template, collisions);
    try {
      return await reconcilers.cluster.create(controllerRevisions, namespace, {
        metadata: {
          name: `${owner.metadata.name}-${hash}`,
          namespace,
          labels: { ...template.metadata?.labels, ...wanted.labelsFor(hash), [HASH_LABEL]: hash },
          ownerReferences: [controllerReference(ownerKind, owner)],
        },
        data: { spec: { template: { ...template, $patch: 'replace' } } },
        revision,
      });
    } catch (error) {
      const taken = error instanceof ApiError && error.reason === 'AlreadyExists';
      if (!taken || collisions >= COLLISIONS_MAX) throw error;
    }
  }
}
