/**
 * The order in which kinds are restored. A wave begins when the one before it is through; inside a wave
 * objects are created in parallel. An owned object never comes before its owner.
 */

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

/** Number of waves. */
export const WAVE_COUNT = WAVES.length;

/** The wave of a kind, from 0. */
export function waveOf(groupResource: string): number {
  return WAVE_BY_KIND.get(groupResource) ?? CUSTOM_WAVE;
}

/** Name of a wave, for logs. */
export function waveName(wave: number): string {
  return WAVES[wave]?.name ?? `wave ${wave}`;
}
