import { describe, expect, it } from 'vitest';
import type { JsonObject } from './json.ts';
import type { KubeObject } from './kube-object.ts';
import { mapNamespaces } from './namespace-mapping.ts';

const mapping = { shop: 'shop2' };

function object(apiVersion: string, kind: string, rest: JsonObject): KubeObject {
  return { apiVersion, kind, metadata: { name: 'x' }, ...rest };
}

const selector = (n: string) => ({ matchLabels: { 'kubernetes.io/metadata.name': n } });
const expressions = (n: string) => ({
  matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['a', n] }],
});
const term = (n: string) => ({ namespaces: [n] });
const required = (n: string) => ({
  podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(n)] },
});
const preferred = (n: string) => ({
  podAntiAffinity: {
    preferredDuringSchedulingIgnoredDuringExecution: [{ podAffinityTerm: term(n) }],
  },
});
const host = (n: string) => `web.${n}.svc.cluster.local`;
const gateway = 'gateway.networking.k8s.io/v1';
const istio = 'networking.istio.io/v1';
const monitoring = 'monitoring.coreos.com/v1';

/** What names `shop` before and `shop2` after. */
const CASES: readonly (readonly [string, (n: string) => KubeObject])[] = [
  ['a pod affinity', (n) => object('v1', 'Pod', { spec: { affinity: required(n) } })],
  [
    'an anti-affinity of a workload',
    (n) =>
      object('apps/v1', 'Deployment', {
        spec: { template: { spec: { affinity: preferred(n) } } },
      }),
  ],
  [
    'an anti-affinity of a CronJob',
    (n) =>
      object('batch/v1', 'CronJob', {
        spec: { jobTemplate: { spec: { template: { spec: { affinity: preferred(n) } } } } },
      }),
  ],
  [
    'a selector of a NetworkPolicy',
    (n) =>
      object('networking.k8s.io/v1', 'NetworkPolicy', {
        spec: { ingress: [{ from: [{ namespaceSelector: selector(n) }] }] },
      }),
  ],
  [
    'a selector by expression',
    (n) =>
      object('networking.k8s.io/v1', 'NetworkPolicy', {
        spec: { egress: [{ to: [{ namespaceSelector: expressions(n) }] }] },
      }),
  ],
  [
    'the selector of a webhook',
    (n) =>
      object('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', {
        webhooks: [{ namespaceSelector: selector(n) }],
      }),
  ],
  ['an external name', (n) => object('v1', 'Service', { spec: { externalName: host(n) } })],
  [
    'parameters of an IngressClass',
    (n) =>
      object('networking.k8s.io/v1', 'IngressClass', { spec: { parameters: { namespace: n } } }),
  ],
  [
    'a subject of a FlowSchema',
    (n) =>
      object('flowcontrol.apiserver.k8s.io/v1', 'FlowSchema', {
        spec: { rules: [{ subjects: [{ serviceAccount: { namespace: n } }] }] },
      }),
  ],
  [
    'parameters of an admission policy',
    (n) =>
      object('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicyBinding', {
        spec: { paramRef: { namespace: n } },
      }),
  ],
  [
    'the snapshot of a content',
    (n) =>
      object('snapshot.storage.k8s.io/v1', 'VolumeSnapshotContent', {
        spec: { volumeSnapshotRef: { namespace: n } },
      }),
  ],
  [
    'the secret of a StorageClass',
    (n) =>
      object('storage.k8s.io/v1', 'StorageClass', {
        parameters: { 'csi.storage.k8s.io/node-publish-secret-namespace': n },
      }),
  ],
  [
    'a ServiceMonitor',
    (n) =>
      object(monitoring, 'ServiceMonitor', { spec: { namespaceSelector: { matchNames: [n] } } }),
  ],
  [
    'a Probe',
    (n) =>
      object(monitoring, 'Probe', {
        spec: { targets: { ingress: { namespaceSelector: { matchNames: [n] } } } },
      }),
  ],
  [
    'parent and backend of a route',
    (n) =>
      object(gateway, 'HTTPRoute', {
        spec: { parentRefs: [{ namespace: n }], rules: [{ backendRefs: [{ namespace: n }] }] },
      }),
  ],
  [
    'certificates of a Gateway',
    (n) =>
      object(gateway, 'Gateway', {
        spec: { listeners: [{ tls: { certificateRefs: [{ namespace: n }] } }] },
      }),
  ],
  [
    'a ReferenceGrant',
    (n) =>
      object('gateway.networking.k8s.io/v1beta1', 'ReferenceGrant', {
        spec: { from: [{ namespace: n }] },
      }),
  ],
  [
    'a VirtualService',
    (n) =>
      object(istio, 'VirtualService', {
        spec: {
          hosts: [host(n)],
          gateways: [`${n}/gw`],
          http: [{ route: [{ destination: { host: host(n) } }] }],
        },
      }),
  ],
  ['a DestinationRule', (n) => object(istio, 'DestinationRule', { spec: { host: host(n) } })],
  ['a Sidecar', (n) => object(istio, 'Sidecar', { spec: { egress: [{ hosts: [`${n}/*`] }] } })],
  [
    'an AuthorizationPolicy',
    (n) =>
      object('security.istio.io/v1', 'AuthorizationPolicy', {
        spec: { rules: [{ from: [{ source: { namespaces: [n] } }] }] },
      }),
  ],
  [
    'an annotation of cert-manager',
    (n) =>
      object('v1', 'Service', {
        metadata: { name: 'x', annotations: { 'cert-manager.io/inject-ca-from': `${n}/ca` } },
      }),
  ],
  [
    'an annotation of an Ingress',
    (n) =>
      object('networking.k8s.io/v1', 'Ingress', {
        metadata: {
          name: 'x',
          annotations: { 'nginx.ingress.kubernetes.io/auth-secret': `${n}/auth` },
        },
      }),
  ],
];

describe('the catalogue of namespaces', () => {
  it.each(CASES)('rewrites %s and lists it', (_what, make) => {
    const given = make('shop');
    const changes = mapNamespaces(given, mapping);
    expect(given).toEqual(make('shop2'));
    expect(changes.length).toBeGreaterThan(0);
    expect(changes.filter((c) => c.startsWith('not rewritten'))).toEqual([]);
  });

  it.each(CASES)('leaves %s alone in other namespaces', (_what, make) => {
    const given = make('shopping');
    expect(mapNamespaces(given, mapping)).toEqual([]);
    expect(given).toEqual(make('shopping'));
  });

  it('exchanges two namespaces without calling the new names left over', () => {
    const route = (n: string) =>
      object(gateway, 'HTTPRoute', { spec: { parentRefs: [{ namespace: n }] } });
    const given = route('a');
    expect(mapNamespaces(given, { a: 'b', b: 'a' })).toEqual([
      'spec.parentRefs.0.namespace: a -> b',
    ]);
    expect(given).toEqual(route('b'));
  });

  it('takes a kind of the same name in another group for another kind', () => {
    const given = object('serving.knative.dev/v1', 'Service', {
      spec: { externalName: host('shop') },
    });
    const before = structuredClone(given);
    expect(mapNamespaces(given, mapping)).toEqual([
      'not rewritten: spec.externalName names namespace shop',
    ]);
    expect(given).toEqual(before);
  });
});

describe('mentions of a namespace', () => {
  it.each<[string, KubeObject, string]>([
    [
      'text of a ConfigMap',
      object('v1', 'ConfigMap', { data: { 'app.conf': 'url=http://db.shop.svc:80/' } }),
      'data.app.conf',
    ],
    [
      'an environment variable',
      object('v1', 'Pod', {
        spec: { containers: [{ env: [{ name: 'DB', value: 'db.shop.svc' }] }] },
      }),
      'spec.containers.0.env.0.value',
    ],
    [
      'an argument',
      object('v1', 'Pod', { spec: { containers: [{ args: ['--db=db.shop.svc.cluster.local'] }] } }),
      'spec.containers.0.args.0',
    ],
    [
      'a field of a custom resource',
      object('argoproj.io/v1alpha1', 'Application', {
        spec: { destination: { namespace: 'shop' } },
      }),
      'spec.destination.namespace',
    ],
    [
      'a list of a custom resource',
      object('a.example/v1', 'Scope', { spec: { watchNamespaces: ['shop'] } }),
      'spec.watchNamespaces.0',
    ],
  ])('are listed and not rewritten: %s', (_what, given, path) => {
    const before = structuredClone(given);
    expect(mapNamespaces(given, mapping)).toEqual([`not rewritten: ${path} names namespace shop`]);
    expect(given).toEqual(before);
  });

  it.each([
    'db.shopping.svc',
    'db.my-shop.svc',
    'db.shop.svcs',
    'db.shop.example.com',
    'the shop is open',
    'shop',
  ])('are not seen in %s', (text) => {
    expect(mapNamespaces(object('v1', 'ConfigMap', { data: { a: text } }), mapping)).toEqual([]);
  });

  it('are not looked for in the content of a Secret', () => {
    const secret = object('v1', 'Secret', { stringData: { url: 'db.shop.svc' } });
    expect(mapNamespaces(secret, mapping)).toEqual([]);
  });

  it('are counted beyond twenty', () => {
    const data = Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`k${n}`, 'a.shop.svc']));
    const changes = mapNamespaces(object('v1', 'ConfigMap', { data }), mapping);
    expect(changes).toHaveLength(21);
    expect(changes[20]).toBe('not rewritten: 5 more mentions of namespaces');
  });
});
