/**
 * Whether an object in the target is the one a restore would create. Both sides are brought into one
 * form first: what the server, its controllers and its allocators fill in does not count, everything a
 * user may have written does.
 */
import { isJsonObject, type JsonObject, objectAt, objectsAt } from './json.ts';
import type { KubeObject } from './kube-object.ts';
import { stripMetadata } from './transform/strip-metadata.ts';
import { transformObject } from './transform/transform-object.ts';

/** True when nothing that a user wrote differs. Neither argument is changed. */
export function isSameObject(wanted: KubeObject, existing: KubeObject): boolean {
  return canonical(comparable(wanted)) === canonical(comparable(existing));
}

function comparable(source: KubeObject): KubeObject {
  const object = structuredClone(source);
  transformObject(object, {
    namespaceMapping: {},
    imageRules: [],
    preserveNodePorts: undefined,
    volumeName: (name) => name,
  });
  stripMetadata(object);
  dropAllocated(object);
  return object;
}

/** What the target gives to each object in its own way. */
function dropAllocated(object: KubeObject): void {
  const spec = objectAt(object, 'spec');
  switch (object.kind) {
    case 'Namespace':
      delete object.metadata.labels?.['kubernetes.io/metadata.name'];
      break;
    case 'Service':
      for (const port of objectsAt(spec, 'ports')) delete port.nodePort;
      for (const field of ['healthCheckNodePort', 'ipFamilies', 'ipFamilyPolicy'])
        delete spec?.[field];
      break;
    case 'PersistentVolumeClaim':
      delete spec?.volumeName;
      break;
    case 'Pod':
      // Admission adds tolerations and the account's pull secrets and computes the rest.
      for (const field of ['tolerations', 'imagePullSecrets', 'serviceAccount'])
        delete spec?.[field];
      break;
    case 'APIService':
      delete spec?.caBundle;
      break;
    case 'CustomResourceDefinition':
      delete objectAt(spec, 'conversion', 'webhook', 'clientConfig')?.caBundle;
      break;
    case 'MutatingWebhookConfiguration':
    case 'ValidatingWebhookConfiguration':
      // Certificate injectors of the application write it after creation.
      for (const webhook of objectsAt(object, 'webhooks')) {
        delete objectAt(webhook, 'clientConfig')?.caBundle;
      }
      break;
    default:
      break;
  }
  for (const field of ['labels', 'annotations'] as const) {
    if (Object.keys(object.metadata[field] ?? {}).length === 0) delete object.metadata[field];
  }
}

/** JSON with sorted keys; absent, null and empty containers are the same. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value ?? null);
  // A number too large or too exact for a double, kept as its text (see shared/format/exact-json.ts).
  if (value.isLosslessNumber === true) return String(value.value);
  const fields = Object.keys(value)
    .sort()
    .filter((key) => !isEmpty(value[key]))
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${fields.join(',')}}`;
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isJsonObject(value) && isEmptyObject(value);
}

function isEmptyObject(value: JsonObject): boolean {
  return Object.keys(value).length === 0;
}
