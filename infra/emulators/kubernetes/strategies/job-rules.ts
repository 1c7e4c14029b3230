/** Rules of Jobs and CronJobs, and the selector that the server makes for a Job. */
import { type FieldError, invalidField, requiredField } from '../field-error.ts';
import {
  deepEqual,
  ensureObject,
  type JsonObject,
  numberAt,
  objectAt,
  setDefault,
  textAt,
} from '../json-tree.ts';
import { matchesLabelSelector } from '../read/label-selector.ts';
import { validatePodTemplate } from '../validation/pod-spec.ts';
import type { KindRules } from './strategy-table.ts';
import { validateCounts } from './workload-rules.ts';

const uidLabel = 'batch.kubernetes.io/controller-uid';
const nameLabel = 'batch.kubernetes.io/job-name';
const legacyUidLabel = 'controller-uid';
const legacyNameLabel = 'job-name';

/** The selector by the Job's UID, and the labels that go with it. */
function generateSelector(object: JsonObject): void {
  const spec = ensureObject(object, 'spec');
  if (spec.manualSelector === true) return;
  const uid = textAt(object, 'metadata', 'uid');
  const name = textAt(object, 'metadata', 'name');
  const template = ensureObject(spec, 'template');
  const labels = ensureObject(ensureObject(template, 'metadata'), 'labels');
  const own = {
    [uidLabel]: uid,
    [nameLabel]: name,
    [legacyUidLabel]: uid,
    [legacyNameLabel]: name,
  };
  for (const [key, value] of Object.entries(own)) setDefault(labels, key, value);
  const matchLabels = ensureObject(ensureObject(spec, 'selector'), 'matchLabels');
  setDefault(matchLabels, uidLabel, uid);
  const metadata = ensureObject(object, 'metadata');
  // Labels of the Job that were taken from its template grow with it.
  const jobLabels = objectAt(metadata, 'labels');
  if (isSubset(jobLabels ?? {}, labels)) metadata.labels = { ...labels };
}

function isSubset(part: JsonObject, whole: JsonObject): boolean {
  return Object.entries(part).every(([key, value]) => whole[key] === value);
}

function validateGeneratedSelector(object: JsonObject): FieldError[] {
  const spec = objectAt(object, 'spec') ?? {};
  if (spec.manualSelector === true) return [];
  const uid = textAt(object, 'metadata', 'uid');
  const name = textAt(object, 'metadata', 'name');
  const labels = objectAt(spec, 'template', 'metadata', 'labels') ?? {};
  const wrong: FieldError[] = [];
  const expected = [
    [uidLabel, uid],
    [legacyUidLabel, uid],
    [nameLabel, name],
    [legacyNameLabel, name],
  ] as const;
  for (const [key, value] of expected) {
    if (labels[key] === value) continue;
    wrong.push(invalidField(`spec.template.metadata.labels[${key}]`, labels, `must be '${value}'`));
  }
  const matchLabels = objectAt(spec, 'selector', 'matchLabels') ?? {};
  if (!deepEqual(matchLabels, { [uidLabel]: uid })) {
    wrong.push(invalidField('spec.selector', spec.selector, '`selector` not auto-generated'));
  }
  return wrong;
}

function validateRestart(spec: JsonObject, at: string): FieldError[] {
  const field = `${at}.template.spec.restartPolicy`;
  const policy = textAt(spec, 'template', 'spec', 'restartPolicy');
  if (policy === 'OnFailure' || policy === 'Never') return [];
  return [requiredField(field, 'valid values: "OnFailure", "Never"')];
}

function validateJobSpec(spec: JsonObject, at: string): FieldError[] {
  const counts = ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit'];
  return [
    ...validateCounts(spec, [...counts, 'ttlSecondsAfterFinished'], at),
    ...validatePodTemplate(spec.template, `${at}.template`),
    ...validateRestart(spec, at),
  ];
}

function validateJob(object: JsonObject): FieldError[] {
  const spec = objectAt(object, 'spec') ?? {};
  return [...validateGeneratedSelector(object), ...validateJobSpec(spec, 'spec')];
}

/** A suspended Job that never started may still change how its pods are placed. */
function isStarted(old: JsonObject): boolean {
  return objectAt(old, 'spec')?.suspend !== true || textAt(old, 'status', 'startTime') !== '';
}

function withoutPlacement(template: unknown): unknown {
  const value = { template };
  const spec = { ...objectAt(value, 'template', 'spec') };
  for (const field of ['nodeSelector', 'affinity', 'tolerations', 'schedulingGates'])
    delete spec[field];
  return spec;
}

function validateJobUpdate(object: JsonObject, old: JsonObject): FieldError[] {
  const [spec, before] = [objectAt(object, 'spec') ?? {}, objectAt(old, 'spec') ?? {}];
  const wrong: FieldError[] = [];
  const immutable = 'field is immutable';
  const indexed = spec.completionMode === 'Indexed';
  if (!indexed && !deepEqual(spec.completions, before.completions)) {
    wrong.push(invalidField('spec.completions', numberAt(spec, 'completions'), immutable));
  }
  const selectorMatches = matchesLabelSelector(
    objectAt(spec, 'selector'),
    objectAt(spec, 'template', 'metadata', 'labels') ?? {},
  );
  wrong.unshift(...validateGeneratedSelector(object));
  if (!selectorMatches) {
    const labels = objectAt(spec, 'template', 'metadata', 'labels');
    const why = '`selector` does not match template `labels`';
    wrong.push(invalidField('spec.template.metadata.labels', labels, why));
    wrong.push(invalidField('spec.template.metadata.labels', labels, why));
  }
  for (const field of ['selector', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex']) {
    if (!deepEqual(spec[field], before[field])) {
      wrong.push(invalidField(`spec.${field}`, spec[field], immutable));
    }
  }
  const templateChanged = isStarted(old)
    ? !deepEqual(spec.template, before.template)
    : !deepEqual(withoutPlacement(spec.template), withoutPlacement(before.template));
  if (templateChanged) wrong.push(invalidField('spec.template', spec.template, immutable));
  return [...wrong, ...validateJobSpec(spec, 'spec')];
}

function validateSchedule(spec: JsonObject): FieldError[] {
  const schedule = textAt(spec, 'schedule');
  if (schedule === '') return [requiredField('spec.schedule')];
  if (schedule.startsWith('@')) return [];
  const fields = schedule.split(/\s+/).filter((field) => field !== '');
  if (fields.length === 5) return [];
  const why = `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  return [invalidField('spec.schedule', schedule, why)];
}

/** Longest name of a CronJob: its Jobs add eleven characters. */
const cronJobNameMax = 52;

function validateCronJob(object: JsonObject): FieldError[] {
  const spec = objectAt(object, 'spec') ?? {};
  const template = objectAt(spec, 'jobTemplate', 'spec') ?? {};
  const name = textAt(object, 'metadata', 'name');
  const wrong = [...validateSchedule(spec), ...validateJobSpec(template, 'spec.jobTemplate.spec')];
  if (name.length > cronJobNameMax) {
    wrong.push(invalidField('metadata.name', name, 'must be no more than 52 characters'));
  }
  return wrong;
}

/** Rules by resource. */
export const jobRules: Readonly<Record<string, KindRules>> = {
  'jobs.batch': {
    prepareForCreate: generateSelector,
    validate: validateJob,
    validateUpdate: validateJobUpdate,
    selectableFields: (object) => ({
      'status.successful': String(numberAt(object, 'status', 'succeeded') ?? 0),
    }),
  },
  'cronjobs.batch': { validate: validateCronJob, validateUpdate: validateCronJob },
};
