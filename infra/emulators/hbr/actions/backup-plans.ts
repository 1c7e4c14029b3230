import { badRequest, resourceNotFound } from '../errors.ts';
import { RecordFilter } from '../filters.ts';
import { addBackupJob, type HbrCore, unfinishedJobOf } from '../hbr-core.ts';
import { newId } from '../ids.ts';
import { PLAN_PATHS_MAX } from '../limits.ts';
import { type CallParameters, pageFields, pageOf } from '../parameters.ts';
import type { JobSource, PlanRecord } from '../records.ts';
import { nextTime } from '../schedule.ts';
import { planFields } from '../wire.ts';
import { type HbrAction, type HbrCall, pathRules, textList, usableVault } from './action.ts';

/** Plans of NAS file systems and OSS buckets. */
export const createBackupPlan: HbrAction = (core, call) => {
  const { parameters, accountId } = call;
  const sourceType = parameters.required('SourceType');
  const name = parameters.name('PlanName');
  parameters.required('BackupType');
  parameters.oneOf('BackupType', ['COMPLETE'], '');
  const schedule = parameters.required('Schedule');
  const vault = usableVault(core, call);
  const source = planSource(core, parameters, sourceType);
  checkPlanName(core, { accountId, vaultId: vault.id, type: source.type, name });
  const retentionDays = parameters.integer('Retention', 1);
  const now = core.now();
  const plan: PlanRecord = {
    id: newId('plan'),
    ruleId: newId('rule'),
    accountId,
    vaultId: vault.id,
    name,
    schedule,
    keepLatest: parameters.integer('KeepLatestSnapshots', 0, 1) === 1,
    disabled: parameters.flag('Disabled') ?? false,
    source,
    rules: pathRules(call),
    createdAtMs: now,
    updatedAtMs: now,
    dueAtMs: nextTime(schedule, now),
    ...(retentionDays === undefined ? {} : { retentionDays }),
  };
  core.state.plans.put(plan);
  return { PlanId: plan.id };
};

/** The file system, bucket and vault of a plan stay; paths change only with UpdatePaths. */
export const updateBackupPlan: HbrAction = (core, call) => {
  const { parameters } = call;
  const plan = planOf(core, call);
  const name = parameters.text('PlanName') === undefined ? plan.name : parameters.name('PlanName');
  if (name !== plan.name) checkPlanName(core, { ...plan, type: plan.source.type, name });
  const schedule = parameters.text('Schedule') ?? plan.schedule;
  const retentionDays = parameters.integer('Retention', 1) ?? plan.retentionDays;
  const keepLatest = parameters.integer('KeepLatestSnapshots', 0, 1);
  const now = core.now();
  core.state.plans.put({
    ...plan,
    name,
    schedule,
    dueAtMs: schedule === plan.schedule ? plan.dueAtMs : nextTime(schedule, now),
    source: updatedSource(plan.source, parameters),
    keepLatest: keepLatest === undefined ? plan.keepLatest : keepLatest === 1,
    updatedAtMs: now,
    ...(retentionDays === undefined ? {} : { retentionDays }),
  });
  return {};
};

const planFilter = new RecordFilter<PlanRecord & { readonly region: string }>(
  {
    regionId: (plan) => plan.region,
    planId: (plan) => plan.id,
    sourceType: (plan) => plan.source.type,
    vaultId: (plan) => plan.vaultId,
    instanceName: () => '',
    instanceId: () => '',
    planName: (plan) => plan.name,
  },
  ['IN'],
);

export const describeBackupPlans: HbrAction = (core, { parameters, accountId }) => {
  const page = parameters.page();
  const sourceType = parameters.text('SourceType');
  const own = core.state.plans
    .all()
    .filter((plan) => plan.accountId === accountId)
    .filter((plan) => sourceType === undefined || plan.source.type === sourceType)
    .map((plan) => ({ ...plan, region: core.region }));
  const found = planFilter.matching(own, parameters.filters()).reverse();
  return {
    ...pageFields(found.length, page),
    BackupPlans: { BackupPlan: pageOf(found, page).map((plan) => planFields(core, plan)) },
  };
};

/** Takes the plan's jobs with it; snapshots stay. */
export const deleteBackupPlan: HbrAction = (core, call) => {
  const plan = planOf(core, call);
  const running = unfinishedJobOf(core, plan.id);
  if (running !== undefined && call.parameters.flag('RequireNoRunningJobs') === true) {
    throw badRequest(`Plan ${plan.id} has unfinished job ${running.id}.`);
  }
  for (const job of core.state.jobs.all()) {
    if (job.planId === plan.id) core.state.jobs.remove(job.id);
  }
  core.state.plans.remove(plan.id);
  return {};
};

export const enableBackupPlan: HbrAction = (core, call) => setDisabled(core, call, false);

export const disableBackupPlan: HbrAction = (core, call) => setDisabled(core, call, true);

/** Runs at once, also while the plan is disabled; refused while its last job has not ended. */
export const executeBackupPlan: HbrAction = (core, call) => {
  const plan = planOf(core, call);
  const ruleId = call.parameters.text('RuleId');
  if (ruleId !== undefined && ruleId !== plan.ruleId) throw resourceNotFound(`Rule ${ruleId}`);
  const running = unfinishedJobOf(core, plan.id);
  if (running !== undefined) {
    throw badRequest(`Plan ${plan.id} has unfinished job ${running.id}.`);
  }
  const { retentionDays } = plan;
  const job = addBackupJob(core, {
    accountId: plan.accountId,
    vaultId: plan.vaultId,
    name: plan.name,
    source: plan.source,
    rules: plan.rules,
    planId: plan.id,
    triggerMode: 'MANUAL',
    createdAtMs: core.now(),
    ...(retentionDays === undefined ? {} : { retentionDays }),
  });
  return { JobId: job.id };
};

function setDisabled(core: HbrCore, call: HbrCall, disabled: boolean): Record<string, never> {
  const plan = planOf(core, call);
  const now = core.now();
  const dueAtMs = nextTime(plan.schedule, now);
  core.state.plans.put({ ...plan, disabled, dueAtMs, updatedAtMs: now });
  return {};
}

/** A plan of the caller's account; vault and source type, where given, must be its own. */
function planOf(core: HbrCore, { parameters, accountId }: HbrCall): PlanRecord {
  const planId = parameters.required('PlanId');
  const sourceType = parameters.text('SourceType');
  const plan = core.state.plans.get(planId);
  const isMeant =
    plan?.accountId === accountId &&
    [undefined, plan.vaultId].includes(parameters.text('VaultId')) &&
    (sourceType === undefined || plan.source.type === sourceType);
  if (plan === undefined || !isMeant) throw resourceNotFound(`Plan ${planId}`);
  return plan;
}

function planSource(core: HbrCore, parameters: CallParameters, type: string): JobSource {
  if (type === 'OSS') {
    const prefix = parameters.text('Prefix') ?? '';
    return { type, bucket: parameters.required('Bucket'), prefix };
  }
  if (type !== 'NAS') throw badRequest(`SourceType is ${type}, the emulator has NAS and OSS.`);
  const fileSystemId = parameters.required('FileSystemId');
  const createTime = parameters.integer('CreateTime', 0);
  if (core.places.nas(fileSystemId, createTime) === undefined) {
    throw resourceNotFound(`File system ${fileSystemId}`);
  }
  const paths = pathsOf(parameters) ?? ['/'];
  return { type, fileSystemId, paths, ...(createTime === undefined ? {} : { createTime }) };
}

function updatedSource(source: JobSource, parameters: CallParameters): JobSource {
  if (source.type === 'OSS')
    return { ...source, prefix: parameters.text('Prefix') ?? source.prefix };
  if (source.type !== 'NAS' || parameters.flag('UpdatePaths') !== true) return source;
  return { ...source, paths: pathsOf(parameters) ?? ['/'] };
}

/** `Path.N`, or one JSON array. */
function pathsOf(parameters: CallParameters): string[] | undefined {
  const listed = parameters.list('Path');
  const paths = listed.length > 0 ? listed : textList(parameters.json('Path'), 'Path');
  if (paths.length > PLAN_PATHS_MAX) {
    throw badRequest(`Path has ${paths.length} items, ${PLAN_PATHS_MAX} fit.`);
  }
  const relative = paths.find((path) => !path.startsWith('/'));
  if (relative !== undefined) throw badRequest(`Path ${relative} does not begin with a slash.`);
  return paths.length === 0 ? undefined : paths;
}

/** A name is unique per vault and source type. */
function checkPlanName(
  core: HbrCore,
  plan: { accountId: string; vaultId: string; type: string; name: string },
): void {
  const isTaken = core.state.plans
    .all()
    .some(
      (other) =>
        other.vaultId === plan.vaultId &&
        other.source.type === plan.type &&
        other.name === plan.name,
    );
  if (isTaken) throw badRequest(`PlanName ${plan.name} is used in vault ${plan.vaultId}.`);
}
