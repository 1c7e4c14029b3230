/**
 * Which objects come along with a captured one: a table of named rules (design §5). `wants` reads the
 * names inside an object; `follows` looks at an object that nobody named and asks whether it belongs to
 * what was captured. The rule's name stands in the catalogue as `related:<rule>`.
 */
import type { JsonObject } from './json.ts';
import { child, children, podReferences, podSpecOf } from './pod-references.ts';

/** An object wanted by name. In `name`, `#` at the end stands for any ordinal number. */
export interface Want {
  readonly rule: string;
  /** Plural with group. */
  readonly resource: string;
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string;
  readonly name: string;
}

/** What has been captured so far, as rules ask for it. */
export interface Captured {
  has(object: {
    readonly resource: string;
    readonly namespace?: string;
    readonly name: string;
  }): boolean;
  hasUid(uid: string): boolean;
  /** Whether a ServiceAccount of that namespace was captured. */
  hasAccountsOf(namespace: string): boolean;
}

const CLAIMS = 'persistentvolumeclaims';
const VOLUMES = 'persistentvolumes';
const CLASSES = 'storageclasses.storage.k8s.io';
const ACCOUNTS = 'serviceaccounts';
const SNAPSHOTS = 'volumesnapshots.snapshot.storage.k8s.io';
const SNAPSHOT_CONTENTS = 'volumesnapshotcontents.snapshot.storage.k8s.io';
const SNAPSHOT_CLASSES = 'volumesnapshotclasses.snapshot.storage.k8s.io';
const CLUSTER_BINDINGS = 'clusterrolebindings.rbac.authorization.k8s.io';
const BINDINGS = 'rolebindings.rbac.authorization.k8s.io';
const CLUSTER_ROLES = 'clusterroles.rbac.authorization.k8s.io';
const ROLES = 'roles.rbac.authorization.k8s.io';
const INGRESSES = 'ingresses.networking.k8s.io';
const INGRESS_CLASSES = 'ingressclasses.networking.k8s.io';
const CRDS = 'customresourcedefinitions.apiextensions.k8s.io';

const POD_TARGETS = {
  claim: { resource: CLAIMS, namespaced: true },
  'config-map': { resource: 'configmaps', namespaced: true },
  secret: { resource: 'secrets', namespaced: true },
  'service-account': { resource: ACCOUNTS, namespaced: true },
  'priority-class': { resource: 'priorityclasses.scheduling.k8s.io', namespaced: false },
  'runtime-class': { resource: 'runtimeclasses.node.k8s.io', namespaced: false },
} as const;

/** Workload kinds with a pod spec inside. */
const POD_CARRIERS = [
  'pods',
  'podtemplates',
  'replicationcontrollers',
  'deployments.apps',
  'replicasets.apps',
  'statefulsets.apps',
  'daemonsets.apps',
  'jobs.batch',
  'cronjobs.batch',
];

/** What HorizontalPodAutoscalers scale, by kind. */
const SCALED: Readonly<Record<string, string>> = {
  Deployment: 'deployments.apps',
  StatefulSet: 'statefulsets.apps',
  ReplicaSet: 'replicasets.apps',
  ReplicationController: 'replicationcontrollers',
};

type Wants = (object: JsonObject, namespace: string) => readonly Want[];

const RULES: Readonly<Record<string, Wants>> = {
  ...Object.fromEntries(POD_CARRIERS.map((resource) => [resource, podWants])),
  'statefulsets.apps': (object, namespace) => [
    ...podWants(object, namespace),
    ...statefulSetWants(object, namespace),
  ],
  [CLAIMS]: claimWants,
  [VOLUMES]: volumeWants,
  [ACCOUNTS]: (object, namespace) =>
    [...children(object, 'secrets'), ...children(object, 'imagePullSecrets')].flatMap((ref) =>
      want('secret', 'secrets', ref.name, namespace),
    ),
  [SNAPSHOTS]: snapshotWants,
  [SNAPSHOT_CONTENTS]: (object) =>
    want('snapshot-class', SNAPSHOT_CLASSES, child(object, 'spec')?.volumeSnapshotClassName),
  [CLUSTER_BINDINGS]: (object) =>
    want('cluster-role', CLUSTER_ROLES, child(object, 'roleRef')?.name),
  [CLUSTER_ROLES]: roleWants,
  [ROLES]: roleWants,
  [BINDINGS]: (object, namespace) => {
    const role = child(object, 'roleRef');
    return role?.kind === 'ClusterRole'
      ? want('cluster-role', CLUSTER_ROLES, role.name)
      : want('role', ROLES, role?.name, namespace);
  },
  [INGRESSES]: ingressWants,
  'horizontalpodautoscalers.autoscaling': (object, namespace) => {
    const target = child(child(object, 'spec'), 'scaleTargetRef');
    const resource = SCALED[String(target?.kind)];
    return resource === undefined ? [] : want('scale-target', resource, target?.name, namespace);
  },
};

/** Whether a captured object of this kind has to be parsed for the names inside it. */
export function namesOthers(resource: string): boolean {
  return Object.hasOwn(RULES, resource);
}

/** What an object names. `object` carries its kind. */
export function wantsOf(
  resource: string,
  object: JsonObject,
  namespace: string | undefined,
): readonly Want[] {
  return RULES[resource]?.(object, namespace ?? '') ?? [];
}

/** What every object brings along by its mere kind and place. */
export function placeWants(
  resource: { readonly group: string; readonly resource: string },
  namespace: string | undefined,
): readonly Want[] {
  return [
    ...(namespace === undefined ? [] : want('namespace', 'namespaces', namespace)),
    // Built-in groups without a dot have no definitions; for the others the look-up tells.
    ...(resource.group.includes('.')
      ? want('definition', CRDS, `${resource.resource}.${resource.group}`)
      : []),
  ];
}

/** Kinds whose objects may belong to captured ones without being named by them. */
export const FOLLOWING_KINDS: readonly string[] = [CLUSTER_BINDINGS, BINDINGS, SNAPSHOTS];

/**
 * The rule by which an object that nobody named belongs to what was captured. `object` may be its
 * metadata alone where its kind is none of `FOLLOWING_KINDS`.
 */
export function followsRule(
  resource: string,
  object: JsonObject,
  captured: Captured,
): string | undefined {
  const owners = children(child(object, 'metadata'), 'ownerReferences');
  if (owners.some((owner) => typeof owner.uid === 'string' && captured.hasUid(owner.uid))) {
    return 'owner';
  }
  if (resource === CLUSTER_BINDINGS || resource === BINDINGS) {
    const bound = children(object, 'subjects').some((s) => isCapturedSubject(s, object, captured));
    return bound ? 'binding' : undefined;
  }
  if (resource !== SNAPSHOTS) return undefined;
  const name = child(child(object, 'spec'), 'source')?.persistentVolumeClaimName;
  const namespace = namespaceOf(object);
  const known = typeof name === 'string' && namespace !== undefined;
  return known && captured.has({ resource: CLAIMS, namespace, name }) ? 'snapshot' : undefined;
}

function isCapturedSubject(subject: JsonObject, binding: JsonObject, captured: Captured): boolean {
  const name = String(subject.name);
  if (subject.kind === 'ServiceAccount') {
    const namespace =
      typeof subject.namespace === 'string' ? subject.namespace : namespaceOf(binding);
    return namespace !== undefined && captured.has({ resource: ACCOUNTS, namespace, name });
  }
  const group = /^system:serviceaccounts:(.+)$/.exec(name);
  return subject.kind === 'Group' && group !== null && captured.hasAccountsOf(group[1] ?? '');
}

function namespaceOf(object: JsonObject): string | undefined {
  const namespace = child(object, 'metadata')?.namespace;
  return typeof namespace === 'string' ? namespace : undefined;
}

function podWants(object: JsonObject, namespace: string): readonly Want[] {
  const spec = podSpecOf(object);
  if (spec === undefined) return [];
  return podReferences(spec).flatMap(({ kind, name }) => {
    const target = POD_TARGETS[kind];
    return target.namespaced
      ? want(kind, target.resource, name, namespace)
      : want(kind, target.resource, name);
  });
}

function statefulSetWants(object: JsonObject, namespace: string): readonly Want[] {
  const spec = child(object, 'spec');
  const set = String(child(object, 'metadata')?.name);
  return [
    ...want('service', 'services', spec?.serviceName, namespace),
    ...children(spec, 'volumeClaimTemplates').flatMap((template) => [
      ...want('claim', CLAIMS, `${String(child(template, 'metadata')?.name)}-${set}-#`, namespace),
      ...want('storage-class', CLASSES, child(template, 'spec')?.storageClassName),
    ]),
  ];
}

function claimWants(object: JsonObject, namespace: string): readonly Want[] {
  const spec = child(object, 'spec');
  const source = child(spec, 'dataSourceRef') ?? child(spec, 'dataSource');
  const sourceKinds: Readonly<Record<string, readonly [string, string]>> = {
    VolumeSnapshot: ['snapshot', SNAPSHOTS],
    PersistentVolumeClaim: ['claim', CLAIMS],
  };
  const [rule, resource] = sourceKinds[String(source?.kind)] ?? [];
  return [
    ...want('volume', VOLUMES, spec?.volumeName),
    ...want('storage-class', CLASSES, spec?.storageClassName ?? betaClass(object)),
    ...(rule === undefined || resource === undefined
      ? []
      : want(rule, resource, source?.name, source?.namespace ?? namespace)),
  ];
}

function volumeWants(object: JsonObject): readonly Want[] {
  const spec = child(object, 'spec');
  const driver = child(spec, 'csi') ?? child(spec, 'flexVolume');
  const secrets = Object.entries(driver ?? {})
    .filter(([field]) => field.endsWith('SecretRef') || field === 'secretRef')
    .flatMap(([field]) => {
      const ref = child(driver, field);
      const namespace = ref?.namespace;
      return typeof namespace === 'string' ? want('secret', 'secrets', ref?.name, namespace) : [];
    });
  return [
    ...want('storage-class', CLASSES, spec?.storageClassName ?? betaClass(object)),
    ...secrets,
  ];
}

/** Rules of the roles that the API server itself makes gather the kinds of every operator. */
const BOOTSTRAPPED = 'kubernetes.io/bootstrapping';

/**
 * Definitions whose kinds a role names: an operator just installed has definitions and no objects of
 * them yet, and would not run without. Wildcards say nothing about what is needed.
 */
function roleWants(object: JsonObject): readonly Want[] {
  const labels = child(child(object, 'metadata'), 'labels');
  if (labels?.[BOOTSTRAPPED] !== undefined) return [];
  const names = children(object, 'rules').flatMap((rule) =>
    texts(rule.apiGroups)
      .filter((group) => group.includes('.'))
      .flatMap((group) =>
        texts(rule.resources)
          // A subresource stands for its kind.
          .map((resource) => resource.split('/', 1)[0] ?? '')
          .filter((resource) => resource !== '' && resource !== '*')
          .map((resource) => `${resource}.${group}`),
      ),
  );
  return [...new Set(names)].flatMap((name) => want('role-definition', CRDS, name));
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((v) => typeof v === 'string') : [];
}

/** The class as it was named before Kubernetes 1.6; still honoured. */
function betaClass(object: JsonObject): unknown {
  const annotations = child(child(object, 'metadata'), 'annotations');
  return annotations?.['volume.beta.kubernetes.io/storage-class'];
}

function snapshotWants(object: JsonObject, namespace: string): readonly Want[] {
  const spec = child(object, 'spec');
  const source = child(spec, 'source');
  return [
    ...want('claim', CLAIMS, source?.persistentVolumeClaimName, namespace),
    ...want('snapshot-content', SNAPSHOT_CONTENTS, source?.volumeSnapshotContentName),
    ...want(
      'snapshot-content',
      SNAPSHOT_CONTENTS,
      child(object, 'status')?.boundVolumeSnapshotContentName,
    ),
    ...want('snapshot-class', SNAPSHOT_CLASSES, spec?.volumeSnapshotClassName),
  ];
}

function ingressWants(object: JsonObject, namespace: string): readonly Want[] {
  const spec = child(object, 'spec');
  const annotations = child(child(object, 'metadata'), 'annotations');
  const paths = children(spec, 'rules').flatMap((rule) => children(child(rule, 'http'), 'paths'));
  const backends = [child(spec, 'defaultBackend'), ...paths.map((p) => child(p, 'backend'))];
  return [
    ...want('ingress-class', INGRESS_CLASSES, spec?.ingressClassName),
    ...want('ingress-class', INGRESS_CLASSES, annotations?.['kubernetes.io/ingress.class']),
    ...children(spec, 'tls').flatMap((t) => want('secret', 'secrets', t.secretName, namespace)),
    ...backends.flatMap((b) => want('service', 'services', child(b, 'service')?.name, namespace)),
  ];
}

function want(rule: string, resource: string, name: unknown, namespace?: unknown): readonly Want[] {
  if (typeof name !== 'string' || name === '') return [];
  return typeof namespace === 'string'
    ? [{ rule, resource, namespace, name }]
    : [{ rule, resource, name }];
}
