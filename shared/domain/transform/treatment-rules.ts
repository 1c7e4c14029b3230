/**
 * The rules by which an object is treated on the way in, in the order in which they are applied. A rule is
 * never taken away or given another meaning: it gets a successor with a higher `since`.
 */
import type { KubeObject } from '../kube-object.ts';
import {
  stripAnnotations,
  stripFinalizers,
  stripIdentity,
  stripPodNetwork,
  stripStatus,
} from './strip-metadata.ts';
import {
  drop,
  treatAlbConfig,
  treatAuthority,
  treatAutoscaler,
  treatJob,
  treatPodFields,
  treatPodTokens,
  treatSecret,
  treatServiceAccount,
} from './treat-kinds.ts';
import { treatLoadBalancerIp, treatService } from './treat-service.ts';
import { treatClaim, treatDefinition, treatEndpoints, treatVolume } from './treat-volumes.ts';

/** What a restore decides that rules depend on. */
export interface TreatmentOptions {
  /** false gives fresh node ports where the user set none; else they are kept while free. */
  readonly preserveNodePorts: boolean | undefined;
  /**
   * Name in the target of the volume that a claim was bound to; undefined where it is neither restored
   * nor there, so that the claim must not wait for it.
   */
  volumeName(name: string): string | undefined;
}

/** One rule. */
export interface TreatmentRule {
  /** Stable name. */
  readonly id: string;
  /** Version of the rule set that brought it. */
  readonly since: number;
  /** Kinds it looks at, as `Kind.group` (core kinds without group); `all` for every kind. */
  readonly kinds: readonly string[] | 'all';
  /** What is treated. */
  readonly what: string;
  readonly why: string;
  /** Changes the object in place; returns what a user should know of, one line per change. */
  apply(object: KubeObject, options: TreatmentOptions): readonly string[];
}

/** Every rule. */
export const TREATMENT_RULES: readonly TreatmentRule[] = [
  {
    id: 'service-addresses-and-ports',
    since: 1,
    kinds: ['Service'],
    what: 'cluster IPs, ports and load balancers of the former cluster',
    why: 'they belong to that cluster (VEL §2.4, ACK §6.3)',
    apply: (object, options) => treatService(object, options.preserveNodePorts),
  },
  {
    id: 'service-load-balancer-ip',
    since: 2,
    kinds: ['Service'],
    what: 'loadBalancerIP where the load balancer is made anew',
    why: 'the address is in use in the other cluster (VEL §2.4, not treated there)',
    apply: treatLoadBalancerIp,
  },
  {
    id: 'namespace-spec',
    since: 1,
    kinds: ['Namespace'],
    what: 'spec',
    why: 'its finalizer is the API server’s',
    apply: (object) => drop(object, 'spec'),
  },
  {
    id: 'pod-tokens',
    since: 1,
    kinds: ['Pod'],
    what: 'volumes and mounts of account tokens',
    why: 'the target’s kubelet mounts its own (VEL §2.4)',
    apply: treatPodTokens,
  },
  {
    id: 'pod-computed',
    since: 1,
    kinds: ['Pod'],
    what: 'node, priority, overhead, debugging containers',
    why: 'scheduler and admission compute them again',
    apply: treatPodFields,
  },
  {
    id: 'pod-network',
    since: 1,
    kinds: ['Pod'],
    what: 'annotations of the source’s network',
    why: 'addresses would be taken for given (VEL §5-32)',
    apply: stripPodNetwork,
  },
  {
    id: 'job-uid',
    since: 1,
    kinds: ['Job.batch'],
    what: 'selector and labels made of UID and name',
    why: 'they would match the former job’s pods',
    apply: treatJob,
  },
  {
    id: 'account-secrets',
    since: 1,
    kinds: ['ServiceAccount'],
    what: 'references to generated token secrets',
    why: 'the target makes its own',
    apply: treatServiceAccount,
  },
  {
    id: 'account-token',
    since: 1,
    kinds: ['Secret'],
    what: 'content of account tokens',
    why: 'it is signed by the source',
    apply: treatSecret,
  },
  {
    id: 'volume-retain',
    since: 1,
    kinds: ['PersistentVolume'],
    what: 'Retain, claimRef without identity',
    why: 'the storage serves the source too',
    apply: treatVolume,
  },
  {
    id: 'claim-volume',
    since: 1,
    kinds: ['PersistentVolumeClaim'],
    what: 'names of volumes and snapshots that do not come back',
    why: 'the claim would wait for ever',
    apply: (object, options) => treatClaim(object, (name) => options.volumeName(name)),
  },
  {
    id: 'definition-unknown-fields',
    since: 1,
    kinds: ['CustomResourceDefinition.apiextensions.k8s.io'],
    what: 'preserveUnknownFields',
    why: 'v1 takes it in the schema only',
    apply: treatDefinition,
  },
  {
    id: 'endpoints-identity',
    since: 1,
    kinds: ['Endpoints'],
    what: 'UIDs of what addresses point to',
    why: 'those objects are gone',
    apply: treatEndpoints,
  },
  {
    id: 'injected-authority',
    since: 2,
    kinds: [
      'ValidatingWebhookConfiguration.admissionregistration.k8s.io',
      'MutatingWebhookConfiguration.admissionregistration.k8s.io',
      'CustomResourceDefinition.apiextensions.k8s.io',
      'APIService.apiregistration.k8s.io',
    ],
    what: 'caBundle that an injector writes',
    why: 'the target’s authority is another (VEL §2.4, not treated there)',
    apply: treatAuthority,
  },
  {
    id: 'autoscaler-target',
    since: 2,
    kinds: ['HorizontalPodAutoscaler.autoscaling'],
    what: 'version of the workload',
    why: 'a dropped version finds nothing',
    apply: treatAutoscaler,
  },
  {
    id: 'alb-override',
    since: 2,
    kinds: ['AlbConfig.alibabacloud.com'],
    what: 'override switches of a user-given load balancer',
    why: 'it serves the source (ACK §6.3)',
    apply: treatAlbConfig,
  },
  {
    id: 'finalizers',
    since: 1,
    kinds: 'all',
    what: 'finalizers of controllers',
    why: 'a foreign one is never removed (VEL §2.9)',
    apply: stripFinalizers,
  },
  {
    id: 'controller-annotations',
    since: 1,
    kinds: 'all',
    what: 'annotations of controllers',
    why: 'they describe the former cluster',
    apply: stripAnnotations,
  },
  {
    id: 'identity',
    since: 1,
    kinds: 'all',
    what: 'UID, versions, times, owners, managed fields',
    why: 'they name what is no more',
    apply: stripIdentity,
  },
  {
    id: 'status',
    since: 1,
    kinds: 'all',
    what: 'status',
    why: 'it is observed again',
    apply: stripStatus,
  },
];

/** The rules that look at objects of this kind, in order. A custom kind of the same name is another. */
export function rulesFor(
  object: Pick<KubeObject, 'apiVersion' | 'kind'>,
): readonly TreatmentRule[] {
  const { apiVersion, kind } = object;
  const slash = apiVersion.indexOf('/');
  const name = slash < 0 ? kind : `${kind}.${apiVersion.slice(0, slash)}`;
  return TREATMENT_RULES.filter(({ kinds }) => kinds === 'all' || kinds.includes(name));
}
