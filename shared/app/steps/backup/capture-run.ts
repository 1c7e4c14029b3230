/**
 * The reading side of a capture. Round 0 lists every kind that is taken; with a label selector each
 * further round lists them again for what the objects captured meanwhile own, mount or name. After the
 * lists of a round, cluster-scoped objects that relations want are fetched. A round that brings nothing
 * new is the last.
 */
import { groupResource } from '../../../domain/api-resource.ts';
import type { BackupSpec } from '../../../domain/backup-record.ts';
import { BackupCentreError } from '../../../domain/errors.ts';
import { FOLLOWING_KINDS, type Want } from '../../../domain/relations.ts';
import { type KindPlan, type ListTask, listTasks } from '../../../domain/selection.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { ClusterClient } from '../../../ports/cluster-client.ts';
import type { RunJournal } from '../../run-journal.ts';
import type { CaptureSession } from './capture-session.ts';
import { type CaptureState, wantKey } from './capture-state.ts';
import { type FeedEvent, feedLists } from './list-feed.ts';
import { ObjectIntake } from './object-intake.ts';

/** Rounds of following labels at most; owners of owners of owners are fewer. */
const ROUNDS_MAX = 10;
/** Up to this many wanted objects of a kind are fetched one by one, else the kind is listed. */
const GETS_MAX = 50;
/** Gets under way at once. */
const GETS_AT_ONCE = 4;
/** Attempts of a get. */
const GET_ATTEMPTS_MAX = 4;
/** First pause after a get that failed, ms. */
const PAUSE_MS_MIN = 500;
/** A record is changed at most this often, ms. */
const REPORT_MS = 1_000;

/** What a run reads, and where it puts it. */
export interface CaptureRunOptions {
  readonly client: ClusterClient;
  readonly clock: Clock;
  readonly spec: BackupSpec;
  readonly kinds: readonly KindPlan[];
  readonly namespaces: readonly string[];
  readonly whole: boolean;
  readonly session: CaptureSession;
  readonly state: CaptureState;
  readonly journal: RunJournal;
  isShortOfTime(): boolean;
  /** Tells the record how far the capture is. */
  report(): Promise<void>;
}

/** One worker's reading of the cluster. */
export class CaptureRun {
  private readonly options: CaptureRunOptions;
  private readonly intake: ObjectIntake;
  private readonly byResource: ReadonlyMap<string, KindPlan>;
  private readonly byLabel: boolean;
  private readonly tasks: readonly ListTask[];
  private readonly fetched: readonly KindPlan[];
  /** ServiceAccounts known when bindings were last listed. */
  private readonly scannedAt = new Map<string, number>();
  private reportedAtMs: number;
  private objectsBefore = 0;

  constructor(options: CaptureRunOptions) {
    const { spec, kinds, namespaces, state, session } = options;
    this.options = options;
    this.byLabel = spec.labelSelector !== undefined;
    this.intake = new ObjectIntake({ spec, namespaces, kinds, state, sink: session });
    this.byResource = new Map(kinds.map((k) => [groupResource(k.resource), k]));
    this.tasks = listTasks(
      kinds.filter((k) => k.role !== 'related').map((k) => k.resource),
      { chosen: namespaces, whole: options.whole },
    );
    this.fetched = kinds.filter(
      (k) => k.role === 'related' || (this.byLabel && !k.resource.namespaced),
    );
    this.reportedAtMs = options.clock.now();
  }

  /** Reads on from the session's position. False where time ran out first. */
  async readAll(): Promise<boolean> {
    const { session, state, journal } = this.options;
    for (;;) {
      if (!(await this.readLists())) return false;
      if (!(await this.readRelated())) return false;
      const { round, grownFrom } = session.position;
      const grown = state.growth > grownFrom;
      if (!this.byLabel || !grown) break;
      if (round + 1 >= ROUNDS_MAX) {
        journal.log('warning', `Stopped following relations after ${ROUNDS_MAX} rounds`);
        break;
      }
      session.position = { round: round + 1, task: 0, grownFrom: state.growth };
    }
    this.logOutcome();
    return true;
  }

  private async readLists(): Promise<boolean> {
    const { client, clock, session } = this.options;
    const { task, token } = session.position;
    if (task >= this.tasks.length) return true;
    const from = token === undefined ? { task } : { task, token };
    for await (const event of feedLists({ client, clock, tasks: this.tasks, from })) {
      await this.takeEvent(event, this.tasks);
      if (this.options.isShortOfTime()) return false;
    }
    const { round, grownFrom } = session.position;
    session.position = { round, task: this.tasks.length, grownFrom };
    return true;
  }

  /** Fetches wanted cluster-scoped objects until none is open that could be found. */
  private async readRelated(): Promise<boolean> {
    for (let pass = 0; pass < ROUNDS_MAX; pass += 1) {
      let worked = false;
      for (const plan of this.fetched) {
        if (await this.fetchKind(plan)) worked = true;
        if (this.options.isShortOfTime()) return false;
      }
      if (!worked) return true;
    }
    this.options.journal.log('warning', `Stopped following relations after ${ROUNDS_MAX} passes`);
    return true;
  }

  /** Fetches what is wanted of a kind; false where nothing is. */
  private async fetchKind(plan: KindPlan): Promise<boolean> {
    const { state, session } = this.options;
    const resource = groupResource(plan.resource);
    const wants = state.openWants(resource);
    const mayFollow = FOLLOWING_KINDS.includes(resource) && this.hasNewAccounts(resource);
    if (wants.length === 0 && !mayFollow) return false;
    if (mayFollow || wants.length > GETS_MAX) await this.listWanted(plan);
    else await this.getWanted(plan, wants);
    // What is still open is not there; a later round does not ask again.
    for (const want of wants) {
      if (!state.has(want)) session.note({ t: 'missing', key: wantKey(want) });
    }
    return true;
  }

  private hasNewAccounts(resource: string): boolean {
    const { accountCount } = this.options.state;
    const isNew = accountCount > (this.scannedAt.get(resource) ?? 0);
    if (isNew) this.scannedAt.set(resource, accountCount);
    return isNew;
  }

  private async listWanted(plan: KindPlan): Promise<void> {
    const { client, clock } = this.options;
    const tasks = [{ resource: plan.resource }];
    for await (const event of feedLists({ client, clock, tasks, from: { task: 0 } })) {
      await this.takeEvent(event, tasks, false);
    }
  }

  private async getWanted(plan: KindPlan, wants: readonly Want[]): Promise<void> {
    const { session } = this.options;
    for (let i = 0; i < wants.length; i += GETS_AT_ONCE) {
      const some = wants.slice(i, i + GETS_AT_ONCE);
      const objects = await Promise.all(some.map((want) => this.getObject(plan, want.name)));
      for (const bytes of objects) {
        if (bytes === undefined) continue;
        await session.prepare(bytes.length);
        this.intake.take(plan, bytes);
      }
    }
    await session.pause();
  }

  /** The object; undefined where it is not there or may not be read, which is then a gap. */
  private async getObject(plan: KindPlan, name: string): Promise<Uint8Array | undefined> {
    const { client, clock } = this.options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await client.get({ resource: plan.resource, name });
      } catch (error) {
        if (!(error instanceof BackupCentreError)) throw error;
        if (!error.retryable) {
          this.gap(plan, undefined, error.message);
          return undefined;
        }
        if (attempt >= GET_ATTEMPTS_MAX) throw error;
        await clock.sleep(PAUSE_MS_MIN * 2 ** (attempt - 1));
      }
    }
  }

  /** One event of a feed. `isRound`: the feed is the round's, and the position moves with it. */
  private async takeEvent(
    event: FeedEvent,
    tasks: readonly ListTask[],
    isRound = true,
  ): Promise<void> {
    const { session } = this.options;
    const task = tasks[event.task];
    const plan = task === undefined ? undefined : this.byResource.get(groupResource(task.resource));
    if (task === undefined || plan === undefined) return;
    if (event.kind === 'page') {
      if (isRound) {
        const { round, grownFrom } = session.position;
        const token = event.token === undefined ? {} : { token: event.token };
        session.position = { round, task: event.task, grownFrom, ...token };
      }
      this.noteRead(plan, task.namespace, event.page.resourceVersion);
      for (const item of event.page.items) {
        await session.prepare(item.length);
        this.intake.take(plan, item);
      }
      await session.pause();
    } else if (event.kind === 'gap') {
      this.gap(plan, task.namespace, event.reason);
    } else {
      this.logKind(plan, task);
    }
    await this.report();
  }

  private noteRead(plan: KindPlan, namespace: string | undefined, version: string): void {
    const { group, version: served, kind } = plan.resource;
    const resource = groupResource(plan.resource);
    const known = this.options.state.kinds.get(resource)?.reads.get(namespace ?? '');
    if (known?.last === version) return;
    const apiVersion = group === '' ? served : `${group}/${served}`;
    this.options.session.note({
      t: 'read',
      apiVersion,
      resource,
      kind,
      namespace: namespace ?? '',
      version,
    });
    if (known === undefined) return;
    this.options.journal.log(
      'warning',
      `${resource}: its list could not be finished at version ${known.first}, went on at ${version}`,
    );
  }

  private gap(plan: KindPlan, namespace: string | undefined, reason: string): void {
    const resource = groupResource(plan.resource);
    const { session, state, journal } = this.options;
    const before = state.gaps.length;
    const where = namespace === undefined ? {} : { namespace };
    session.note({ t: 'gap', gap: { group: plan.resource.group, resource, ...where, reason } });
    if (state.gaps.length > before) journal.log('error', `Cannot read ${resource}: ${reason}`);
  }

  private logKind(plan: KindPlan, task: ListTask): void {
    const { state, journal } = this.options;
    const count = state.objects - this.objectsBefore;
    this.objectsBefore = state.objects;
    if (count === 0) return;
    const where = task.namespace === undefined ? '' : ` in ${task.namespace}`;
    journal.log('info', `${groupResource(plan.resource)}${where}: ${count} objects`);
  }

  private logOutcome(): void {
    const { state, journal } = this.options;
    for (const [reason, count] of state.leftOut)
      journal.log('info', `Left out, ${reason}: ${count}`);
    for (const plan of this.options.kinds) {
      for (const want of state.openWants(groupResource(plan.resource))) {
        const where = want.namespace === undefined ? '' : `${want.namespace}/`;
        journal.log(
          'info',
          `Named (${want.rule}) but not found: ${want.resource} ${where}${want.name}`,
        );
      }
    }
  }

  private async report(): Promise<void> {
    const now = this.options.clock.now();
    if (now - this.reportedAtMs < REPORT_MS) return;
    this.reportedAtMs = now;
    await this.options.report();
  }
}
