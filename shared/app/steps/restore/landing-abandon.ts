/**
 * What a restore that is given up takes back of its landings: jobs, pods, and claims whose files did not
 * come, on which nothing must start. May be interrupted and done again: what is gone counts as removed.
 */
import { BackupCentreError } from '../../../domain/errors.ts';
import type { Finding } from '../../../domain/finding.ts';
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import type { VolumeBackup } from '../../../domain/volume-backup.ts';
import type { RestoreServices } from '../../restore-services.ts';
import type { StepContext } from '../../step.ts';
import { withFindings } from '../backup/record-findings.ts';
import { isSettled } from '../backup/volume-rows.ts';
import { landingCluster, requestFor } from './land-files.ts';
import { targetKey } from './landing-end.ts';
import { leftVolume, removeClaim, volumeThatStays } from './landing-leftovers.ts';
import type { LandingPlan } from './landing-plan.ts';
import { removeLandingPod } from './landing-pod.ts';
import { landingTarget } from './landing-target.ts';
import { PLAN_STEP, planOf } from './restore-plan.ts';
import { CREATE_STEP, RestoreSession } from './restore-session.ts';
import { RestoreState } from './restore-state.ts';
import { withChangedRows } from './restored-rows.ts';

/** What names volumes that stay: of their own, as the record's end sets those of giving up anew. */
const LEFT_STEP = 'landings';

/** Takes back what has not landed; a warning for what could not be. */
export async function abandonLandings(
  services: RestoreServices,
  context: StepContext<RestoreRecord>,
): Promise<readonly Finding[]> {
  const isPlanned = context.results[PLAN_STEP] !== undefined;
  const isOver = context.results[CREATE_STEP] !== undefined || context.record().spec.dryRun;
  if (!isPlanned || isOver || planOf(context).landings === 0) return [];
  try {
    const session = await RestoreSession.open(services, context);
    const count = await context.scratch.count('items');
    const state = await RestoreState.replay(context.scratch, count);
    const open = session.landings.plans.filter(({ place, pvc }) => !state.claim(place, pvc));
    for (const plan of open) await cancelJob(session, plan);
    const cluster = landingCluster(session);
    for (const plan of session.landings.plans) await removeLandingPod(cluster, plan);
    await nameLeftVolumes(session, context, open);
    for (const plan of open) await removeClaim(session, plan);
    await endRows(context, open);
    return [];
  } catch (error) {
    if (!(error instanceof BackupCentreError)) throw error;
    return [cannotTakeBack(context, error)];
  }
}

/** Written down before their claims are removed; what an earlier attempt has named stays named. */
async function nameLeftVolumes(
  session: RestoreSession,
  context: StepContext<RestoreRecord>,
  open: readonly LandingPlan[],
): Promise<void> {
  const found: Finding[] = [];
  for (const plan of open) {
    const volume = await volumeThatStays(session, plan);
    if (volume !== undefined) found.push(leftVolume(plan, volume, LEFT_STEP));
  }
  if (found.length === 0) return;
  const names = new Set(found.map(({ object }) => object?.name));
  await context.updateRecord((record) => {
    const before = record.warnings.filter(
      ({ step, object }) => step === LEFT_STEP && !names.has(object?.name),
    );
    return withFindings(record, LEFT_STEP, { warnings: [...before, ...found] });
  });
}

/** The job may have been started by a worker that was killed before it could write that down. */
async function cancelJob(session: RestoreSession, plan: LandingPlan): Promise<void> {
  const { landings, services } = session;
  const { begunMs } = landings;
  if (begunMs === undefined) return;
  const { region, hbrVaultId = '' } = plan.source;
  const id = landings.progressOf(plan)?.job?.id ?? (await findJob(session, plan, begunMs));
  if (id !== undefined) await services.cloudBackup.cancelRestore(region, hbrVaultId, id);
}

async function findJob(
  session: RestoreSession,
  plan: LandingPlan,
  begunMs: number,
): Promise<string | undefined> {
  const target = await landingTarget(landingCluster(session), plan, []);
  if (target.kind !== 'there') return undefined;
  const { cloudBackup } = session.services;
  return (await cloudBackup.findRestore(requestFor(plan, target.files), begunMs))?.id;
}

async function endRows(
  context: StepContext<RestoreRecord>,
  open: readonly LandingPlan[],
): Promise<void> {
  const keys = new Set(open.map(targetKey));
  const reason = 'cancelled: the restore ended before its files had come, the claim was removed';
  const change = (row: VolumeBackup): Partial<VolumeBackup> | undefined =>
    keys.has(`${row.namespace}/${row.pvc}`) && !isSettled(row)
      ? { phase: 'Failed', reason }
      : undefined;
  await context.updateRecord((record) => withChangedRows(record, change));
}

function cannotTakeBack(context: StepContext<RestoreRecord>, error: BackupCentreError): Finding {
  return {
    code: error.code,
    step: 'abandon',
    message: `Cannot remove from cluster ${context.record().cluster} what waits for files of Cloud Backup: ${error.message}`,
    hint: `Remove claims that this restore created and that are empty, and pods named bc-landing-*`,
  };
}
