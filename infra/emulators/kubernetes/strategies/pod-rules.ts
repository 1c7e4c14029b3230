/** Rules of pods. @see pkg/registry/core/pod/strategy.go, v1.34 */
import { type FieldError, forbiddenField } from '../field-error.ts';
import {
  copyObject,
  deepEqual,
  type JsonObject,
  listAt,
  objectAt,
  objectsAt,
  textAt,
} from '../json-tree.ts';
import { qosClassOf, validatePodSpec } from '../validation/pod-spec.ts';
import { readAppArmorAnnotations } from './app-armor.ts';
import type { KindRules } from './strategy-table.ts';

const mayChange =
  'pod updates may not change fields other than `spec.containers[*].image`,' +
  '`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions ' +
  'to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it ' +
  'was previously negative)';

/** The spec with everything that an update may change made equal to `old`. */
function withoutChangeable(spec: JsonObject, old: JsonObject): JsonObject {
  const rest = copyObject(spec);
  for (const field of ['containers', 'initContainers']) {
    const before = objectsAt(old, field);
    objectsAt(rest, field).forEach((container, index) => {
      container.image = before[index]?.image;
    });
  }
  for (const field of ['activeDeadlineSeconds', 'schedulingGates']) {
    if (old[field] === undefined) delete rest[field];
    else rest[field] = old[field];
  }
  const tolerations = listAt(rest, 'tolerations');
  const kept = listAt(old, 'tolerations').every((o) => tolerations.some((t) => deepEqual(t, o)));
  if (kept) rest.tolerations = old.tolerations;
  if (rest.tolerations === undefined) delete rest.tolerations;
  return rest;
}

function validateUpdate(object: JsonObject, old: JsonObject): FieldError[] {
  const [spec, before] = [objectAt(object, 'spec') ?? {}, objectAt(old, 'spec') ?? {}];
  if (deepEqual(withoutChangeable(spec, before), before)) return validatePodSpec(spec, 'spec');
  return [forbiddenField('spec', mayChange)];
}

const podRules: KindRules = {
  prepareForCreate: (object, warn) => {
    readAppArmorAnnotations(object, warn);
    object.status = { phase: 'Pending', qosClass: qosClassOf(objectAt(object, 'spec') ?? {}) };
  },
  validate: (object) => validatePodSpec(objectAt(object, 'spec') ?? {}, 'spec'),
  validateUpdate,
  selectableFields: (object) => ({
    'spec.nodeName': textAt(object, 'spec', 'nodeName'),
    'spec.restartPolicy': textAt(object, 'spec', 'restartPolicy'),
    'spec.schedulerName': textAt(object, 'spec', 'schedulerName'),
    'spec.serviceAccountName': textAt(object, 'spec', 'serviceAccountName'),
    'spec.hostNetwork': String(objectAt(object, 'spec')?.hostNetwork === true),
    'status.phase': textAt(object, 'status', 'phase'),
    'status.podIP': textAt(object, 'status', 'podIP'),
    'status.nominatedNodeName': textAt(object, 'status', 'nominatedNodeName'),
  }),
};

/** Rules by resource. */
export const podKindRules: Readonly<Record<string, KindRules>> = { pods: podRules };
