import { describe, expect, it } from 'vitest';
import type { JsonObject } from './json.ts';
import type { KubeObject } from './kube-object.ts';
import { mapNamespaces, mappedNamespace, mappingCollision } from './namespace-mapping.ts';

const mapping = { shop: 'shop2' };

function object(kind: string, rest: JsonObject, metadata: JsonObject = {}): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name: 'x', ...metadata }, ...rest };
}

const service = (namespace: string) => ({ service: { namespace, name: 'hook' } });

/** What an object names in `shop` before, and in `shop2` after. */
const CASES: readonly (readonly [string, (namespace: string) => KubeObject])[] = [
  ['its own place', (n) => object('ConfigMap', {}, { namespace: n })],
  [
    "a volume's claim and secrets",
    (n) =>
      object('PersistentVolume', {
        spec: {
          claimRef: { namespace: n, name: 'data' },
          csi: { nodePublishSecretRef: { namespace: n, name: 's' } },
        },
      }),
  ],
  [
    'a subject of a ClusterRoleBinding',
    (n) =>
      object('ClusterRoleBinding', {
        subjects: [{ kind: 'ServiceAccount', name: 'a', namespace: n }],
      }),
  ],
  [
    'a group of accounts',
    (n) =>
      object(
        'RoleBinding',
        { subjects: [{ kind: 'Group', name: `system:serviceaccounts:${n}` }] },
        { namespace: n },
      ),
  ],
  [
    'an account as a user',
    (n) =>
      object('ClusterRoleBinding', {
        subjects: [{ kind: 'User', name: `system:serviceaccount:${n}:a` }],
      }),
  ],
  [
    'the Service of a mutating webhook',
    (n) => object('MutatingWebhookConfiguration', { webhooks: [{ clientConfig: service(n) }] }),
  ],
  [
    'the Service of a validating webhook',
    (n) => object('ValidatingWebhookConfiguration', { webhooks: [{ clientConfig: service(n) }] }),
  ],
  ['the Service of an APIService', (n) => object('APIService', { spec: service(n) })],
  [
    'the Service of a conversion webhook',
    (n) =>
      object('CustomResourceDefinition', {
        spec: { conversion: { webhook: { clientConfig: service(n) } } },
      }),
  ],
  [
    'a data source in another namespace',
    (n) =>
      object(
        'PersistentVolumeClaim',
        { spec: { dataSourceRef: { namespace: n } } },
        { namespace: n },
      ),
  ],
  [
    'the pods behind endpoints',
    (n) =>
      object(
        'Endpoints',
        { subsets: [{ addresses: [{ targetRef: { namespace: n } }] }] },
        { namespace: n },
      ),
  ],
];

describe('namespace mapping', () => {
  it.each(CASES)('renames %s and lists it', (_what, make) => {
    const given = make('shop');
    expect(mapNamespaces(given, mapping).length).toBeGreaterThan(0);
    expect(given).toEqual(make('shop2'));
  });

  it.each(CASES)('leaves %s alone in other namespaces', (_what, make) => {
    const given = make('shopping');
    expect(mapNamespaces(given, mapping)).toEqual([]);
    expect(given).toEqual(make('shopping'));
  });

  it('renames a Namespace, whose name label the target gives', () => {
    const labels = { 'kubernetes.io/metadata.name': 'shop', team: 'a' };
    const given = object('Namespace', {}, { name: 'shop', labels });
    expect(mapNamespaces(given, mapping)).toEqual(['name: shop -> shop2']);
    expect(given.metadata).toEqual({ name: 'shop2', labels: { team: 'a' } });
  });

  it('does not take a user whose name only looks alike for an account', () => {
    const given = object('RoleBinding', { subjects: [{ kind: 'User', name: 'shop' }] });
    expect(mapNamespaces(given, mapping)).toEqual([]);
  });

  it('takes no name from the prototype of the map', () => {
    expect(mappedNamespace({}, 'constructor')).toBe('constructor');
  });
});

describe('a mapping collision', () => {
  it.each([
    ['two sources of one target', { a: 'c', b: 'c' }, ['a', 'b']],
    ['a target that comes back itself', { a: 'b' }, ['a', 'b']],
  ])('is %s', (_what, given, namespaces) => {
    expect(mappingCollision(given, namespaces)?.sources).toEqual(['a', 'b']);
  });

  it.each([
    ['an exchange', { a: 'b', b: 'a' }, ['a', 'b']],
    ['a target that does not come back', { a: 'b' }, ['a', 'c']],
  ])('is not %s', (_what, given, namespaces) => {
    expect(mappingCollision(given, namespaces)).toBeUndefined();
  });
});
