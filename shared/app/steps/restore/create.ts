/**
 * Third step: the objects of the plan, stage by stage, in parallel within a stage. Running it twice is
 * safe: what is written down is not asked for again, and what was created without being written down is
 * found by the field manager of this run (see `judgeExisting`), so that it counts once, as created.
 */
import { waveName, waveOf } from '../../../domain/apply-order.ts';
import { LeaseLostError } from '../../../domain/errors.ts';
import { objectAt } from '../../../domain/json.ts';
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import { readArchivedObjects } from '../../../format/archive-reader.ts';
import type { CatalogLine } from '../../../format/catalog-line.ts';
import { parseExact } from '../../../format/exact-json.ts';
import type { RangeSource } from '../../../format/range-source.ts';
import { openBundle, type RestoreServices } from '../../restore-services.ts';
import type { Step, StepContext, StepOutcome } from '../../step.ts';
import { AdaptivePool } from './adaptive-pool.ts';
import { waitInPlace } from './cluster-waits.ts';
import { landFiles } from './land-files.ts';
import { groupUnavailable } from './prepare-object.ts';
import { refuseObject, restoreBareNamespace, restoreObject } from './restore-object.ts';
import { type PlanEntry, readPlan } from './restore-plan.ts';
import { CREATE_STEP, RestoreSession } from './restore-session.ts';

/** No object is begun with less time than this left, ms. */
const TIME_LEFT_MS_MIN = 15_000;

/** Definitions and namespaces are waited for this long altogether, ms. */
const WAIT_MS_MAX = 600_000;
/** An API group that does not answer is waited for this long: often it never will, ms. */
const GROUP_WAIT_MS_MAX = 120_000;

const DEFINITIONS_WAVE = 0;
const NAMESPACES_WAVE = 1;
const WORKLOADS_WAVE = waveOf('pods');
const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io';

/** The step. */
export function createStep(services: RestoreServices): Step<RestoreRecord> {
  return {
    name: CREATE_STEP,
    run: async (context) => {
      const session = await RestoreSession.open(services, context);
      const { archive } = await openBundle(services, context.record());
      return await new CreateRun(session, archive).run();
    },
  };
}

interface PlannedObject {
  readonly entry: PlanEntry;
  readonly bytes: Uint8Array;
}

/** One invocation's work on the plan. */
class CreateRun {
  private readonly session: RestoreSession;
  private readonly archive: RangeSource;
  private readonly context: StepContext<RestoreRecord>;
  private readonly pool = new AdaptivePool();
  private later: PlannedObject[] = [];
  private unanswered: PlannedObject[] = [];
  private definitionsAreThere = false;
  private namespacesAreThere = false;
  private failure: { readonly error: unknown } | undefined;

  constructor(session: RestoreSession, archive: RangeSource) {
    this.session = session;
    this.archive = archive;
    this.context = session.context;
  }

  async run(): Promise<StepOutcome> {
    const { session, pool } = this;
    try {
      const outcome = await this.work();
      await pool.drain();
      await session.flushed();
      this.throwFailure();
      if (outcome.kind === 'done') this.logEnd();
      const journal = { ...(await session.flush()) };
      return outcome.kind === 'done'
        ? { ...outcome, result: { ...session.position, journal } }
        : outcome;
    } catch (error) {
      await this.keepWhatIsDone(error);
      throw error;
    }
  }

  private async work(): Promise<StepOutcome> {
    const { session, pool, context } = this;
    let wave = -1;
    let depth = -1;
    for await (const { entry, bytes } of this.undone()) {
      context.signal.throwIfAborted();
      if (context.timeLeftMs() < TIME_LEFT_MS_MIN) return { kind: 'again' };
      const { stage } = entry;
      if (stage.wave !== wave || stage.depth !== depth) {
        const outcome = await this.enterStage(stage.wave);
        if (outcome !== undefined) return outcome;
        if (stage.wave !== wave) session.journal.log('info', `Creating ${waveName(stage.wave)}`);
        ({ wave, depth } = stage);
      }
      await session.reach(entry.n);
      await pool.add(() => this.restore({ entry, bytes }));
      session.flushIfFull((error) => {
        this.failure ??= { error };
      });
      this.throwFailure();
    }
    const outcome = (await this.enterStage(Number.POSITIVE_INFINITY)) ?? (await this.awaitGroups());
    return outcome ?? { kind: 'done' };
  }

  private logEnd(): void {
    const { created, skipped, failed } = this.session.state.counts;
    this.session.journal.log('info', `Created ${created}, skipped ${skipped}, failed ${failed}`);
  }

  /** Objects of the plan that are not written down as done, with their bytes. */
  private async *undone(): AsyncGenerator<PlannedObject> {
    const { session } = this;
    const queue: PlanEntry[] = [];
    const lines = async function* (): AsyncGenerator<CatalogLine> {
      for await (const entry of readPlan(session.context.scratch, session.plan)) {
        if (session.state.isDone(entry.n)) continue;
        queue.push(entry);
        yield entry.line;
      }
    };
    for await (const { bytes } of readArchivedObjects(this.archive, lines())) {
      const entry = queue.shift();
      if (entry !== undefined) yield { entry, bytes };
    }
  }

  private async restore(planned: PlannedObject): Promise<void> {
    const { entry, bytes } = planned;
    const result = await restoreObject(this.session, this.pool, entry, bytes);
    if (result === 'later') this.later.push(planned);
    if (result === 'unanswered') this.unanswered.push(planned);
  }

  /** Everything of earlier stages is through, and what the wave rests on is there. */
  private async enterStage(wave: number): Promise<StepOutcome | undefined> {
    await this.pool.drain();
    if (wave > DEFINITIONS_WAVE && !this.definitionsAreThere) {
      const outcome = await this.awaitDefinitions();
      if (outcome !== undefined) return outcome;
      this.definitionsAreThere = true;
    }
    if (wave > NAMESPACES_WAVE && !this.namespacesAreThere) {
      const outcome = await this.awaitNamespaces();
      if (outcome !== undefined) return outcome;
      this.namespacesAreThere = true;
    }
    return wave >= WORKLOADS_WAVE ? await landFiles(this.session) : undefined;
  }

  private async awaitDefinitions(): Promise<StepOutcome | undefined> {
    const { session } = this;
    if (session.spec.dryRun) return undefined;
    let missing = session.plan.definitions.filter((name) => !session.index.serves(name));
    const isThere = async (): Promise<boolean> => {
      if (missing.length === 0) return true;
      const ready = await Promise.all(missing.map((name) => this.isEstablished(name)));
      if (!ready.every(Boolean)) return false;
      await session.refreshIndex();
      missing = missing.filter((name) => !session.index.serves(name));
      return missing.length === 0;
    };
    return await this.await(isThere, () => {
      session.journal.log('error', `Definitions are not established: ${missing.join(', ')}`);
    });
  }

  /** Whether the kind can be used; one that could not be created is not waited for. */
  private async isEstablished(name: string): Promise<boolean> {
    const resource = this.session.index.find('apiextensions.k8s.io/v1', DEFINITIONS);
    if (resource === undefined) return true;
    const bytes = await this.session.client.get({ resource, name });
    if (bytes === undefined) return true;
    const conditions = objectAt(parseExact(bytes), 'status')?.conditions;
    return (
      Array.isArray(conditions) &&
      conditions.some((c) => objectAt(c)?.type === 'Established' && objectAt(c)?.status === 'True')
    );
  }

  private async awaitNamespaces(): Promise<StepOutcome | undefined> {
    const { session, pool } = this;
    for (const [i, name] of session.plan.bareNamespaces.entries()) {
      const entry = bareEntry(name, session.plan.entries + i);
      if (session.state.isDone(entry.n)) continue;
      await pool.add(async () => {
        if ((await restoreBareNamespace(session, pool, entry)) === 'later') {
          this.later.push({ entry, bytes: new Uint8Array(0) });
        }
      });
    }
    await pool.drain();
    const isThere = async (): Promise<boolean> => {
      const again = this.later;
      this.later = [];
      for (const { entry, bytes } of again) {
        if (entry.n >= session.plan.entries) {
          const result = await restoreBareNamespace(session, pool, entry);
          if (result === 'later') this.later.push({ entry, bytes });
        } else await this.restore({ entry, bytes });
      }
      return this.later.length === 0;
    };
    return await this.await(isThere, () => {
      for (const { entry } of this.later) {
        const message = 'the namespace of that name is being removed';
        refuseObject(session, entry, { reason: message, message });
      }
      this.later = [];
    });
  }

  /** Objects of groups that did not answer are asked for again, until they do or time is up. */
  private async awaitGroups(): Promise<StepOutcome | undefined> {
    const { session, pool, context } = this;
    if (this.unanswered.length === 0) return undefined;
    const waiting = this.unansweredText();
    session.journal.log('warning', waiting);
    await context.updateRecord((record) => ({ ...record, message: `Waiting: ${waiting}` }));
    const isThere = async (): Promise<boolean> => {
      await session.refreshIndex();
      const again = this.unanswered;
      this.unanswered = [];
      for (const planned of again) await pool.add(() => this.restore(planned));
      await pool.drain();
      return this.unanswered.length === 0;
    };
    const onLate = () => {
      for (const { entry } of this.unanswered) {
        const { apiVersion } = entry.line;
        const failure = session.index.failureOf(apiVersion) ?? 'no reply';
        refuseObject(session, entry, groupUnavailable(session, apiVersion, failure));
      }
      this.unanswered = [];
    };
    const outcome = await this.await(isThere, onLate, GROUP_WAIT_MS_MAX);
    if (outcome === undefined) {
      await context.updateRecord(({ message: _over, ...record }) => record);
    }
    return outcome;
  }

  private unansweredText(): string {
    const { session, unanswered } = this;
    const groups = [...new Set(unanswered.map(({ entry }) => entry.line.apiVersion))].sort();
    return `API group ${groups.join(', ')} of cluster ${session.record.cluster} does not answer, ${unanswered.length} objects want it`;
  }

  /** Waits as `waitInPlace` does; after `waitMsMax` the run goes on without. */
  private async await(
    isThere: () => Promise<boolean>,
    onLate: () => void,
    waitMsMax = WAIT_MS_MAX,
  ): Promise<StepOutcome | undefined> {
    const { session, context } = this;
    if (await isThere()) return undefined;
    const since = session.waitingSinceMs ?? session.services.clock.now();
    if (session.waitingSinceMs === undefined) {
      session.setWaitingSince(since);
      // Kept now, so that a worker that dies while it waits does not make the wait begin anew.
      await session.flushed();
      await session.flush();
    }
    const deadlineMs = since + waitMsMax;
    const outcome = await waitInPlace(session.services, context, { isThere, deadlineMs });
    if (typeof outcome === 'object') return outcome;
    session.setWaitingSince(undefined);
    if (outcome === 'late') onLate();
    return undefined;
  }

  private throwFailure(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }

  /**
   * Objects in flight are waited for and written down, so that a run that is given up lists them. Not
   * after the lease was lost: the chunk belongs to the next worker then.
   */
  private async keepWhatIsDone(error: unknown): Promise<void> {
    await this.pool.settle();
    if (error instanceof LeaseLostError || this.context.signal.aborted) return;
    try {
      await this.session.writeRest();
    } catch {
      // The first error is the one that counts; what is not written down is found again.
    }
  }
}

function bareEntry(name: string, n: number): PlanEntry {
  const line: CatalogLine = {
    apiVersion: 'v1',
    resource: 'namespaces',
    kind: 'Namespace',
    name,
    uid: '',
    why: 'related:namespace',
    sha256: '',
    memberOffset: 0,
    memberLength: 0,
    offset: 0,
    length: 0,
  };
  return { n, stage: { wave: NAMESPACES_WAVE, depth: 0 }, line, isOwner: false, owners: {} };
}
