/**
 * Third step: what claims need at ECS before they can be created: copies of snapshots in the target's
 * region, and disks where the target serves no snapshots. No function runs while they are made. Running
 * it twice is safe: what was started without being written down is found by its tags, or given again
 * under its token.
 */
import { BackupCentreError } from '../../../domain/errors.ts';
import { isJsonObject } from '../../../domain/json.ts';
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import { RUN_TAG } from '../../../domain/volumes/snapshot-tags.ts';
import { type RestoreServices, targetCluster } from '../../restore-services.ts';
import { RunJournal } from '../../run-journal.ts';
import type { Step, StepContext, StepOutcome } from '../../step.ts';
import { withFindings } from '../backup/record-findings.ts';
import { keepSnapshots } from './keep-snapshots.ts';
import {
  copyRequest,
  type DiskPlan,
  diskRequest,
  isDiskPlan,
  nameOfPlan,
} from './make-requests.ts';
import { planOf } from './restore-plan.ts';
import { SNAPSHOT_TAG, VOLUME_TAG } from './restore-tags.ts';
import { withChangedRows } from './restored-rows.ts';
import {
  type MadeResource,
  madeJson,
  readMade,
  readVolumePlans,
  type StartedResource,
  VOLUMES_STEP,
  type VolumePlan,
  volumeKey,
} from './volume-plan.ts';

/** What is busy is tried again for this long: another copy of a large disk takes hours; ms. */
const START_MS_MAX = 86_400_000;
/** What takes longer counts as failed, ms. */
const FINISH_MS_MAX = 172_800_000;
/** What is not listed yet is waited for this long, ms. */
const LISTED_MS_MAX = 300_000;
/** Looks in place, for disks that are ready at once: so many, so long apart, ms. */
const LOOKS_IN_PLACE = 3;
const LOOK_PAUSE_MS = 1_000;
const TIME_LEFT_MS_MIN = 20_000;
/** Pause while no function runs: a tenth of the time that has passed, between these; ms. */
const PAUSE_MS_MIN = 10_000;
const PAUSE_MS_MAX = 60_000;

/** The step. */
export function makeVolumesStep(services: RestoreServices): Step<RestoreRecord> {
  return {
    name: VOLUMES_STEP,
    run: async (context) => {
      const plans = context.record().spec.dryRun
        ? []
        : await readVolumePlans(context.scratch, planOf(context).volumes);
      const { region } = await targetCluster(services, context.record());
      return await new VolumesRun({ services, context, region, plans }).run();
    },
  };
}

/** One invocation's work. */
class VolumesRun {
  private readonly services: RestoreServices;
  private readonly context: StepContext<RestoreRecord>;
  private readonly journal: RunJournal;
  private readonly region: string;
  private readonly plans: readonly VolumePlan[];
  private readonly sinceMs: number;
  /** By snapshot. */
  private readonly copies: Record<string, MadeResource>;
  /** By claim. */
  private readonly disks: Record<string, MadeResource>;
  private readonly progress = new Map<string, number>();

  constructor(init: {
    services: RestoreServices;
    context: StepContext<RestoreRecord>;
    region: string;
    plans: readonly VolumePlan[];
  }) {
    this.services = init.services;
    this.context = init.context;
    this.region = init.region;
    this.plans = init.plans;
    this.journal = RunJournal.resume(init.context, init.services.clock);
    const { checkpoint } = init.context;
    const saved = isJsonObject(checkpoint) ? checkpoint.sinceMs : undefined;
    this.sinceMs = typeof saved === 'number' ? saved : init.services.clock.now();
    const made = readMade(checkpoint);
    this.copies = { ...made.copies };
    this.disks = { ...made.disks };
  }

  async run(): Promise<StepOutcome> {
    await this.keep();
    if (this.copied().length === 0 && this.onDisks().length === 0) return await this.end();
    await this.save();
    await this.adopt();
    for (let look = 0; ; look += 1) {
      await this.copy();
      await this.lookAtCopies();
      await this.makeDisks();
      await this.lookAtDisks();
      await this.save();
      await this.show();
      if (this.isSettled()) return await this.end();
      if (look >= LOOKS_IN_PLACE || this.context.timeLeftMs() < TIME_LEFT_MS_MIN) break;
      await this.services.clock.sleep(LOOK_PAUSE_MS, this.context.signal);
    }
    const now = this.services.clock.now();
    const pause = Math.min(PAUSE_MS_MAX, Math.max(PAUSE_MS_MIN, (now - this.sinceMs) / 10));
    await this.context.updateRecord((record) => ({ ...record, phase: 'WaitingForVolumes' }));
    return { kind: 'wait', wakeAtMs: now + Math.ceil(pause) };
  }

  private async keep(): Promise<void> {
    // Once is enough: what has been waited for was kept before.
    if (this.context.checkpoint !== null) return;
    const warnings = await keepSnapshots(this.services, this.plans);
    for (const warning of warnings) this.journal.find('warning', warning);
    if (warnings.length === 0) return;
    await this.context.updateRecord((record) => withFindings(record, VOLUMES_STEP, { warnings }));
  }

  /** One plan per snapshot that is to be copied: its copy serves all claims. */
  private copied(): readonly VolumePlan[] {
    const wanted = this.plans.filter(
      ({ copied, way }) => copied && (way.kind === 'driver' || way.kind === 'disk'),
    );
    return [...new Map(wanted.map((plan) => [plan.snapshotId, plan])).values()];
  }

  private onDisks(): readonly DiskPlan[] {
    return this.plans.filter(isDiskPlan);
  }

  /** Takes over what an earlier worker started without living to write it down. */
  private async adopt(): Promise<void> {
    const tag = { key: RUN_TAG, value: this.context.run.id };
    const sinceMs = this.services.clock.now();
    const missing = this.copied().filter(({ snapshotId }) => !(snapshotId in this.copies));
    if (missing.length > 0) {
      for (const { id, tags } of await this.services.disks.findSnapshots(this.region, tag)) {
        const of = tags[SNAPSHOT_TAG] ?? '';
        if (missing.some(({ snapshotId }) => snapshotId === of)) {
          this.copies[of] = { id, sinceMs, ready: false };
        }
      }
    }
    const without = this.onDisks().filter((plan) => !(volumeKey(plan) in this.disks));
    if (without.length === 0) return;
    const record = this.context.record();
    const byName = new Map(without.map((plan) => [nameOfPlan(record, plan), plan]));
    for (const { id, tags } of await this.services.disks.findDisks(this.region, tag)) {
      const plan = byName.get(tags[VOLUME_TAG] ?? '');
      if (plan !== undefined) this.disks[volumeKey(plan)] = { id, sinceMs, ready: false };
    }
  }

  private async copy(): Promise<void> {
    for (const plan of this.copied()) {
      if (plan.snapshotId in this.copies) continue;
      const request = copyRequest(this.context.record(), plan, this.region);
      const made = await this.start(() => this.services.disks.copySnapshot(request));
      if (made !== undefined) this.copies[plan.snapshotId] = made;
    }
  }

  private async makeDisks(): Promise<void> {
    for (const plan of this.onDisks()) {
      const key = volumeKey(plan);
      const copy = plan.copied ? this.copies[plan.snapshotId] : undefined;
      if (key in this.disks || (plan.copied && !isDone(copy))) continue;
      if (copy !== undefined && 'failed' in copy) {
        this.disks[key] = copy;
        continue;
      }
      const snapshotId = copy?.id ?? plan.snapshotId;
      const from = { snapshotId, region: this.region };
      const request = diskRequest(this.context.record(), plan, from);
      const made = await this.start(() => this.services.disks.createDisk(request));
      if (made !== undefined) this.disks[key] = made;
    }
  }

  /** What was started, or what refused it; undefined where it is to be tried again later. */
  private async start(create: () => Promise<string>): Promise<MadeResource | undefined> {
    this.context.signal.throwIfAborted();
    const { clock } = this.services;
    try {
      const id = await create();
      return { id, sinceMs: clock.now(), ready: false };
    } catch (error) {
      if (!(error instanceof BackupCentreError)) throw error;
      const isTooLate = clock.now() - this.sinceMs > START_MS_MAX;
      if (error.retryable && !isTooLate) return undefined;
      return { failed: error.code, message: error.message };
    }
  }

  private async lookAtCopies(): Promise<void> {
    const found = await this.services.disks.describeSnapshots(this.region, idsOf(this.copies));
    for (const [of, made] of Object.entries(this.copies)) {
      if (isDone(made) || !('id' in made)) continue;
      const copy = found.find(({ id }) => id === made.id);
      const what = `copy ${made.id} of snapshot ${of}`;
      if (copy !== undefined) this.progress.set(of, copy.progress);
      if (copy?.status === 'failed') {
        this.copies[of] = { failed: 'snapshot_failed', message: `${what} failed at ECS` };
      } else if (copy?.status === 'accomplished') this.copies[of] = { ...made, ready: true };
      else this.copies[of] = this.stillMade(made, copy !== undefined, what);
    }
  }

  private async lookAtDisks(): Promise<void> {
    const found = await this.services.disks.describeDisks(this.region, idsOf(this.disks));
    for (const [key, made] of Object.entries(this.disks)) {
      if (isDone(made) || !('id' in made)) continue;
      const disk = found.find(({ id }) => id === made.id);
      if (disk?.status === 'Available') this.disks[key] = { ...made, ready: true };
      else this.disks[key] = this.stillMade(made, disk !== undefined, `disk ${made.id}`);
    }
  }

  private stillMade(made: StartedResource, isListed: boolean, what: string): MadeResource {
    const age = this.services.clock.now() - made.sinceMs;
    if (!isListed && age > LISTED_MS_MAX) {
      return { failed: 'snapshot_failed', message: `${what} is gone from ECS` };
    }
    if (age <= FINISH_MS_MAX) return made;
    return { failed: 'snapshot_failed', message: `${what} is not finished after 48 hours` };
  }

  private isSettled(): boolean {
    return (
      this.copied().every(({ snapshotId }) => isDone(this.copies[snapshotId])) &&
      this.onDisks().every((plan) => isDone(this.disks[volumeKey(plan)]))
    );
  }

  /** Shows in the record what is made for each claim. */
  private async show(): Promise<void> {
    const changes = new Map(
      this.plans.flatMap((plan) => {
        const { place, pvc, snapshotId, copied } = plan;
        const copy = this.copies[snapshotId];
        const reason =
          copied && !isDone(copy)
            ? `copying snapshot ${snapshotId} from ${plan.source.region} to ${this.region}`
            : `disk of snapshot ${snapshotId} in ${plan.way.kind === 'disk' ? plan.way.zone : this.region}`;
        const isMade = (copied && plan.way.kind === 'driver') || plan.way.kind === 'disk';
        const progress = this.progress.get(snapshotId) ?? 0;
        return isMade
          ? [[`${place}/${pvc}`, { phase: 'InProgress', reason, progress } as const]]
          : [];
      }),
    );
    await this.context.updateRecord((record) =>
      withChangedRows(record, ({ namespace, pvc }) => changes.get(`${namespace}/${pvc}`)),
    );
  }

  private async save(): Promise<void> {
    const journal = { ...(await this.journal.flush()) };
    const made = madeJson({ copies: this.copies, disks: this.disks });
    await this.context.save({ sinceMs: this.sinceMs, ...made, journal });
  }

  private async end(): Promise<StepOutcome> {
    for (const [of, copy] of Object.entries(this.copies)) {
      const found = 'id' in copy ? copy.id : `${copy.failed}: ${copy.message}`;
      this.journal.log('info', `Copy of snapshot ${of} in ${this.region}: ${found}`);
    }
    for (const [claim, disk] of Object.entries(this.disks)) {
      const found = 'id' in disk ? disk.id : `${disk.failed}: ${disk.message}`;
      this.journal.log('info', `Disk for claim ${claim}: ${found}`);
    }
    const journal = { ...(await this.journal.flush()) };
    await this.context.updateRecord((record) => ({ ...record, phase: 'InProgress' }));
    return {
      kind: 'done',
      result: { ...madeJson({ copies: this.copies, disks: this.disks }), journal },
    };
  }
}

function isDone(made: MadeResource | undefined): boolean {
  return made !== undefined && ('failed' in made || made.ready);
}

/** Those that have to be looked at. */
function idsOf(made: Readonly<Record<string, MadeResource>>): readonly string[] {
  return Object.values(made).flatMap((each) => ('id' in each && !each.ready ? [each.id] : []));
}
