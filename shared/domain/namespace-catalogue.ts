/**
 * Where objects of built-in kinds and of common operators name a namespace in a field whose meaning is
 * known, so that a mapping may rewrite it, and how the other mentions are found, which are listed and
 * never rewritten: text belongs to the application (design §7, VEL §5 row 29).
 */
import { isJsonObject, type JsonObject } from './json.ts';
import type { KubeObject } from './kube-object.ts';

/** `name`: the namespace itself. `host`: `web.shop.svc` and longer. `pair`: `shop/web`. */
type Form = 'name' | 'host' | 'pair';

/** A field, `*` stands for every element of a list. */
interface Place {
  readonly kinds: readonly string[];
  readonly path: readonly string[];
  readonly form: Form;
}

const POD_SPECS: readonly (readonly [readonly string[], string])[] = [
  [['Pod'], 'spec'],
  [['PodTemplate'], 'template.spec'],
  [['CronJob.batch'], 'spec.jobTemplate.spec.template.spec'],
  [
    [
      'ReplicationController',
      'Deployment.apps',
      'ReplicaSet.apps',
      'StatefulSet.apps',
      'DaemonSet.apps',
      'Job.batch',
    ],
    'spec.template.spec',
  ],
];

const AFFINITY_TERMS = ['podAffinity', 'podAntiAffinity'].flatMap((kind) => [
  `${kind}.requiredDuringSchedulingIgnoredDuringExecution.*`,
  `${kind}.preferredDuringSchedulingIgnoredDuringExecution.*.podAffinityTerm`,
]);

const ROUTES = ['HTTPRoute', 'GRPCRoute', 'TCPRoute', 'TLSRoute', 'UDPRoute'].map(
  (kind) => `${kind}.gateway.networking.k8s.io`,
);
const ISTIO_ROUTES = ['http', 'tcp', 'tls'];

function places(kinds: readonly string[], form: Form, ...paths: readonly string[]): Place[] {
  return paths.map((path) => ({ kinds, path: path.split('.'), form }));
}

/** Every further place; those of RBAC, webhooks, volumes and endpoints stand in the mapping. */
const PLACES: readonly Place[] = [
  ...POD_SPECS.flatMap(([kinds, spec]) =>
    AFFINITY_TERMS.flatMap((term) =>
      places(kinds, 'name', `${spec}.affinity.${term}.namespaces.*`),
    ),
  ),
  ...places(['Service'], 'host', 'spec.externalName'),
  ...places(['IngressClass.networking.k8s.io'], 'name', 'spec.parameters.namespace'),
  ...places(
    ['FlowSchema.flowcontrol.apiserver.k8s.io'],
    'name',
    'spec.rules.*.subjects.*.serviceAccount.namespace',
  ),
  ...places(
    [
      'ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io',
      'MutatingAdmissionPolicyBinding.admissionregistration.k8s.io',
    ],
    'name',
    'spec.paramRef.namespace',
  ),
  ...places(
    ['VolumeSnapshotContent.snapshot.storage.k8s.io'],
    'name',
    'spec.volumeSnapshotRef.namespace',
  ),
  ...places(
    ['ServiceMonitor.monitoring.coreos.com', 'PodMonitor.monitoring.coreos.com'],
    'name',
    'spec.namespaceSelector.matchNames.*',
  ),
  ...places(
    ['Probe.monitoring.coreos.com'],
    'name',
    'spec.targets.ingress.namespaceSelector.matchNames.*',
  ),
  ...places(
    ROUTES,
    'name',
    'spec.parentRefs.*.namespace',
    'spec.rules.*.backendRefs.*.namespace',
    'spec.rules.*.filters.*.requestMirror.backendRef.namespace',
    'spec.rules.*.backendRefs.*.filters.*.requestMirror.backendRef.namespace',
  ),
  ...places(
    ['Gateway.gateway.networking.k8s.io'],
    'name',
    'spec.listeners.*.tls.certificateRefs.*.namespace',
  ),
  ...places(['GatewayClass.gateway.networking.k8s.io'], 'name', 'spec.parametersRef.namespace'),
  ...places(['ReferenceGrant.gateway.networking.k8s.io'], 'name', 'spec.from.*.namespace'),
  ...places(
    ['VirtualService.networking.istio.io'],
    'host',
    'spec.hosts.*',
    ...ISTIO_ROUTES.map((route) => `spec.${route}.*.route.*.destination.host`),
    'spec.http.*.mirror.host',
  ),
  ...places(['VirtualService.networking.istio.io'], 'pair', 'spec.gateways.*'),
  ...places(['DestinationRule.networking.istio.io'], 'host', 'spec.host'),
  ...places(['ServiceEntry.networking.istio.io'], 'host', 'spec.hosts.*'),
  ...places(['Sidecar.networking.istio.io'], 'pair', 'spec.egress.*.hosts.*'),
  ...places(
    ['AuthorizationPolicy.security.istio.io'],
    'name',
    'spec.rules.*.from.*.source.namespaces.*',
    'spec.rules.*.from.*.source.notNamespaces.*',
  ),
];

/** Annotations that hold `namespace/name`, of any kind. */
const PAIR_ANNOTATIONS: readonly string[] = [
  'cert-manager.io/inject-ca-from',
  'cert-manager.io/inject-ca-from-secret',
  'nginx.ingress.kubernetes.io/auth-secret',
  'nginx.ingress.kubernetes.io/auth-tls-secret',
  'nginx.ingress.kubernetes.io/proxy-ssl-secret',
];

/** Parameters of StorageClasses and VolumeSnapshotClasses that name a Secret's namespace. */
const SECRET_NAMESPACE = /-secret-namespace$/;
/** Every namespace carries its name under this label. */
const NAME_LABEL = 'kubernetes.io/metadata.name';

/** A text inside an object: `holder[key]`. */
interface Text {
  readonly holder: JsonObject | unknown[];
  readonly key: string;
  readonly path: string;
  readonly value: string;
}

/** Rewrites what the catalogue knows, in place; returns what was changed. */
export function rewriteCatalogued(
  object: KubeObject,
  mapped: (namespace: string) => string,
): readonly string[] {
  const changes: string[] = [];
  for (const { text, form } of cataloguedTexts(object)) {
    const after = rewritten(text.value, form, mapped);
    if (after === text.value) continue;
    Reflect.set(text.holder, text.key, after);
    changes.push(`${text.path}: ${text.value} -> ${after}`);
  }
  return changes;
}

function rewritten(value: string, form: Form, mapped: (namespace: string) => string): string {
  if (form === 'name') return mapped(value);
  const [first = '', ...rest] = value.split('/');
  if (form === 'pair') return rest.length === 1 ? `${mapped(first)}/${rest[0]}` : value;
  const labels = value.split('.');
  const at = labels.indexOf('svc') - 1;
  // `web.shop.svc`; `shop.svc` alone is no host of a Service.
  if (at < 1) return value;
  return labels.map((label, n) => (n === at ? mapped(label) : label)).join('.');
}

function* cataloguedTexts(object: KubeObject): Generator<{ text: Text; form: Form }> {
  const [version = '', ...rest] = object.apiVersion.split('/').reverse();
  const kind = version === object.apiVersion ? object.kind : `${object.kind}.${rest.join('/')}`;
  for (const { kinds, path, form } of PLACES) {
    if (!kinds.includes(kind)) continue;
    for (const text of textsAt(object, path)) yield { text, form };
  }
  const isClass = object.kind === 'StorageClass' || object.kind === 'VolumeSnapshotClass';
  for (const text of textsOf(object)) {
    const annotation = text.path.startsWith('metadata.annotations.');
    if (annotation && PAIR_ANNOTATIONS.includes(text.key)) yield { text, form: 'pair' };
    else if (isClass && SECRET_NAMESPACE.test(text.key)) yield { text, form: 'name' };
    else if (/(?:^|\.)matchLabels\./.test(text.path) && text.key === NAME_LABEL) {
      yield { text, form: 'name' };
    }
  }
  for (const text of expressionValues(object, '')) yield { text, form: 'name' };
}

/** Values of `matchExpressions` about the label that holds a namespace's name. */
function* expressionValues(value: unknown, path: string): Generator<Text> {
  if (isJsonObject(value) && value.key === NAME_LABEL && path.includes('matchExpressions.')) {
    for (const text of textsAt(value, ['values', '*'])) {
      yield { ...text, path: `${path}.${text.path}` };
    }
    return;
  }
  for (const [key, inside] of entriesOf(value)) {
    yield* expressionValues(inside, joined(path, key));
  }
}

function* textsAt(value: unknown, path: readonly string[], at = ''): Generator<Text> {
  const [first = '', ...rest] = path;
  for (const [key, inside] of entriesOf(value)) {
    if (first === '*' ? !Array.isArray(value) : key !== first) continue;
    if (rest.length > 0) yield* textsAt(inside, rest, joined(at, key));
    else if (typeof inside === 'string' && (isJsonObject(value) || Array.isArray(value))) {
      yield { holder: value, key, path: joined(at, key), value: inside };
    }
  }
}

function* textsOf(value: unknown, path = ''): Generator<Text> {
  for (const [key, inside] of entriesOf(value)) {
    const at = joined(path, key);
    if (typeof inside !== 'string') yield* textsOf(inside, at);
    else if (isJsonObject(value) || Array.isArray(value)) {
      yield { holder: value, key, path: at, value: inside };
    }
  }
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function joined(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** Mentions listed of one object; the rest is counted. */
const MENTIONS_MAX = 20;
/** Longest name of a namespace, with the dot before it. */
const LABEL_MAX = 64;
/** What the API server or kubectl writes: no setting of the user. */
const NOT_LOOKED_AT = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Finds what names a mapped namespace, before anything is rewritten; the function it returns tells what
 * was left as it is. The content of Secrets is not looked at.
 */
export function findMentions(
  object: KubeObject,
  isMapped: (namespace: string) => boolean,
): () => readonly string[] {
  const found: { readonly text: Text; readonly namespace: string }[] = [];
  for (const text of textsOf(object)) {
    if (text.key === NOT_LOOKED_AT || isSecretContent(object, text)) continue;
    const namespace = namedIn(text, isMapped);
    if (namespace !== undefined) found.push({ text, namespace });
  }
  return () => {
    const left = found.filter(({ text }) => Reflect.get(text.holder, text.key) === text.value);
    const listed = left
      .slice(0, MENTIONS_MAX)
      .map(({ text, namespace }) => `not rewritten: ${text.path} names namespace ${namespace}`);
    const more = left.length - listed.length;
    return more > 0 ? [...listed, `not rewritten: ${more} more mentions of namespaces`] : listed;
  };
}

function isSecretContent(object: KubeObject, text: Text): boolean {
  return object.kind === 'Secret' && /^(?:data|stringData)\./.test(text.path);
}

/** A field that says by its name that it holds namespaces. */
const NAMESPACE_FIELD = /(?:^|\.)(?:\w*[nN]amespace|(?:\w*[nN]amespaces|matchNames)\.\d+)$/;

function namedIn(text: Text, isMapped: (namespace: string) => boolean): string | undefined {
  if (isMapped(text.value) && NAMESPACE_FIELD.test(text.path)) return text.value;
  // Looked for from each `.svc` backwards: time stays linear in the text, whatever it is.
  for (let at = text.value.indexOf('.svc'); at >= 0; at = text.value.indexOf('.svc', at + 1)) {
    if (/[-a-z0-9]/i.test(text.value[at + 4] ?? '')) continue;
    const before = text.value.slice(Math.max(0, at - LABEL_MAX), at);
    const label = /\.([-a-z0-9]+)$/.exec(before)?.[1];
    if (label !== undefined && isMapped(label)) return label;
  }
  return undefined;
}
