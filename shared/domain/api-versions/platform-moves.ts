/** Moves of workloads, jobs, budgets, access rules, webhooks and cluster configuration. */
import { type JsonObject, objectAt, objectsAt } from '../json.ts';
import { defaulted, dropped, type FieldMove, renamed, rewritten } from './field-moves.ts';

/** apps/v1 demands the selector that earlier versions took from the template's labels. */
const SELECTOR = rewritten(['spec.selector'], (object) => {
  const spec = objectAt(object, 'spec');
  const labels = objectAt(spec, 'template', 'metadata', 'labels');
  if (spec === undefined || spec.selector !== undefined || labels === undefined) return [];
  spec.selector = { matchLabels: { ...labels } };
  return ['spec.selector: the labels of the template, as it was meant'];
});

/** Moves of every workload. */
export const WORKLOAD: readonly FieldMove[] = [SELECTOR];

/** Moves of a Deployment. */
export const DEPLOYMENT: readonly FieldMove[] = [
  SELECTOR,
  dropped('spec.rollbackTo', 'apps/v1 does not roll back by a field'),
];

/** Moves of a DaemonSet of extensions/v1beta1, which waited for its pods to be deleted by hand. */
export const OLD_DAEMON_SET: readonly FieldMove[] = [
  SELECTOR,
  dropped('spec.templateGeneration', 'apps/v1 keeps revisions instead'),
  defaulted('spec.updateStrategy', { type: 'OnDelete' }),
];

/** Moves of a DaemonSet of apps/v1beta2. */
export const DAEMON_SET: readonly FieldMove[] = OLD_DAEMON_SET.slice(0, 2);

/** Moves of a StatefulSet of apps/v1beta1, likewise. */
export const OLD_STATEFUL_SET: readonly FieldMove[] = [
  SELECTOR,
  defaulted('spec.updateStrategy', { type: 'OnDelete' }),
];

/** v1 refuses a time zone inside the schedule, where the library of v1beta1 read one. */
export const CRON_JOB: readonly FieldMove[] = [
  rewritten(['spec.schedule', 'spec.timeZone'], (object) => {
    const spec = objectAt(object, 'spec');
    const schedule = spec?.schedule;
    const found =
      typeof schedule === 'string' ? /^(?:CRON_)?TZ=(\S+)\s+(.*)$/.exec(schedule) : null;
    if (spec === undefined || found === null) return [];
    spec.timeZone ??= found[1];
    spec.schedule = found[2];
    return [`spec.timeZone: ${String(spec.timeZone)}, out of the schedule`];
  }),
];

/** An empty selector chose no pod in v1beta1 and chooses all in v1; none at all chooses none. */
export const BUDGET: readonly FieldMove[] = [
  rewritten(['spec.selector'], (object) => {
    const spec = objectAt(object, 'spec');
    const selector = objectAt(spec, 'selector');
    if (spec === undefined || selector === undefined) return [];
    const empty = Object.values(selector).every(
      (part) => part === null || (typeof part === 'object' && Object.keys(part).length === 0),
    );
    if (!empty) return [];
    delete spec.selector;
    return ['spec.selector: dropped, empty meant no pod and would mean every pod'];
  }),
];

/** v1beta3 and v1 call the shares of a priority level by another name. */
export const PRIORITY_LEVEL: readonly FieldMove[] = [
  renamed('spec.limited.assuredConcurrencyShares', 'nominalConcurrencyShares'),
];

const RBAC = 'rbac.authorization.k8s.io';

/** v1alpha1 named the version of a subject, not its group, and knew a user `*`. */
export const BINDING: readonly FieldMove[] = [
  rewritten(['subjects'], (binding) => {
    const changes: string[] = [];
    for (const subject of objectsAt(binding, 'subjects')) {
      const old = subject.apiVersion;
      delete subject.apiVersion;
      if (old !== undefined) changes.push('subjects[].apiVersion: now apiGroup');
      if (subject.kind === 'User' && subject.name === '*' && old !== undefined) {
        Object.assign(subject, { kind: 'Group', name: 'system:authenticated' });
      }
      if (subject.kind !== 'ServiceAccount') subject.apiGroup ??= RBAC;
    }
    return changes.slice(0, 1);
  }),
  defaulted('roleRef.apiGroup', RBAC),
];

/** v1 has other defaults than v1beta1, and takes a webhook's word on side effects only. */
export const WEBHOOKS: readonly FieldMove[] = [
  defaulted('webhooks[].failurePolicy', 'Ignore'),
  defaulted('webhooks[].matchPolicy', 'Exact'),
  defaulted('webhooks[].timeoutSeconds', 30),
  defaulted('webhooks[].admissionReviewVersions', ['v1beta1']),
  rewritten(['webhooks[].sideEffects'], (configuration) => {
    const changes: string[] = [];
    for (const webhook of objectsAt(configuration, 'webhooks')) {
      const { sideEffects: said = 'Unknown' } = webhook;
      if (said === 'None' || said === 'NoneOnDryRun') continue;
      webhook.sideEffects = 'None';
      changes.push(
        `sideEffects of ${String(webhook.name)}: ${String(said)} -> None, v1 knows no other`,
      );
    }
    return changes;
  }),
];

/** v1alpha1 kept the fields of a runtime class in a spec. */
export const RUNTIME_CLASS: readonly FieldMove[] = [
  rewritten(['spec', 'handler', 'overhead', 'scheduling'], (object: JsonObject) => {
    const spec = objectAt(object, 'spec');
    if (spec === undefined) return [];
    const { runtimeHandler: handler, ...rest } = spec;
    delete object.spec;
    Object.assign(object, { handler }, rest);
    return ['spec.runtimeHandler: now handler'];
  }),
];
