/** Defaults of workloads. @see pkg/apis/{apps,batch}/v1/defaults.go, autoscaling/v2/defaults.go */
import {
  copyValue,
  ensureObject,
  isObject,
  type JsonObject,
  objectAt,
  setDefault,
} from '../json-tree.ts';

/** math.MaxInt32: no limit but the one per index. */
const maxInt32 = 2_147_483_647;

function deploymentSpec(object: JsonObject): void {
  setDefault(object, 'replicas', 1);
  const strategy = ensureObject(object, 'strategy');
  setDefault(strategy, 'type', 'RollingUpdate');
  if (strategy.type === 'RollingUpdate') {
    const rolling = ensureObject(strategy, 'rollingUpdate');
    setDefault(rolling, 'maxUnavailable', '25%');
    setDefault(rolling, 'maxSurge', '25%');
  }
  setDefault(object, 'revisionHistoryLimit', 10);
  setDefault(object, 'progressDeadlineSeconds', 600);
}

function daemonSetSpec(object: JsonObject): void {
  const strategy = ensureObject(object, 'updateStrategy');
  setDefault(strategy, 'type', 'RollingUpdate');
  if (strategy.type === 'RollingUpdate') {
    const rolling = ensureObject(strategy, 'rollingUpdate');
    setDefault(rolling, 'maxUnavailable', 1);
    setDefault(rolling, 'maxSurge', 0);
  }
  setDefault(object, 'revisionHistoryLimit', 10);
}

function statefulSetSpec(object: JsonObject): void {
  setDefault(object, 'podManagementPolicy', 'OrderedReady');
  const strategy = ensureObject(object, 'updateStrategy');
  if (strategy.type === undefined) {
    strategy.type = 'RollingUpdate';
    ensureObject(strategy, 'rollingUpdate');
  }
  if (strategy.type === 'RollingUpdate' && isObject(strategy.rollingUpdate)) {
    setDefault(strategy.rollingUpdate, 'partition', 0);
  }
  const retention = ensureObject(object, 'persistentVolumeClaimRetentionPolicy');
  setDefault(retention, 'whenDeleted', 'Retain');
  setDefault(retention, 'whenScaled', 'Retain');
  setDefault(object, 'replicas', 1);
  setDefault(object, 'revisionHistoryLimit', 10);
  const templates = Array.isArray(object.volumeClaimTemplates) ? object.volumeClaimTemplates : [];
  for (const template of templates as unknown[]) {
    if (!isObject(template)) continue;
    template.kind = 'PersistentVolumeClaim';
    template.apiVersion = 'v1';
  }
}

function job(object: JsonObject): void {
  const spec = ensureObject(object, 'spec');
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  setDefault(spec, 'parallelism', 1);
  setDefault(spec, 'backoffLimit', spec.backoffLimitPerIndex === undefined ? 6 : maxInt32);
  const labels = objectAt(spec, 'template', 'metadata', 'labels');
  const metadata = ensureObject(object, 'metadata');
  if (labels !== undefined && !isObject(metadata.labels)) metadata.labels = copyValue(labels);
  setDefault(spec, 'completionMode', 'NonIndexed');
  setDefault(spec, 'suspend', false);
  const replacement = spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  setDefault(spec, 'podReplacementPolicy', replacement);
  setDefault(spec, 'manualSelector', false);
}

function cronJobSpec(object: JsonObject): void {
  setDefault(object, 'concurrencyPolicy', 'Allow');
  setDefault(object, 'suspend', false);
  setDefault(object, 'successfulJobsHistoryLimit', 3);
  setDefault(object, 'failedJobsHistoryLimit', 1);
}

function scalingRules(given: unknown, up: boolean): JsonObject {
  const percent = { type: 'Percent', value: 100, periodSeconds: 15 };
  const pods = { type: 'Pods', value: 4, periodSeconds: 15 };
  return {
    ...(up ? { stabilizationWindowSeconds: 0 } : {}),
    selectPolicy: 'Max',
    policies: up ? [pods, percent] : [percent],
    ...(isObject(given) ? given : {}),
  };
}

function autoscalerV2(object: JsonObject): void {
  const spec = ensureObject(object, 'spec');
  setDefault(spec, 'minReplicas', 1);
  setDefault(spec, 'metrics', [
    {
      type: 'Resource',
      resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
    },
  ]);
  const behavior = objectAt(spec, 'behavior');
  if (behavior === undefined) return;
  behavior.scaleUp = scalingRules(behavior.scaleUp, true);
  behavior.scaleDown = scalingRules(behavior.scaleDown, false);
}

/** Defaults by the struct that they belong to. */
export const workloadDefaults: Readonly<Record<string, (object: JsonObject) => void>> = {
  'apps/v1.DeploymentSpec': deploymentSpec,
  'apps/v1.DaemonSet': (o) => {
    const annotations = ensureObject(ensureObject(o, 'metadata'), 'annotations');
    setDefault(annotations, 'deprecated.daemonset.template.generation', '1');
  },
  'apps/v1.DaemonSetSpec': daemonSetSpec,
  'apps/v1.StatefulSetSpec': statefulSetSpec,
  'apps/v1.ReplicaSetSpec': (o) => setDefault(o, 'replicas', 1),
  'batch/v1.Job': job,
  'batch/v1.CronJobSpec': cronJobSpec,
  'batch/v1.PodFailurePolicyOnPodConditionsPattern': (o) => setDefault(o, 'status', 'True'),
  'autoscaling/v2.HorizontalPodAutoscaler': autoscalerV2,
  'autoscaling/v1.HorizontalPodAutoscalerSpec': (o) => setDefault(o, 'minReplicas', 1),
};
