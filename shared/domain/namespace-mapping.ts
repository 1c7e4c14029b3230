/** Renaming namespaces: the object's own and every typed reference to one. */
import { type JsonObject, objectAt, objectsAt } from './json.ts';
import type { KubeObject } from './kube-object.ts';
import { findMentions, rewriteCatalogued } from './namespace-catalogue.ts';

/** From source to target; namespaces that are not named keep theirs. */
export type NamespaceMapping = Readonly<Record<string, string>>;

/** The target's name of a source namespace. */
export function mappedNamespace(mapping: NamespaceMapping, namespace: string): string {
  return Object.hasOwn(mapping, namespace) ? (mapping[namespace] ?? namespace) : namespace;
}

/** Two sources that would land in one target, undefined where there are none. */
export function mappingCollision(
  mapping: NamespaceMapping,
  namespaces: readonly string[],
): { readonly target: string; readonly sources: readonly string[] } | undefined {
  const byTarget = new Map<string, string[]>();
  for (const namespace of namespaces) {
    const target = mappedNamespace(mapping, namespace);
    byTarget.set(target, [...(byTarget.get(target) ?? []), namespace]);
  }
  for (const [target, sources] of byTarget) {
    if (sources.length > 1) return { target, sources };
  }
  return undefined;
}

/** Rewrites the object in place; returns what was changed, and what names a namespace and was not. */
export function mapNamespaces(object: KubeObject, mapping: NamespaceMapping): string[] {
  if (Object.keys(mapping).length === 0) return [];
  const changes: string[] = [];
  const mapped = (namespace: string): string => mappedNamespace(mapping, namespace);
  const mentionsLeft = findMentions(object, (namespace) => mapped(namespace) !== namespace);
  const rename = (holder: JsonObject | undefined, field: string, what: string): void => {
    const before = holder?.[field];
    if (holder === undefined || typeof before !== 'string') return;
    const after = mappedNamespace(mapping, before);
    if (after === before) return;
    holder[field] = after;
    changes.push(`${what}: ${before} -> ${after}`);
  };
  if (object.kind === 'Namespace') {
    rename(object.metadata, 'name', 'name');
    if (changes.length > 0) delete object.metadata.labels?.['kubernetes.io/metadata.name'];
  } else {
    rename(object.metadata, 'namespace', 'namespace');
  }
  for (const { holder, what } of namespaceReferences(object)) rename(holder, 'namespace', what);
  changes.push(...mapAccountNames(object, mapping), ...rewriteCatalogued(object, mapped));
  return [...changes, ...mentionsLeft()];
}

/** Users and groups that stand for service accounts carry the namespace in their name. */
const ACCOUNT_NAME = /^(system:serviceaccounts?:)([^:]+)(:.+)?$/;

function mapAccountNames(object: KubeObject, mapping: NamespaceMapping): string[] {
  if (object.kind !== 'RoleBinding' && object.kind !== 'ClusterRoleBinding') return [];
  return objectsAt(object, 'subjects').flatMap((subject) => {
    const before = subject.name;
    if (typeof before !== 'string' || subject.kind === 'ServiceAccount') return [];
    const [, prefix = '', namespace = '', rest = ''] = ACCOUNT_NAME.exec(before) ?? [];
    const after = `${prefix}${mappedNamespace(mapping, namespace)}${rest}`;
    if (prefix === '' || after === before) return [];
    subject.name = after;
    return [`subject: ${before} -> ${after}`];
  });
}

/** Objects inside `object` whose `namespace` field names a namespace. */
function namespaceReferences(object: KubeObject): { holder: JsonObject; what: string }[] {
  const one = (what: string, ...path: string[]): { holder: JsonObject; what: string }[] => {
    const holder = objectAt(object, ...path);
    return holder === undefined ? [] : [{ holder, what }];
  };
  switch (object.kind) {
    case 'RoleBinding':
    case 'ClusterRoleBinding':
      return objectsAt(object, 'subjects').map((holder) => ({ holder, what: 'subject namespace' }));
    case 'PersistentVolume':
      return [...one('claimRef namespace', 'spec', 'claimRef'), ...secretReferences(object)];
    case 'MutatingWebhookConfiguration':
    case 'ValidatingWebhookConfiguration':
      return objectsAt(object, 'webhooks').flatMap((webhook) => {
        const holder = objectAt(webhook, 'clientConfig', 'service');
        return holder === undefined ? [] : [{ holder, what: 'webhook service namespace' }];
      });
    case 'APIService':
      return one('service namespace', 'spec', 'service');
    case 'PersistentVolumeClaim':
      return one('data source namespace', 'spec', 'dataSourceRef');
    case 'Endpoints':
      return objectsAt(object, 'subsets').flatMap((subset) =>
        [...objectsAt(subset, 'addresses'), ...objectsAt(subset, 'notReadyAddresses')].flatMap(
          targetReference,
        ),
      );
    case 'EndpointSlice':
      return objectsAt(object, 'endpoints').flatMap(targetReference);
    case 'CustomResourceDefinition':
      return one(
        'conversion webhook service namespace',
        'spec',
        'conversion',
        'webhook',
        'clientConfig',
        'service',
      );
    default:
      return [];
  }
}

function targetReference(address: JsonObject): { holder: JsonObject; what: string }[] {
  const holder = objectAt(address, 'targetRef');
  return holder === undefined ? [] : [{ holder, what: 'target namespace' }];
}

/** Secrets that a CSI volume names (ACK §6.3: their namespace follows the mapping). */
function secretReferences(volume: KubeObject): { holder: JsonObject; what: string }[] {
  const csi = objectAt(volume, 'spec', 'csi');
  return Object.entries(csi ?? {}).flatMap(([field, value]) => {
    const holder = field.endsWith('SecretRef') ? objectAt(value) : undefined;
    return holder === undefined ? [] : [{ holder, what: `${field} namespace` }];
  });
}
