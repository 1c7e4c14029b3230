/**
 * The order in which kinds are restored. A wave begins when the one before it is through; inside a wave
 * objects are created in parallel. An owned object never comes before its owner.
 */
import { currentResource } from './api-versions/conversions.ts';

/** One wave: kinds by group resource, and why they come here. */
interface Wave {
  readonly name: string;
  readonly why: string;
  readonly kinds: readonly string[];
}

/** Kinds of the platform by wave; custom resources have a wave of their own. */
const WAVES: readonly Wave[] = [
  {
    name: 'definitions',
    why: 'kinds must exist before their objects',
    kinds: ['customresourcedefinitions.apiextensions.k8s.io'],
  },
  { name: 'namespaces', why: 'everything namespaced lives in one', kinds: ['namespaces'] },
  {
    name: 'cluster configuration',
    why: 'claims, pods and accounts refer to it',
    kinds: [
      'storageclasses.storage.k8s.io',
      'csidrivers.storage.k8s.io',
      'volumeattributesclasses.storage.k8s.io',
      'volumesnapshotclasses.snapshot.storage.k8s.io',
      'ingressclasses.networking.k8s.io',
      'priorityclasses.scheduling.k8s.io',
      'runtimeclasses.node.k8s.io',
      'clusterroles.rbac.authorization.k8s.io',
      'clusterrolebindings.rbac.authorization.k8s.io',
      'flowschemas.flowcontrol.apiserver.k8s.io',
      'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io',
    ],
  },
  { name: 'volumes', why: 'a claim binds to the volume it names', kinds: ['persistentvolumes'] },
  { name: 'claims', why: 'pods wait for their claims', kinds: ['persistentvolumeclaims'] },
  {
    name: 'accounts',
    why: 'token secrets and pods need their service account',
    kinds: ['serviceaccounts'],
  },
  {
    name: 'configuration',
    why: 'pods mount it or are admitted with it',
    kinds: [
      'roles.rbac.authorization.k8s.io',
      'rolebindings.rbac.authorization.k8s.io',
      'secrets',
      'configmaps',
      'resourcequotas',
      'limitranges',
      'networkpolicies.networking.k8s.io',
    ],
  },
  {
    name: 'services',
    why: 'pods find them in their environment, webhooks answer through them',
    kinds: ['services', 'endpoints', 'endpointslices.discovery.k8s.io'],
  },
  {
    name: 'workloads',
    why: 'all they mount and name is there',
    kinds: [
      'pods',
      'podtemplates',
      'replicationcontrollers',
      'replicasets.apps',
      'deployments.apps',
      'statefulsets.apps',
      'daemonsets.apps',
      'controllerrevisions.apps',
      'jobs.batch',
      'cronjobs.batch',
    ],
  },
  { name: 'custom resources', why: 'their operators are running', kinds: [] },
  {
    name: 'traffic and scaling',
    why: 'they act on running workloads',
    kinds: [
      'ingresses.networking.k8s.io',
      'horizontalpodautoscalers.autoscaling',
      'poddisruptionbudgets.policy',
    ],
  },
  {
    name: 'admission',
    why: 'a webhook whose backend is missing would refuse everything before it',
    kinds: [
      'mutatingwebhookconfigurations.admissionregistration.k8s.io',
      'validatingwebhookconfigurations.admissionregistration.k8s.io',
      'validatingadmissionpolicies.admissionregistration.k8s.io',
      'validatingadmissionpolicybindings.admissionregistration.k8s.io',
      'mutatingadmissionpolicies.admissionregistration.k8s.io',
      'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
      'apiservices.apiregistration.k8s.io',
    ],
  },
];

const CUSTOM_WAVE = WAVES.findIndex((w) => w.name === 'custom resources');
const WAVE_BY_KIND = new Map(WAVES.flatMap((wave, i) => wave.kinds.map((kind) => [kind, i])));

/**
 * Kinds up to this wave never wait for an owner of a later one: everything rests on them, and a claim
 * that came after its StatefulSet would find an empty one of its name. They come back without that owner.
 */
const FIXED_WAVE_MAX = WAVES.findIndex((w) => w.name === 'claims');

/** Owners of owners are followed this far; longer chains are cycles or mistakes. */
const OWNER_DEPTH_MAX = 100;

/** The wave of a kind, from 0. */
export function waveOf(groupResource: string): number {
  return WAVE_BY_KIND.get(currentResource(groupResource)) ?? CUSTOM_WAVE;
}

/** Name of a wave, for logs. */
export function waveName(wave: number): string {
  return WAVES[wave]?.name ?? `wave ${wave}`;
}

/** When an object is created: stages are compared by wave, then by depth; owners come in earlier ones. */
export interface Stage {
  readonly wave: number;
  /** 0 for objects without an owner in the same wave. */
  readonly depth: number;
}

/** Negative when `a` comes first. */
export function compareStages(a: Stage, b: Stage): number {
  return a.wave - b.wave || a.depth - b.depth;
}

/**
 * The stage of each object, by index. `kindOf` is its group resource, `ownersOf` the indices of its
 * owners that this restore creates too. An owner that cannot come earlier (see `FIXED_WAVE_MAX`, cycles)
 * is not waited for: the caller sees it by comparing stages.
 */
export function stagesOf(
  objects: Iterable<number>,
  kindOf: (object: number) => string,
  ownersOf: (object: number) => readonly number[],
): ReadonlyMap<number, Stage> {
  const stages = new Map<number, Stage>();
  const open = new Set<number>();
  const place = (object: number): Stage => {
    const known = stages.get(object);
    if (known !== undefined) return known;
    const wave = waveOf(kindOf(object));
    let stage: Stage = { wave, depth: 0 };
    if (open.size < OWNER_DEPTH_MAX) {
      open.add(object);
      for (const owner of ownersOf(object)) {
        if (open.has(owner)) continue;
        const after = place(owner);
        if (after.wave > wave && wave <= FIXED_WAVE_MAX) continue;
        if (compareStages(after, stage) >= 0) {
          stage = { wave: after.wave, depth: after.depth + 1 };
        }
      }
      open.delete(object);
    }
    stages.set(object, stage);
    return stage;
  };
  for (const object of objects) place(object);
  return stages;
}
