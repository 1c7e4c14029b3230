/** Rules of namespaces, Secrets and ConfigMaps. @see pkg/apis/core/validation/validation.go, v1.34 */

import {
  type FieldError,
  forbiddenField,
  invalidField,
  requiredField,
  tooLong,
} from '../field-error.ts';
import {
  copyValue,
  deepEqual,
  ensureObject,
  type JsonObject,
  objectAt,
  objectsAt,
  textAt,
  textsAt,
} from '../json-tree.ts';
import { configMapKey } from '../validation/names.ts';
import type { KindRules } from './strategy-table.ts';

/** Data of a Secret or ConfigMap at most. @see core.MaxSecretSize */
const dataBytesMax = 1_048_576;

const namespaceRules: KindRules = {
  prepareForCreate: (object) => {
    const spec = ensureObject(object, 'spec');
    const finalizers = textsAt(spec, 'finalizers');
    if (!finalizers.includes('kubernetes')) spec.finalizers = [...finalizers, 'kubernetes'];
    object.status = { phase: 'Active' };
    labelWithName(object);
  },
  prepareForUpdate: (object, old) => {
    const finalizers = textsAt(old, 'spec', 'finalizers');
    object.spec = finalizers.length > 0 ? { finalizers } : {};
    labelWithName(object);
  },
  selectableFields: (object) => ({ 'status.phase': textAt(object, 'status', 'phase') }),
};

/** The name is known to label selectors too; generated names only now. */
function labelWithName(object: JsonObject): void {
  const metadata = ensureObject(object, 'metadata');
  ensureObject(metadata, 'labels')['kubernetes.io/metadata.name'] = metadata.name;
}

function validateKeys(data: JsonObject, at: string): FieldError[] {
  return Object.keys(data).flatMap((key) =>
    configMapKey(key).map((why) => invalidField(`${at}[${key}]`, key, why)),
  );
}

/** Keys that a typed Secret must have. */
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
};

function validateTypedSecret(object: JsonObject, data: JsonObject): FieldError[] {
  const type = textAt(object, 'type');
  if (type === 'kubernetes.io/service-account-token') {
    const annotations = objectAt(object, 'metadata', 'annotations');
    const account = textAt(annotations, 'kubernetes.io/service-account.name');
    const field = 'metadata.annotations[kubernetes.io/service-account.name]';
    return account === '' ? [requiredField(field)] : [];
  }
  if (type === 'kubernetes.io/basic-auth') {
    if ('username' in data || 'password' in data) return [];
    return [requiredField('data[username]'), requiredField('data[password]')];
  }
  const missing = (requiredKeys[type] ?? []).filter((key) => !(key in data));
  if (missing.length > 0) return missing.map((key) => requiredField(`data[${key}]`));
  const json = type.startsWith('kubernetes.io/dockerc') ? data[requiredKeys[type]?.[0] ?? ''] : '';
  return typeof json === 'string' && json !== '' ? validateDockerConfig(type, json) : [];
}

function validateDockerConfig(type: string, base64: string): FieldError[] {
  const key = requiredKeys[type]?.[0] ?? '';
  try {
    JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
    return [];
  } catch {
    const why = "invalid character 'x' looking for beginning of value";
    return [invalidField(`data[${key}]`, '<secret contents redacted>', why)];
  }
}

function bytesOf(data: JsonObject, encoded: boolean): number {
  let bytes = 0;
  for (const value of Object.values(data)) {
    const length = Buffer.byteLength(String(value));
    bytes += encoded ? Math.floor((length * 3) / 4) : length;
  }
  return bytes;
}

const whenImmutable = 'field is immutable when `immutable` is set';

function validateImmutable(
  object: JsonObject,
  old: JsonObject,
  fields: readonly string[],
): FieldError[] {
  if (old.immutable !== true) return [];
  const wrong: FieldError[] = [];
  if (object.immutable !== true) wrong.push(forbiddenField('immutable', whenImmutable));
  for (const field of fields) {
    if (!deepEqual(object[field] ?? {}, old[field] ?? {})) {
      wrong.push(forbiddenField(field, whenImmutable));
    }
  }
  return wrong;
}

function validateSecret(object: JsonObject): FieldError[] {
  const data = objectAt(object, 'data') ?? {};
  const wrong = validateKeys(data, 'data');
  if (bytesOf(data, true) > dataBytesMax) wrong.push(tooLong('data', dataBytesMax));
  return [...wrong, ...validateTypedSecret(object, data)];
}

const secretRules: KindRules = {
  prepareForUpdate: (object, old) => {
    // A type that is left out stays; it cannot be changed.
    if (textAt(object, 'type') === '') object.type = old.type;
  },
  validate: validateSecret,
  validateUpdate: (object, old) => {
    const wrong: FieldError[] = [];
    if (textAt(object, 'type') !== textAt(old, 'type')) {
      wrong.push(invalidField('type', object.type, 'field is immutable'));
    }
    wrong.push(...validateImmutable(object, old, ['data']));
    return [...wrong, ...validateSecret(object)];
  },
  selectableFields: (object) => ({ type: textAt(object, 'type') }),
};

function validateConfigMap(object: JsonObject): FieldError[] {
  const data = objectAt(object, 'data') ?? {};
  const binary = objectAt(object, 'binaryData') ?? {};
  const wrong = validateKeys(data, 'data');
  for (const key of Object.keys(data)) {
    if (!(key in binary)) continue;
    wrong.push(invalidField(`data[${key}]`, key, 'duplicate of key present in binaryData'));
  }
  wrong.push(...validateKeys(binary, 'binaryData'));
  const bytes = bytesOf(data, false) + bytesOf(binary, true);
  if (bytes > dataBytesMax) wrong.push(tooLong('[]', dataBytesMax));
  return wrong;
}

const configMapRules: KindRules = {
  validate: validateConfigMap,
  validateUpdate: (object, old) => [
    ...validateImmutable(object, old, ['data', 'binaryData']),
    ...validateConfigMap(object),
  ],
};

const eventRules: KindRules = {
  selectableFields: (object) => ({
    'involvedObject.kind': textAt(object, 'involvedObject', 'kind'),
    'involvedObject.namespace': textAt(object, 'involvedObject', 'namespace'),
    'involvedObject.name': textAt(object, 'involvedObject', 'name'),
    'involvedObject.uid': textAt(object, 'involvedObject', 'uid'),
    'involvedObject.apiVersion': textAt(object, 'involvedObject', 'apiVersion'),
    'involvedObject.resourceVersion': textAt(object, 'involvedObject', 'resourceVersion'),
    'involvedObject.fieldPath': textAt(object, 'involvedObject', 'fieldPath'),
    reason: textAt(object, 'reason'),
    reportingComponent: textAt(object, 'reportingComponent'),
    source: textAt(object, 'source', 'component') || textAt(object, 'reportingComponent'),
    type: textAt(object, 'type'),
  }),
};

/** What every node is created with. @see plugin/pkg/admission/nodetaint */
export const notReadyTaint = 'node.kubernetes.io/not-ready';

const nodeRules: KindRules = {
  prepareForCreate: (object) => {
    const spec = ensureObject(object, 'spec');
    const taints = objectsAt(spec, 'taints');
    if (taints.some((taint) => taint.key === notReadyTaint)) return;
    spec.taints = [...taints, { key: notReadyTaint, effect: 'NoSchedule' }];
  },
  prepareForUpdate: (object, old) => {
    if (old.status !== undefined) object.status = copyValue(old.status);
  },
  selectableFields: (object) => ({
    'spec.unschedulable': String(objectAt(object, 'spec')?.unschedulable === true),
  }),
};

/** Rules by resource. */
export const coreRules: Readonly<Record<string, KindRules>> = {
  namespaces: namespaceRules,
  secrets: secretRules,
  configmaps: configMapRules,
  events: eventRules,
  nodes: nodeRules,
};
