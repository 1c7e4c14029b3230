/**
 * Part of the create step, between claims and workloads: files from Cloud Backup into the new volumes.
 * No function runs while jobs do. Running it twice is safe: pods have one name per group of claims, a job
 * is looked for by its point and target before it is started, and a claim is written down as created only
 * once its files are in it. A claim whose files did not come is removed again: nothing must start on an
 * empty volume.
 */
import { BackupCentreError } from '../../../domain/errors.ts';
import type { VolumeBackup } from '../../../domain/volume-backup.ts';
import type { FilesRestore } from '../../../ports/cloud-backup.ts';
import type { StepOutcome } from '../../step.ts';
import {
  changeOf,
  changeOfOther,
  failedLanding,
  findingOf,
  judgeJob,
  type LandingEnd,
  partialWarning,
  targetKey,
} from './landing-end.ts';
import { leftVolume, removeClaim, volumeThatStays } from './landing-leftovers.ts';
import type { LandingPlan } from './landing-plan.ts';
import { type LandingCluster, removeLandingPod } from './landing-pod.ts';
import { landingTarget } from './landing-target.ts';
import type { Landing, LandingProgress } from './landings.ts';
import { CREATE_STEP, type RestoreSession } from './restore-session.ts';
import { withChangedRows } from './restored-rows.ts';

/** Volumes on their way at once; on a node there is one job at a time (ACK §4.6). */
const LANDINGS_AT_ONCE = 20;
/** A volume or a pod that is not there after this long never will be, ms (design §6). */
const VOLUME_MS_MAX = 900_000;
/** A job that cannot be started is tried again for this long, ms. */
const START_MS_MAX = 3_600_000;
const LOOKS_IN_PLACE = 3;
const LOOK_PAUSE_MS = 1_000;
const TIME_LEFT_MS_MIN = 20_000;
const WAKE_MS = 30_000;

/** Lands what waits for its files; an outcome means that the step must wait. */
export async function landFiles(session: RestoreSession): Promise<StepOutcome | undefined> {
  if (session.spec.dryRun || session.landings.plans.length === 0) return undefined;
  return await new FilesLanding(session).run();
}

/** One invocation's work on the landings of a restore. */
class FilesLanding {
  private readonly session: RestoreSession;
  private readonly cluster: LandingCluster & { readonly clusterId: string };

  constructor(session: RestoreSession) {
    this.session = session;
    this.cluster = landingCluster(session);
  }

  async run(): Promise<StepOutcome | undefined> {
    const { session } = this;
    const { landings, context, services } = session;
    await this.noteOthers();
    for (let look = 0; this.open().length > 0; look += 1) {
      await this.begin();
      await this.lookOnce();
      if (this.open().length === 0) break;
      if (look >= LOOKS_IN_PLACE || context.timeLeftMs() < TIME_LEFT_MS_MIN) {
        return await this.wait();
      }
      await services.clock.sleep(LOOK_PAUSE_MS, context.signal);
    }
    if (landings.begunMs === undefined || landings.isOver) return undefined;
    await this.removePods(landings.plans);
    await context.updateRecord((record) => ({ ...record, phase: 'InProgress' }));
    landings.end();
    return undefined;
  }

  private open(): readonly Landing[] {
    return this.session.landings.open();
  }

  /** Saved before any effect, so that jobs are looked for from then on. */
  private async begin(): Promise<void> {
    const { landings, services } = this.session;
    if (landings.begunMs !== undefined) return;
    landings.begin(services.clock.now());
    await this.session.flush();
  }

  /** Claims that this run did not create: those of others are never written to. */
  private async noteOthers(): Promise<void> {
    const { landings, state, context } = this.session;
    const found = new Map<string, Partial<VolumeBackup>>();
    for (const plan of landings.plans) {
      const outcome = state.claim(plan.place, plan.pvc);
      if (outcome === undefined) continue;
      const change = changeOfOther(outcome);
      const row = rowOf(this.session, plan);
      if (change !== undefined && row?.phase === 'Pending') found.set(targetKey(plan), change);
    }
    if (found.size === 0) return;
    await context.updateRecord((record) =>
      withChangedRows(record, (row) => found.get(`${row.namespace}/${row.pvc}`)),
    );
  }

  private async lookOnce(): Promise<void> {
    await this.settle(this.known());
    await this.settle(await this.poll());
    await this.settle(await this.startWhatMay());
    await this.session.flush();
  }

  /** Rows that had ended when an earlier worker was interrupted. */
  private known(): readonly LandingEnd[] {
    return this.open().flatMap((landing): LandingEnd[] => {
      const { phase, reason } = rowOf(this.session, landing.plan) ?? {};
      if (phase !== 'Completed' && phase !== 'PartiallyFailed') return [];
      return [{ landing, phase, reason: phase === 'Completed' ? '' : (reason ?? '') }];
    });
  }

  /** Looks at the jobs that run. */
  private async poll(): Promise<readonly LandingEnd[]> {
    const { landings, services } = this.session;
    const running = this.open().filter(({ plan }) => landings.progressOf(plan)?.job !== undefined);
    const ends: LandingEnd[] = [];
    const shares = new Map<string, number>();
    for (const group of grouped(running, ({ plan }) => jobScope(plan)).values()) {
      const [first] = group;
      if (first === undefined) continue;
      const { region, hbrVaultId = '', files } = first.plan.source;
      const ids = group.flatMap(({ plan }) => landings.progressOf(plan)?.job?.id ?? []);
      const jobs = await services.cloudBackup.describeRestores(region, hbrVaultId, files.way, ids);
      for (const landing of group) {
        const progress = landings.progressOf(landing.plan)?.job;
        const job = jobs.find(({ id }) => id === progress?.id);
        if (progress === undefined) continue;
        const end = judgeJob(landing, { ...progress, nowMs: services.clock.now() }, job);
        if (end !== undefined) ends.push(end);
        else if (job !== undefined) shares.set(targetKey(landing.plan), job.progress);
      }
    }
    await this.showProgress(shares);
    return ends;
  }

  /** Asks for the volumes of as many claims as may be on their way, and starts jobs into those there. */
  private async startWhatMay(): Promise<readonly LandingEnd[]> {
    const { landings, services } = this.session;
    const ends: LandingEnd[] = [];
    const open = this.open();
    const waiting = open.filter(({ plan }) => landings.progressOf(plan)?.job === undefined);
    const nodes = new Set(open.flatMap(({ plan }) => landings.progressOf(plan)?.job?.node ?? []));
    const room = LANDINGS_AT_ONCE - (open.length - waiting.length);
    const taken = waiting.slice(0, Math.max(0, room));
    for (const landing of taken) {
      const { plan } = landing;
      const progress = landings.progressOf(plan) ?? { sinceMs: services.clock.now() };
      landings.note(plan, progress);
      const end = await this.startOne(landing, progress, nodes);
      if (end !== undefined) ends.push(end);
    }
    return ends;
  }

  private async startOne(
    landing: Landing,
    { sinceMs }: LandingProgress,
    nodes: Set<string>,
  ): Promise<LandingEnd | undefined> {
    const { plan } = landing;
    const { landings, services } = this.session;
    const age = services.clock.now() - sinceMs;
    try {
      const target = await landingTarget(this.cluster, plan, this.together(plan));
      if (target.kind === 'refused') return failedLanding(landing, target.code, target.message);
      if (target.kind === 'wait') {
        if (age < VOLUME_MS_MAX) return undefined;
        const words = `create cluster resources timeout: no volume after 15 minutes: ${target.found}`;
        return failedLanding(landing, 'temporary_volume_timeout', words);
      }
      const node = target.files.way === 'container' ? target.files.node : '';
      if (node !== '' && nodes.has(node)) return undefined;
      const request = requestFor(plan, target.files);
      const known = await services.cloudBackup.findRestore(request, landings.begunMs ?? sinceMs);
      const id = known?.id ?? (await services.cloudBackup.startRestore(request));
      landings.note(plan, { sinceMs, job: { id, sinceMs: services.clock.now(), node } });
      if (node !== '') nodes.add(node);
      await this.showStarted(plan);
      return undefined;
    } catch (error) {
      if (!(error instanceof BackupCentreError)) throw error;
      if (!error.retryable) return failedLanding(landing, error.code, error.message);
      if (isOfCluster(error)) throw error;
      return age > START_MS_MAX ? failedLanding(landing, error.code, error.message) : undefined;
    }
  }

  /** Claims of the same pod that still wait. */
  private together(plan: LandingPlan): readonly LandingPlan[] {
    const group = plan.pod?.group;
    const plans = this.open().map((each) => each.plan);
    return plans.filter((each) => each.place === plan.place && each.pod?.group === group);
  }

  private async showStarted(plan: LandingPlan): Promise<void> {
    await this.session.context.updateRecord((record) =>
      withChangedRows(record, (row) => (isRowOf(row, plan) ? { phase: 'InProgress' } : undefined)),
    );
  }

  private async showProgress(shares: ReadonlyMap<string, number>): Promise<void> {
    const { record, context } = this.session;
    const news = record.volumes.filter((row) => {
      const share = shares.get(`${row.namespace}/${row.pvc}`);
      return share !== undefined && share !== row.progress;
    });
    if (news.length === 0) return;
    await context.updateRecord((r) =>
      withChangedRows(r, (row) => {
        const progress = shares.get(`${row.namespace}/${row.pvc}`);
        return progress === undefined ? undefined : { phase: 'InProgress', progress };
      }),
    );
  }

  /** Saved before their claims are removed, by which alone they are found. */
  private async noteLeftVolumes(plans: readonly LandingPlan[]): Promise<void> {
    const { landings, services } = this.session;
    let found = false;
    for (const plan of plans) {
      const left = await volumeThatStays(this.session, plan);
      if (left === undefined) continue;
      const progress = landings.progressOf(plan) ?? { sinceMs: services.clock.now() };
      landings.note(plan, { ...progress, left });
      found = true;
    }
    if (found) await this.session.flush();
  }

  /** Claims first, then rows, then the outcome list: whoever goes on finds what is left to do. */
  private async settle(ends: readonly LandingEnd[]): Promise<void> {
    if (ends.length === 0) return;
    const { landings, context } = this.session;
    const failed = ends.filter(({ phase }) => phase === 'Failed').map((end) => end.landing.plan);
    await this.noteLeftVolumes(failed);
    for (const plan of failed) await removeClaim(this.session, plan);
    const changes = new Map(ends.map((end) => [targetKey(end.landing.plan), changeOf(end)]));
    await context.updateRecord((record) =>
      withChangedRows(record, (row) => changes.get(`${row.namespace}/${row.pvc}`)),
    );
    for (const end of ends) this.report(end);
    const through = ends.map(({ landing }) => landing.plan);
    const waiting = new Set(landings.open().map(({ plan }) => podKey(plan)));
    await this.removePods(through.filter((plan) => !waiting.has(podKey(plan))));
  }

  private report({ landing, phase, reason }: LandingEnd): void {
    const { session } = this;
    const { line, plan } = landing;
    session.landings.release(landing);
    if (phase === 'Completed') {
      session.settle(line, plan.partial ? { warning: partialWarning(plan) } : {});
      return;
    }
    const error = findingOf(plan, phase, reason);
    if (phase === 'PartiallyFailed') {
      session.settle(line, { error });
      return;
    }
    const left = session.landings.progressOf(plan)?.left;
    if (left !== undefined) session.warn(leftVolume(plan, left, CREATE_STEP));
    const changes = [...line.changes, 'removed again: its files did not come'];
    session.settle({ ...line, action: 'failed', reason: error.code, changes }, { error });
  }

  /** One request for each group's pod. */
  private async removePods(plans: readonly LandingPlan[]): Promise<void> {
    for (const [plan] of grouped(plans, podKey).values()) {
      if (plan?.pod !== undefined) await removeLandingPod(this.cluster, plan);
    }
  }

  private async wait(): Promise<StepOutcome> {
    const { services, context } = this.session;
    await context.updateRecord((record) => ({ ...record, phase: 'WaitingForVolumes' }));
    return { kind: 'wait', wakeAtMs: services.clock.now() + WAKE_MS };
  }
}

/** The target as landings work with it. */
export function landingCluster(
  session: RestoreSession,
): LandingCluster & { readonly clusterId: string } {
  const { client, index, fieldManager, services, context, record } = session;
  const image = services.landingImage;
  return { client, index, fieldManager, image, runId: context.run.id, clusterId: record.cluster };
}

/** The job that writes a claim's files to their place. */
export function requestFor(plan: LandingPlan, files: FilesRestore['files']): FilesRestore {
  const { region, hbrVaultId = '' } = plan.source;
  return { region, vaultId: hbrVaultId, point: plan.point, files };
}

/** Errors of the API server: the step is tried again as a whole. */
function isOfCluster({ code }: BackupCentreError): boolean {
  return code === 'cluster_unreachable' || code === 'credentials_expired';
}

function rowOf(session: RestoreSession, plan: LandingPlan): VolumeBackup | undefined {
  return session.record.volumes.find((row) => isRowOf(row, plan));
}

function isRowOf(row: VolumeBackup, plan: LandingPlan): boolean {
  return row.namespace === plan.place && row.pvc === plan.pvc;
}

function podKey({ place, pvc, pod }: LandingPlan): string {
  return pod === undefined ? `none ${place}/${pvc}` : `pod ${pod.group}`;
}

function jobScope({ source }: LandingPlan): string {
  return `${source.region} ${source.hbrVaultId} ${source.files.way}`;
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
