/** Rules of `metadata`. @see k8s.io/apimachinery/pkg/api/validation/objectmeta.go, v0.34 */
import { type FieldError, forbiddenField, invalidField, requiredField } from '../field-error.ts';
import {
  deepEqual,
  type JsonObject,
  objectAt,
  objectsAt,
  textAt,
  textMapAt,
  textsAt,
} from '../json-tree.ts';
import type { NameRule } from '../resources/served-resource.ts';
import { qualifiedName, validLabelValue } from './names.ts';

/** All annotations together. @see TotalAnnotationSizeLimitB */
const annotationBytesMax = 262_144;

/** Labels of an object or of a pod template. */
export function validateLabels(labels: Readonly<Record<string, string>>, at: string): FieldError[] {
  const wrong: FieldError[] = [];
  for (const [key, value] of Object.entries(labels)) {
    for (const why of qualifiedName(key)) wrong.push(invalidField(at, key, why));
    for (const why of validLabelValue(value)) wrong.push(invalidField(at, value, why));
  }
  return wrong;
}

function validateAnnotations(annotations: Readonly<Record<string, string>>): FieldError[] {
  const at = 'metadata.annotations';
  const wrong: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    for (const why of qualifiedName(key.toLowerCase())) wrong.push(invalidField(at, key, why));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > annotationBytesMax) {
    wrong.push({
      reason: 'FieldValueTooLong',
      field: at,
      message: `Too long: may not be more than ${annotationBytesMax} bytes`,
    });
  }
  return wrong;
}

function validateOwnerReferences(metadata: JsonObject): FieldError[] {
  const wrong: FieldError[] = [];
  const owners = objectsAt(metadata, 'ownerReferences');
  const at = 'metadata.ownerReferences';
  for (const owner of owners) {
    const version = textAt(owner, 'apiVersion');
    if (version === '') {
      wrong.push(invalidField(`${at}.apiVersion`, version, 'version must not be empty'));
    }
    for (const field of ['kind', 'name', 'uid']) {
      if (textAt(owner, field) === '') {
        wrong.push(invalidField(`${at}.${field}`, '', 'must not be empty'));
      }
    }
  }
  const controllers = owners.filter((owner) => owner.controller === true);
  const [first, second] = controllers;
  if (first !== undefined && second !== undefined) {
    wrong.push(
      invalidField(
        at,
        owners,
        `Only one reference can have Controller set to true. Found "true" in references for ` +
          `${textAt(first, 'kind')}/${textAt(first, 'name')} and ` +
          `${textAt(second, 'kind')}/${textAt(second, 'name')}`,
      ),
    );
  }
  return wrong;
}

const standardFinalizers = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

function validateFinalizers(metadata: JsonObject): FieldError[] {
  const finalizers = textsAt(metadata, 'finalizers');
  const wrong: FieldError[] = [];
  for (const [index, finalizer] of finalizers.entries()) {
    const at = `metadata.finalizers[${index}]`;
    for (const why of qualifiedName(finalizer)) wrong.push(invalidField(at, finalizer, why));
    if (!finalizer.includes('/') && !standardFinalizers.has(finalizer)) {
      const why = 'name is neither a standard finalizer name nor is it fully qualified';
      wrong.push(invalidField(at, finalizer, why));
    }
  }
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    const why = 'finalizer orphan and foregroundDeletion cannot be both set';
    wrong.push(invalidField('metadata.finalizers', finalizers, why));
  }
  return wrong;
}

/** Rules of the metadata of any object. */
export function validateObjectMeta(
  object: JsonObject,
  checkName: NameRule,
  fromClient: { readonly namespaced: boolean },
): FieldError[] {
  const metadata = objectAt(object, 'metadata') ?? {};
  const wrong: FieldError[] = [];
  const generateName = textAt(metadata, 'generateName');
  if (generateName !== '') {
    for (const why of checkName(generateName, true)) {
      wrong.push(invalidField('metadata.generateName', generateName, why));
    }
  }
  const name = textAt(metadata, 'name');
  if (name === '') wrong.push(requiredField('metadata.name', 'name or generateName is required'));
  else
    for (const why of checkName(name, false)) wrong.push(invalidField('metadata.name', name, why));
  if (!fromClient.namespaced && textAt(metadata, 'namespace') !== '') {
    wrong.push(forbiddenField('metadata.namespace', 'not allowed on this type'));
  }
  wrong.push(...validateLabels(textMapAt(metadata, 'labels'), 'metadata.labels'));
  wrong.push(...validateAnnotations(textMapAt(metadata, 'annotations')));
  wrong.push(...validateOwnerReferences(metadata));
  wrong.push(...validateFinalizers(metadata));
  return wrong;
}

const immutable = 'field is immutable';

/** What of the metadata an update may not change. */
export function validateObjectMetaUpdate(object: JsonObject, old: JsonObject): FieldError[] {
  const wrong: FieldError[] = [];
  for (const field of ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp']) {
    const next = textAt(object, 'metadata', field);
    if (next !== textAt(old, 'metadata', field)) {
      wrong.push(invalidField(`metadata.${field}`, next, immutable));
    }
  }
  const grace = (o: JsonObject): unknown => objectAt(o, 'metadata')?.deletionGracePeriodSeconds;
  if (!deepEqual(grace(object), grace(old))) {
    wrong.push(invalidField('metadata.deletionGracePeriodSeconds', grace(object), immutable));
  }
  if (textAt(old, 'metadata', 'deletionTimestamp') !== '') {
    const before = new Set(textsAt(old, 'metadata', 'finalizers'));
    const added = textsAt(object, 'metadata', 'finalizers').filter((f) => !before.has(f));
    if (added.length > 0) {
      const shown = `[]string{${added.map((f) => JSON.stringify(f)).join(', ')}}`;
      wrong.push(
        forbiddenField(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`,
        ),
      );
    }
  }
  return wrong;
}
