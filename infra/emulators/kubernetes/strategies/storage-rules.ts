/** Rules of volumes, claims and classes. @see pkg/apis/{core,storage}/validation, v1.34 */
import {
  type FieldError,
  forbiddenField,
  invalidField,
  requiredField,
  unsupportedValue,
} from '../field-error.ts';
import {
  deepEqual,
  ensureObject,
  type JsonObject,
  objectAt,
  textAt,
  textsAt,
} from '../json-tree.ts';
import { compareQuantities } from '../schema/scalars.ts';
import type { KindRules } from './strategy-table.ts';

const modes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

function validateModes(spec: JsonObject, at: string): FieldError[] {
  return textsAt(spec, 'accessModes')
    .filter((mode) => !modes.includes(mode))
    .map((mode) => unsupportedValue(at, mode, modes));
}

function validateClaim(object: JsonObject): FieldError[] {
  const spec = objectAt(object, 'spec') ?? {};
  const wrong: FieldError[] = [];
  if (textsAt(spec, 'accessModes').length === 0) {
    wrong.push(requiredField('spec.accessModes', 'at least 1 access mode is required'));
  }
  wrong.push(...validateModes(spec, 'spec.accessModes'));
  const size = textAt(spec, 'resources', 'requests', 'storage');
  if (size === '') wrong.push(requiredField('spec.resources[storage]'));
  else if (compareQuantities(size, '0') <= 0) {
    wrong.push(invalidField('spec.resources[storage]', size, 'must be greater than zero'));
  }
  return wrong;
}

const dataSourceKinds = new Set([
  '/PersistentVolumeClaim',
  'snapshot.storage.k8s.io/VolumeSnapshot',
]);

/**
 * Each of `dataSource` and `dataSourceRef` is filled in from the other; a source of another kind
 * is silently dropped where only the older field names it. @see pkg/api/persistentvolumeclaim
 */
function normaliseDataSources(spec: JsonObject, before: JsonObject = {}): void {
  const hadSource = before.dataSource !== undefined || before.dataSourceRef !== undefined;
  const source = objectAt(spec, 'dataSource');
  const reference = objectAt(spec, 'dataSourceRef');
  if (reference !== undefined) {
    if (source !== undefined || textAt(reference, 'namespace') !== '') return;
    const { namespace: _namespace, ...local } = reference;
    spec.dataSource = local;
  } else if (source !== undefined) {
    const kind = `${textAt(source, 'apiGroup')}/${textAt(source, 'kind')}`;
    if (hadSource || dataSourceKinds.has(kind)) spec.dataSourceRef = { ...source };
    else delete spec.dataSource;
  }
}

const claimFixed =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for ' +
  'bound claims';

function validateClaimUpdate(object: JsonObject, old: JsonObject): FieldError[] {
  const [spec, before] = [objectAt(object, 'spec') ?? {}, objectAt(old, 'spec') ?? {}];
  const bound = textAt(old, 'status', 'phase') === 'Bound';
  const comparable = { ...spec };
  // Binding is a write of volumeName into a claim that has none.
  if (textAt(before, 'volumeName') === '') {
    if (before.volumeName === undefined) delete comparable.volumeName;
    else comparable.volumeName = before.volumeName;
  }
  if (bound) {
    comparable.resources = before.resources;
    if (before.volumeAttributesClassName === undefined) delete comparable.volumeAttributesClassName;
    else comparable.volumeAttributesClassName = before.volumeAttributesClassName;
  }
  if (before.storageClassName === undefined) delete comparable.storageClassName;
  const wrong: FieldError[] = [];
  if (!deepEqual(comparable, before)) wrong.push(forbiddenField('spec', claimFixed));
  const size = textAt(spec, 'resources', 'requests', 'storage');
  const was = textAt(before, 'resources', 'requests', 'storage');
  if (bound && compareQuantities(size, was) < 0) {
    const capacity = textAt(old, 'status', 'capacity', 'storage');
    if (compareQuantities(size, capacity) < 0) {
      const why = 'field can not be less than status.capacity';
      wrong.push(forbiddenField('spec.resources.requests.storage', why));
    }
  }
  return wrong;
}

/** Fields of a PersistentVolume's spec that are not its source. */
const plainVolumeFields = new Set([
  'capacity',
  'accessModes',
  'claimRef',
  'persistentVolumeReclaimPolicy',
  'storageClassName',
  'mountOptions',
  'volumeMode',
  'nodeAffinity',
  'volumeAttributesClassName',
]);

function sourceOf(spec: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(spec).filter(([key]) => !plainVolumeFields.has(key)));
}

function validateVolume(object: JsonObject): FieldError[] {
  const spec = objectAt(object, 'spec') ?? {};
  const wrong: FieldError[] = [];
  if (textsAt(spec, 'accessModes').length === 0) wrong.push(requiredField('spec.accessModes'));
  wrong.push(...validateModes(spec, 'spec.accessModes'));
  const capacity = objectAt(spec, 'capacity');
  if (capacity === undefined || Object.keys(capacity).length === 0) {
    wrong.push(requiredField('spec.capacity'));
  }
  if (capacity?.storage === undefined) {
    wrong.push(unsupportedValue('spec.capacity', capacity ?? null, ['storage']));
  }
  const sources = Object.keys(sourceOf(spec));
  if (sources.length === 0) wrong.push(requiredField('spec', 'must specify a volume type'));
  const [, ...others] = sources;
  for (const other of others) {
    wrong.push(forbiddenField(`spec.${other}`, 'may not specify more than 1 volume type'));
  }
  if (sources[0] === 'csi') {
    for (const field of ['driver', 'volumeHandle']) {
      if (textAt(spec, 'csi', field) === '') wrong.push(requiredField(`spec.csi.${field}`));
    }
  }
  return wrong;
}

function validateVolumeUpdate(object: JsonObject, old: JsonObject): FieldError[] {
  const [spec, before] = [objectAt(object, 'spec') ?? {}, objectAt(old, 'spec') ?? {}];
  const wrong = validateVolume(object);
  if (!deepEqual(sourceOf(spec), sourceOf(before))) {
    const why = 'spec.persistentvolumesource is immutable after creation';
    wrong.push(forbiddenField('spec.persistentvolumesource', why));
  }
  if (!deepEqual(spec.volumeMode, before.volumeMode)) {
    wrong.push(invalidField('spec.volumeMode', spec.volumeMode, 'field is immutable'));
  }
  if (before.nodeAffinity !== undefined && !deepEqual(spec.nodeAffinity, before.nodeAffinity)) {
    wrong.push(invalidField('spec.nodeAffinity', spec.nodeAffinity, 'field is immutable'));
  }
  return wrong;
}

const classRules: KindRules = {
  validate: (object) => {
    return textAt(object, 'provisioner') === '' ? [requiredField('provisioner')] : [];
  },
  validateUpdate: (object, old) => {
    const wrong: FieldError[] = [];
    for (const field of ['parameters', 'provisioner', 'reclaimPolicy']) {
      if (!deepEqual(object[field], old[field])) {
        wrong.push(forbiddenField(field, `updates to ${field} are forbidden.`));
      }
    }
    if (!deepEqual(object.volumeBindingMode, old.volumeBindingMode)) {
      const mode = object.volumeBindingMode;
      wrong.push(invalidField('volumeBindingMode', mode, 'field is immutable'));
    }
    return wrong;
  },
};

/** Rules by resource. */
export const storageRules: Readonly<Record<string, KindRules>> = {
  persistentvolumeclaims: {
    prepareForCreate: (object) => {
      object.status = { phase: 'Pending' };
      normaliseDataSources(ensureObject(object, 'spec'));
    },
    prepareForUpdate: (object, old) => {
      normaliseDataSources(ensureObject(object, 'spec'), objectAt(old, 'spec'));
    },
    validate: validateClaim,
    validateUpdate: validateClaimUpdate,
  },
  persistentvolumes: {
    prepareForCreate: (object) => {
      const lastPhaseTransitionTime = textAt(object, 'metadata', 'creationTimestamp');
      object.status = { phase: 'Pending', lastPhaseTransitionTime };
    },
    validate: validateVolume,
    validateUpdate: validateVolumeUpdate,
  },
  'storageclasses.storage.k8s.io': classRules,
};
