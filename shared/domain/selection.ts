/**
 * What a backup takes: which kinds are listed, where, and which single objects are left out. Pure: the
 * same spec, discovery and namespaces give the same plan.
 */
import { type ApiResource, groupResource } from './api-resource.ts';
import type { BackupSpec } from './backup-record.ts';

/**
 * What a kind is to a capture:
 * - `take`: listed; its objects enter as the label rule says
 * - `related`: only objects that a relation names enter
 * - `observe`: read to find volumes, never written: a filter leaves the kind out
 */
export type KindRole = 'take' | 'related' | 'observe';

/** A kind with its role. */
export interface KindPlan {
  readonly resource: ApiResource;
  readonly role: KindRole;
}

/** Verbs a kind needs: what cannot be created again is not worth taking. */
const VERBS = ['list', 'create', 'get', 'delete'] as const;

/** Kinds that live with a node or the moment, and mean nothing elsewhere. */
const NOT_CAPTURED: ReadonlySet<string> = new Set([
  'events',
  'events.events.k8s.io',
  'leases.coordination.k8s.io',
  'leasecandidates.coordination.k8s.io',
  'nodes',
  'csinodes.storage.k8s.io',
  'csistoragecapacities.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'resourceslices.resource.k8s.io',
]);

/** Kinds through which volumes are found, whatever the kind filter says. */
const VOLUME_KINDS: ReadonlySet<string> = new Set(['pods', 'persistentvolumeclaims']);

const NAMESPACES = 'namespaces';

/**
 * Owners come before what they own, and names before what they name, so that following labels needs few
 * rounds; the others keep the server's order. Core first, and `extensions` last, which serves aliases.
 */
const ORDER: readonly string[] = [
  'namespaces',
  'cronjobs.batch',
  'deployments.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'jobs.batch',
  'replicasets.apps',
  'replicationcontrollers',
  'pods',
  'persistentvolumeclaims',
  'serviceaccounts',
];

/** The kinds of a capture in the order they are listed. */
export function planKinds(
  spec: Pick<BackupSpec, 'resources' | 'excludedResources' | 'clusterScope'>,
  served: readonly ApiResource[],
): readonly KindPlan[] {
  return capturable(served)
    .flatMap((resource): KindPlan[] => {
      const role = roleOf(spec, resource);
      return role === undefined ? [] : [{ resource, role }];
    })
    .map((plan, i) => ({ plan, i }))
    .sort((a, b) => rank(a.plan.resource) - rank(b.plan.resource) || a.i - b.i)
    .map(({ plan }) => plan);
}

/** Preferred versions of kinds that can be captured at all. */
function capturable(served: readonly ApiResource[]): readonly ApiResource[] {
  return served.filter(
    (r) =>
      r.preferred &&
      !r.resource.includes('/') &&
      VERBS.every((verb) => r.verbs.includes(verb)) &&
      !NOT_CAPTURED.has(groupResource(r)),
  );
}

function roleOf(
  spec: Pick<BackupSpec, 'resources' | 'excludedResources' | 'clusterScope'>,
  resource: ApiResource,
): KindRole | undefined {
  const name = groupResource(resource);
  const excluded = spec.excludedResources?.includes(name) ?? false;
  const listed = spec.resources === undefined || spec.resources.includes(name);
  if (name === NAMESPACES) return excluded || spec.clusterScope === 'none' ? undefined : 'take';
  if (excluded || !listed) return VOLUME_KINDS.has(name) ? 'observe' : undefined;
  if (resource.namespaced || spec.clusterScope === 'all') return 'take';
  return spec.clusterScope === 'related' ? 'related' : undefined;
}

function rank(resource: ApiResource): number {
  const at = ORDER.indexOf(groupResource(resource));
  if (at >= 0) return at;
  if (resource.group === 'extensions') return ORDER.length + 2;
  return resource.group === '' ? ORDER.length : ORDER.length + 1;
}

/** Named namespaces up to this many are listed one by one; more are picked out of whole lists. */
const LISTED_NAMESPACES_MAX = 10;

/** One list: a kind in the whole cluster or in one namespace. */
export interface ListTask {
  readonly resource: ApiResource;
  readonly namespace?: string;
}

/** The lists that read a kind in the chosen namespaces. A whole selection lists a kind once. */
export function listTasks(
  kinds: readonly ApiResource[],
  namespaces: { readonly chosen: readonly string[]; readonly whole: boolean },
): readonly ListTask[] {
  const apart = !namespaces.whole && namespaces.chosen.length <= LISTED_NAMESPACES_MAX;
  return kinds.flatMap((resource): ListTask[] =>
    resource.namespaced && apart
      ? namespaces.chosen.map((namespace) => ({ resource, namespace }))
      : [{ resource }],
  );
}

/** Why an object is left out although its kind and namespace are chosen. */
export type LeftOut = 'deleting' | 'mirrorPod';

/** Annotation of pods that a kubelet made from a file of its node. */
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/** Whether an object must stay out, by its metadata. */
export function leftOut(
  resource: string,
  metadata: {
    readonly deletionTimestamp?: unknown;
    readonly annotations?: unknown;
  },
): LeftOut | undefined {
  if (typeof metadata.deletionTimestamp === 'string') return 'deleting';
  const { annotations } = metadata;
  const mirror =
    resource === 'pods' &&
    typeof annotations === 'object' &&
    annotations !== null &&
    MIRROR_ANNOTATION in annotations;
  return mirror ? 'mirrorPod' : undefined;
}
