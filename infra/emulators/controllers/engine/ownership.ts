import type { ClusterCache } from './cluster-cache.ts';
import type { KubeObject, LabelSelector, OwnerReference, ResourceKind } from './kube-objects.ts';
import { selects } from './selectors.ts';

/** The reference by which a controller owns what it makes. */
export function controllerReference<T extends KubeObject>(
  kind: ResourceKind<T>,
  owner: T,
): OwnerReference {
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The owner that controls the object, if any. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

/**
 * The children that belong to an owner: those it controls and that its selector still meets, and
 * matching ones without a controller, which it adopts. Children that it controls and that no
 * longer match are released. An owner that is being deleted changes nothing.
 */
export async function claimChildren<O extends KubeObject, C extends KubeObject>(
  cluster: ClusterCache,
  family: {
    ownerKind: ResourceKind<O>;
    owner: O;
    childKind: ResourceKind<C>;
    selector: LabelSelector | undefined;
    mayAdopt?: (child: C) => boolean;
  },
): Promise<C[]> {
  const { owner, childKind, selector } = family;
  const informer = cluster.informer(childKind);
  const matches = (child: C): boolean => selects(selector, child.metadata.labels);
  const owned = informer.controlledBy(owner.metadata.uid);
  if (owner.metadata.deletionTimestamp !== undefined) return owned.filter(matches);
  for (const child of owned.filter((each) => !matches(each))) await release(cluster, family, child);
  const adopted: C[] = [];
  for (const orphan of informer.orphansIn(owner.metadata.namespace)) {
    if (!matches(orphan) || orphan.metadata.deletionTimestamp !== undefined) continue;
    if (family.mayAdopt !== undefined && !family.mayAdopt(orphan)) continue;
    const reference = controllerReference(family.ownerKind, owner);
    const ownerReferences = [...(orphan.metadata.ownerReferences ?? []), reference];
    adopted.push(await cluster.patch(childKind, orphan, { metadata: { ownerReferences } }));
  }
  return [...owned.filter(matches), ...adopted];
}

async function release<O extends KubeObject, C extends KubeObject>(
  cluster: ClusterCache,
  family: { owner: O; childKind: ResourceKind<C> },
  child: C,
): Promise<void> {
  if (child.metadata.deletionTimestamp !== undefined) return;
  const ownerReferences = (child.metadata.ownerReferences ?? []).filter(
    (reference) => reference.uid !== family.owner.metadata.uid,
  );
  await cluster.patch(family.childKind, child, { metadata: { ownerReferences } });
}
