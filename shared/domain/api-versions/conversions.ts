/**
 * Which API versions of the platform's kinds Kubernetes 1.16 to 1.34 dropped, what stands for them, and
 * how an object's fields move. An object keeps its version where the target serves it.
 * @see https://kubernetes.io/docs/reference/using-api/deprecation-guide/
 */
import type { JsonObject } from '../json.ts';
import { AUTOSCALER } from './autoscaler-moves.ts';
import { DEFINITION } from './definition-moves.ts';
import type { FieldMove } from './field-moves.ts';
import { ENDPOINT_SLICE, INGRESS } from './ingress-moves.ts';
import {
  BINDING,
  BUDGET,
  CRON_JOB,
  DAEMON_SET,
  DEPLOYMENT,
  OLD_DAEMON_SET,
  OLD_STATEFUL_SET,
  PRIORITY_LEVEL,
  RUNTIME_CLASS,
  WEBHOOKS,
  WORKLOAD,
} from './platform-moves.ts';

/** How objects of one version become objects of another. */
export interface Conversion {
  /** Plural without group, the same on both sides. */
  readonly plural: string;
  readonly from: string;
  readonly to: string;
  readonly moves: readonly FieldMove[];
}

/** `plural`: versions it had -> versions that take the same shape, best first, by the moves given. */
function rows(
  plurals: string,
  from: string,
  to: string,
  moves: readonly FieldMove[] = [],
): readonly Conversion[] {
  return plurals
    .split(' ')
    .flatMap((plural) =>
      from
        .split(' ')
        .flatMap((old) =>
          to.split(' ').map((current) => ({ plural, from: old, to: current, moves })),
        ),
    );
}

const APPS_BETAS = 'extensions/v1beta1 apps/v1beta1 apps/v1beta2';
const RBAC = 'rbac.authorization.k8s.io';
const ADMISSION = 'admissionregistration.k8s.io';
const FLOW = 'flowcontrol.apiserver.k8s.io';
const STORAGE = 'storage.k8s.io';
const NET = 'networking.k8s.io';

/** Every conversion. Of two for one version the first that the target serves is taken. */
export const CONVERSIONS: readonly Conversion[] = [
  ...rows('deployments', APPS_BETAS, 'apps/v1', DEPLOYMENT),
  ...rows('daemonsets', 'extensions/v1beta1', 'apps/v1', OLD_DAEMON_SET),
  ...rows('daemonsets', 'apps/v1beta2', 'apps/v1', DAEMON_SET),
  ...rows('replicasets', 'extensions/v1beta1 apps/v1beta2', 'apps/v1', WORKLOAD),
  ...rows('statefulsets', 'apps/v1beta1', 'apps/v1', OLD_STATEFUL_SET),
  ...rows('statefulsets', 'apps/v1beta2', 'apps/v1', WORKLOAD),
  ...rows('controllerrevisions', 'apps/v1beta1 apps/v1beta2', 'apps/v1'),
  ...rows('cronjobs', 'batch/v1beta1 batch/v2alpha1', 'batch/v1', CRON_JOB),
  ...rows('cronjobs', 'batch/v2alpha1', 'batch/v1beta1'),
  ...rows('poddisruptionbudgets', 'policy/v1beta1', 'policy/v1', BUDGET),
  ...rows('horizontalpodautoscalers', 'autoscaling/v2beta2', 'autoscaling/v2'),
  ...rows(
    'horizontalpodautoscalers',
    'autoscaling/v2beta1',
    'autoscaling/v2 autoscaling/v2beta2',
    AUTOSCALER,
  ),
  ...rows('ingresses', `extensions/v1beta1 ${NET}/v1beta1`, `${NET}/v1`, INGRESS),
  ...rows('ingresses', 'extensions/v1beta1', `${NET}/v1beta1`),
  ...rows('ingressclasses', `${NET}/v1beta1`, `${NET}/v1`),
  ...rows('ipaddresses servicecidrs', `${NET}/v1beta1 ${NET}/v1alpha1`, `${NET}/v1`),
  ...rows('networkpolicies', 'extensions/v1beta1', `${NET}/v1`),
  ...rows('endpointslices', 'discovery.k8s.io/v1beta1', 'discovery.k8s.io/v1', ENDPOINT_SLICE),
  ...rows('flowschemas', `${FLOW}/v1beta1 ${FLOW}/v1beta2 ${FLOW}/v1beta3`, `${FLOW}/v1`),
  ...rows('flowschemas', `${FLOW}/v1beta1 ${FLOW}/v1beta2`, `${FLOW}/v1beta3`),
  ...rows('prioritylevelconfigurations', `${FLOW}/v1beta3`, `${FLOW}/v1`),
  ...rows(
    'prioritylevelconfigurations',
    `${FLOW}/v1beta1 ${FLOW}/v1beta2`,
    `${FLOW}/v1 ${FLOW}/v1beta3`,
    PRIORITY_LEVEL,
  ),
  ...rows('flowschemas prioritylevelconfigurations', `${FLOW}/v1beta1`, `${FLOW}/v1beta2`),
  ...rows(
    'customresourcedefinitions',
    'apiextensions.k8s.io/v1beta1',
    'apiextensions.k8s.io/v1',
    DEFINITION,
  ),
  ...rows('roles clusterroles', `${RBAC}/v1beta1 ${RBAC}/v1alpha1`, `${RBAC}/v1`),
  ...rows(
    'rolebindings clusterrolebindings',
    `${RBAC}/v1beta1 ${RBAC}/v1alpha1`,
    `${RBAC}/v1`,
    BINDING,
  ),
  ...rows(
    'validatingwebhookconfigurations mutatingwebhookconfigurations',
    `${ADMISSION}/v1beta1`,
    `${ADMISSION}/v1`,
    WEBHOOKS,
  ),
  ...rows(
    'validatingadmissionpolicies validatingadmissionpolicybindings',
    `${ADMISSION}/v1beta1 ${ADMISSION}/v1alpha1`,
    `${ADMISSION}/v1`,
  ),
  ...rows(
    'storageclasses csidrivers csinodes csistoragecapacities volumeattachments',
    `${STORAGE}/v1beta1`,
    `${STORAGE}/v1`,
  ),
  ...rows('volumeattachments', `${STORAGE}/v1alpha1`, `${STORAGE}/v1`),
  ...rows('volumeattributesclasses', `${STORAGE}/v1beta1 ${STORAGE}/v1alpha1`, `${STORAGE}/v1`),
  ...rows(
    'priorityclasses',
    'scheduling.k8s.io/v1beta1 scheduling.k8s.io/v1alpha1',
    'scheduling.k8s.io/v1',
  ),
  ...rows('leases', 'coordination.k8s.io/v1beta1', 'coordination.k8s.io/v1'),
  ...rows('runtimeclasses', 'node.k8s.io/v1beta1', 'node.k8s.io/v1'),
  ...rows(
    'runtimeclasses',
    'node.k8s.io/v1alpha1',
    'node.k8s.io/v1 node.k8s.io/v1beta1',
    RUNTIME_CLASS,
  ),
  ...rows('apiservices', 'apiregistration.k8s.io/v1beta1', 'apiregistration.k8s.io/v1'),
  ...rows(
    'volumesnapshots volumesnapshotcontents volumesnapshotclasses',
    'snapshot.storage.k8s.io/v1beta1',
    'snapshot.storage.k8s.io/v1',
  ),
];

/** Kinds that no version stands for any more, by `plural`, and what to do instead. */
const GONE: Readonly<Record<string, string>> = {
  podsecuritypolicies:
    'PodSecurityPolicy was removed in Kubernetes 1.25; label the namespaces for Pod Security admission instead',
};

const BY_ORIGIN = grouped();

function grouped(): ReadonlyMap<string, readonly Conversion[]> {
  const map = new Map<string, Conversion[]>();
  for (const row of CONVERSIONS) {
    const key = `${row.from} ${row.plural}`;
    map.set(key, [...(map.get(key) ?? []), row]);
  }
  return map;
}

/** Ways out of a version (`extensions/v1beta1`, `ingresses.extensions`), best first. */
export function conversionsOf(apiVersion: string, resource: string): readonly Conversion[] {
  return BY_ORIGIN.get(`${apiVersion} ${pluralOf(resource)}`) ?? [];
}

/** `plural.group` of what a conversion makes. */
export function convertedResource(conversion: Conversion): string {
  const slash = conversion.to.indexOf('/');
  return `${conversion.plural}.${conversion.to.slice(0, slash)}`;
}

/** Why nothing stands for a kind any more; undefined for all others. */
export function goneKind(resource: string): string | undefined {
  return /\.(extensions|policy)$/.test(resource) ? GONE[pluralOf(resource)] : undefined;
}

/** Changes the object in place; returns what a user should know of, one line per change. */
export function convertObject(object: JsonObject, conversion: Conversion): string[] {
  const changes = [`apiVersion: ${conversion.from} -> ${conversion.to}`];
  for (const move of conversion.moves) changes.push(...move.apply(object));
  object.apiVersion = conversion.to;
  return changes;
}

const CURRENT = new Map(
  CONVERSIONS.filter((row) => row.from.startsWith('extensions/')).map((row) => [
    `${row.plural}.extensions`,
    convertedResource(row),
  ]),
);

/** The name under which a kind that changed its group is known today; any other name as it is. */
export function currentResource(resource: string): string {
  return CURRENT.get(resource) ?? resource;
}

const APPS_KINDS: Readonly<Record<string, string>> = {
  Deployment: 'deployments',
  DaemonSet: 'daemonsets',
  ReplicaSet: 'replicasets',
  StatefulSet: 'statefulsets',
};

/** `apps/v1` for a reference to a workload by a version that was dropped; any other as it is. */
export function currentWorkloadVersion(reference: {
  readonly apiVersion: string;
  readonly kind: string;
}): string {
  const plural = APPS_KINDS[reference.kind];
  const way = plural === undefined ? undefined : conversionsOf(reference.apiVersion, plural)[0];
  return way?.to ?? reference.apiVersion;
}

function pluralOf(resource: string): string {
  const dot = resource.indexOf('.');
  return dot < 0 ? resource : resource.slice(0, dot);
}
