/** Pods and what makes pods, as far as the controllers and the node stand-in read them. */
import type {
  Condition,
  KubeObject,
  LabelSelector,
  Labels,
  ObjectReference,
  ResourceKind,
  SelectorRequirement,
} from './kube-objects.ts';

/** A terms list of a node selector: terms are alternatives, requirements inside one all hold. */
export interface NodeSelector {
  readonly nodeSelectorTerms?: readonly {
    readonly matchExpressions?: readonly SelectorRequirement[];
    readonly matchFields?: readonly SelectorRequirement[];
  }[];
}

/** A toleration of a node's taints. */
export interface Toleration {
  readonly key?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly effect?: string;
}

/** A reference to one key of a ConfigMap or Secret, or to the whole of it. */
interface SourceReference {
  readonly name?: string;
  readonly key?: string;
  readonly optional?: boolean;
}

/** A port that a container declares. */
interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
}

/** A container as far as starting it needs. */
export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly restartPolicy?: string;
  readonly ports?: readonly ContainerPort[];
  readonly resources?: { readonly requests?: Labels; readonly limits?: Labels };
  readonly env?: readonly {
    readonly name: string;
    readonly valueFrom?: {
      readonly configMapKeyRef?: SourceReference;
      readonly secretKeyRef?: SourceReference;
    };
  }[];
  readonly envFrom?: readonly {
    readonly configMapRef?: SourceReference;
    readonly secretRef?: SourceReference;
  }[];
}

/** Keys of a ConfigMap or Secret that a volume shows. */
export interface VolumeItems {
  readonly items?: readonly { readonly key: string }[];
  readonly optional?: boolean;
}

/** A volume of a pod. */
export interface Volume {
  readonly name: string;
  readonly persistentVolumeClaim?: { readonly claimName: string };
  readonly configMap?: VolumeItems & { readonly name?: string };
  readonly secret?: VolumeItems & { readonly secretName?: string };
  readonly projected?: {
    readonly sources?: readonly {
      readonly configMap?: VolumeItems & { readonly name?: string };
      readonly secret?: VolumeItems & { readonly name?: string };
    }[];
  };
  readonly ephemeral?: {
    readonly volumeClaimTemplate: { readonly metadata?: object; readonly spec: object };
  };
}

/** What a pod asks for. */
interface PodSpec {
  readonly nodeName?: string;
  readonly schedulerName?: string;
  readonly hostname?: string;
  readonly subdomain?: string;
  readonly hostNetwork?: boolean;
  readonly restartPolicy?: string;
  readonly nodeSelector?: Labels;
  readonly schedulingGates?: readonly unknown[];
  readonly tolerations?: readonly Toleration[];
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: NodeSelector;
    };
  };
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly Volume[];
}

/** The state of one container. */
interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly started?: boolean;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string };
    readonly terminated?: { readonly exitCode?: number; readonly finishedAt?: string };
  };
}

/** A pod. */
export interface Pod extends KubeObject {
  readonly spec: PodSpec;
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly podIP?: string;
    readonly startTime?: string;
    readonly conditions?: readonly Condition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

/** From which a workload makes its pods. */
export interface PodTemplate {
  readonly metadata?: {
    readonly labels?: Labels;
    readonly annotations?: Labels;
    readonly finalizers?: readonly string[];
  };
  readonly spec: PodSpec;
}

/** A number of pods, or a percentage of the wanted ones. */
export type IntOrPercent = number | string;

export interface ReplicaSet extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly minReadySeconds?: number;
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
  };
  readonly status?: {
    readonly replicas?: number;
    readonly fullyLabeledReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly observedGeneration?: number;
    readonly conditions?: readonly Condition[];
  };
}

export interface Deployment extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly paused?: boolean;
    readonly minReadySeconds?: number;
    readonly revisionHistoryLimit?: number;
    readonly progressDeadlineSeconds?: number;
    readonly selector: LabelSelector;
    readonly strategy?: {
      readonly type?: string;
      readonly rollingUpdate?: {
        readonly maxSurge?: IntOrPercent;
        readonly maxUnavailable?: IntOrPercent;
      };
    };
    readonly template: PodTemplate;
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly readyReplicas?: number;
    readonly availableReplicas?: number;
    readonly unavailableReplicas?: number;
    readonly collisionCount?: number;
    readonly conditions?: readonly Condition[];
  };
}

/** How a StatefulSet or DaemonSet replaces its pods. */
interface UpdateStrategy {
  readonly type?: string;
  readonly rollingUpdate?: {
    readonly partition?: number;
    readonly maxUnavailable?: IntOrPercent;
  };
}

export interface StatefulSet extends KubeObject {
  readonly spec: {
    readonly replicas?: number;
    readonly serviceName?: string;
    readonly podManagementPolicy?: string;
    readonly minReadySeconds?: number;
    readonly revisionHistoryLimit?: number;
    readonly ordinals?: { readonly start?: number };
    readonly selector: LabelSelector;
    readonly template: PodTemplate;
    readonly updateStrategy?: UpdateStrategy;
    readonly persistentVolumeClaimRetentionPolicy?: {
      readonly whenDeleted?: string;
      readonly whenScaled?: string;
    };
    readonly volumeClaimTemplates?: readonly {
      readonly metadata: {
        readonly name: string;
        readonly labels?: Labels;
        readonly annotations?: Labels;
      };
      readonly spec: object;
    }[];
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly currentReplicas?: number;
    readonly currentRevision?: string;
    readonly updateRevision?: string;
  };
}

export interface DaemonSet extends KubeObject {
  readonly spec: {
    readonly selector: LabelSelector;
    readonly minReadySeconds?: number;
    readonly revisionHistoryLimit?: number;
    readonly template: PodTemplate;
    readonly updateStrategy?: UpdateStrategy;
  };
  readonly status?: { readonly observedGeneration?: number };
}

/** One stored version of a StatefulSet's or DaemonSet's template. */
export interface ControllerRevision extends KubeObject {
  readonly revision: number;
  readonly data?: { readonly spec?: { readonly template?: PodTemplate } };
}

interface JobSpec {
  readonly parallelism?: number;
  readonly completions?: number | null;
  readonly completionMode?: string;
  readonly backoffLimit?: number;
  readonly activeDeadlineSeconds?: number;
  readonly ttlSecondsAfterFinished?: number;
  readonly suspend?: boolean;
  readonly selector?: LabelSelector;
  readonly template: PodTemplate;
}

export interface Job extends KubeObject {
  readonly spec: JobSpec;
  readonly status?: {
    readonly active?: number;
    readonly ready?: number;
    readonly terminating?: number;
    readonly succeeded?: number;
    readonly failed?: number;
    readonly startTime?: string;
    readonly completionTime?: string;
    readonly completedIndexes?: string;
    readonly uncountedTerminatedPods?: {
      readonly succeeded?: readonly string[];
      readonly failed?: readonly string[];
    };
    readonly conditions?: readonly Condition[];
  };
}

export interface CronJob extends KubeObject {
  readonly spec: {
    readonly schedule: string;
    readonly timeZone?: string;
    readonly suspend?: boolean;
    readonly concurrencyPolicy?: string;
    readonly startingDeadlineSeconds?: number;
    readonly successfulJobsHistoryLimit?: number;
    readonly failedJobsHistoryLimit?: number;
    readonly jobTemplate: {
      readonly metadata?: { readonly labels?: Labels; readonly annotations?: Labels };
      readonly spec: JobSpec;
    };
  };
  readonly status?: {
    readonly active?: readonly ObjectReference[];
    readonly lastScheduleTime?: string;
    readonly lastSuccessfulTime?: string;
  };
}

export interface PodDisruptionBudget extends KubeObject {
  readonly spec: {
    readonly minAvailable?: IntOrPercent;
    readonly maxUnavailable?: IntOrPercent;
    readonly selector?: LabelSelector;
  };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface Node extends KubeObject {
  readonly spec?: {
    readonly unschedulable?: boolean;
    readonly providerID?: string;
    readonly taints?: readonly {
      readonly key: string;
      readonly value?: string;
      readonly effect: string;
    }[];
  };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export const pods: ResourceKind<Pod> = { apiVersion: 'v1', kind: 'Pod', plural: 'pods' };
export const nodes: ResourceKind<Node> = { apiVersion: 'v1', kind: 'Node', plural: 'nodes' };
export const replicaSets: ResourceKind<ReplicaSet> = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
};
export const deployments: ResourceKind<Deployment> = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  plural: 'deployments',
};
export const statefulSets: ResourceKind<StatefulSet> = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
};
export const daemonSets: ResourceKind<DaemonSet> = {
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
};
export const controllerRevisions: ResourceKind<ControllerRevision> = {
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
};
export const jobs: ResourceKind<Job> = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs' };
export const cronJobs: ResourceKind<CronJob> = {
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  plural: 'cronjobs',
};
export const podDisruptionBudgets: ResourceKind<PodDisruptionBudget> = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
};
