/**
 * A year of plans in minutes: the product's scheduler, reconciler and runner over one store, a clock that
 * jumps from one interesting minute to the next, and everything that goes wrong with timers, events and
 * instances. A backup is a marker and an archive in its vault, so that many fit into a test; what ends
 * its validity, and removes it, is the product's.
 */
import { openBackup } from '../../shared/app/backup-services.ts';
import { expireDue } from '../../shared/app/expire-backups.ts';
import { tellPlan } from '../../shared/app/plan-rows.ts';
import { reconcileRuns } from '../../shared/app/reconcile-runs.ts';
import { deleteWorkflow } from '../../shared/app/run-delete.ts';
import { runDuePlans } from '../../shared/app/run-due-plans.ts';
import type { StepContext, Workflow } from '../../shared/app/step.ts';
import { type RunnerServices, workOnRun } from '../../shared/app/step-runner.ts';
import { CLAIM_STEP } from '../../shared/app/steps/backup/claim.ts';
import type { BackupRecord } from '../../shared/domain/backup-record.ts';
import { isJsonObject } from '../../shared/domain/json.ts';
import type { Vault } from '../../shared/domain/vault.ts';
import { parseDispatchKey } from '../../shared/format/control-keys.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type { Entropy } from '../../shared/ports/entropy.ts';
import type { ObjectStore, ObjectStores } from '../../shared/ports/object-store.ts';
import { InMemoryCloudBackup } from './in-memory-cloud-backup.ts';
import { InMemoryClusterDirectory } from './in-memory-cluster-directory.ts';
import { InMemoryDiskCloud } from './in-memory-disk-cloud.ts';
import { InMemoryObjectStores } from './in-memory-object-store.ts';
import { InMemoryRecordStore } from './in-memory-record-store.ts';
import { MemoryLogger } from './memory-logger.ts';

const MINUTE = 60_000;
/** Longer than the grace of a dispatch and the lease of a dead worker. */
const AFTERMATH_MINUTES = 3;
/** Calls after which a doomed instance dies, at most. */
const CALLS_MAX = 60;

/** The vault of all plans. */
const VAULT: Vault = {
  identity: 'vault-1',
  spec: {
    name: 'main',
    bucketRegion: 'cn-hangzhou',
    bucketName: 'cnfs-oss-vault',
    bucketSubdirectory: 'team',
    visibility: 'owner',
  },
  creator: 'acs:ram::1000:root',
  accountId: '1000',
  createdAtMs: 0,
  phase: 'Available',
  versioned: false,
  bucketEncrypted: false,
  inbox: 'listed',
  warnings: [],
};

/** How often what goes wrong, 0 to 1. */
export interface Weather {
  readonly tickLost: number;
  readonly tickTwice: number;
  readonly eventLost: number;
  readonly death: number;
}

type Services = RunnerServices & Parameters<typeof deleteWorkflow>[0];

/** No instance lived long enough to see it. */
class Died extends Error {}

interface Life {
  callsLeft: number;
  readonly afterCall: boolean;
  dead: boolean;
}

/** The world: its clock, its store, and what runs have left. */
export class YearOfPlans {
  readonly records = new InMemoryRecordStore();
  readonly log = new MemoryLogger();
  readonly happened = { ticks: 0, lostTicks: 0, deaths: 0, lostEvents: 0 };
  private nowMs: number;
  private readonly random: () => number;
  private readonly weather: Weather;
  private readonly lastsMs: (record: BackupRecord) => number;
  private readonly stores = new InMemoryObjectStores(() => this.nowMs);
  private readonly control = this.stores.open({ region: 'cn-hangzhou', name: 'control' });
  private readonly bucket = this.stores.open({
    region: VAULT.spec.bucketRegion,
    name: VAULT.spec.bucketName,
  });
  /** Minutes at which backups are due by their age, and nobody who lived has looked. */
  private readonly ages = new Set<number>();
  private readonly soon = new Set<number>();
  private dispatched: string[] = [];
  private isCalm = true;
  private readonly endMs: number;
  private readonly directory = new InMemoryClusterDirectory();
  private readonly disks = new InMemoryDiskCloud(this.everyday());
  private readonly cloudBackup = new InMemoryCloudBackup(this.everyday());

  constructor(given: {
    readonly startMs: number;
    readonly endMs: number;
    readonly seed: number;
    readonly weather: Weather;
    /** How long a run waits for its volumes; the same whenever it is asked. */
    readonly lastsMs: (record: BackupRecord) => number;
  }) {
    this.nowMs = given.startMs;
    this.endMs = given.endMs;
    this.random = randomFrom(given.seed);
    this.weather = given.weather;
    this.lastsMs = given.lastsMs;
    this.records.intercept = async (call, proceed) => {
      if (call.method === 'put') this.onWrite(call.subject);
      return await proceed();
    };
    this.control.intercept = async (call, proceed) => {
      const result = await proceed();
      const runId = call.method === 'put' ? parseDispatchKey(call.subject)?.runId : undefined;
      if (runId === undefined) return result;
      this.onDispatch(runId);
      // Nobody reads it again; a year of them would slow the double down.
      await this.control.remove([call.subject]);
      return result;
    };
  }

  /** Before anything else: the vault. */
  async open(): Promise<void> {
    const { accountId, identity, spec } = VAULT;
    await this.records.put('vaults', [accountId, spec.name, identity], VAULT, 'absent');
  }

  /** What lies in the vault's bucket. */
  storage(): readonly string[] {
    return this.bucket.keys();
  }

  /** Minutes that are worth a look because of what happened before. */
  nextSoon(): number | undefined {
    return this.soon.size === 0 ? undefined : Math.min(...this.soon);
  }

  /** Nobody looks at that minute: what it had to do is still to do later. */
  postpone(atMs: number, toMs: number): void {
    if (this.soon.delete(atMs)) this.soon.add(toMs);
  }

  /** One minute: the timers fire, or not, and workers do what there is to do. */
  async minute(
    atMs: number,
    how: { readonly calm: boolean; readonly schedules: boolean },
  ): Promise<void> {
    this.soon.delete(atMs);
    this.nowMs = atMs + Math.floor(this.random() * 40_000);
    this.isCalm = how.calm;
    await this.instance((services) => reconcileRuns(services));
    await this.workers();
    if (!how.schedules) return;
    const troublesBefore = this.troubles();
    const ticks = Array.from({ length: this.ticks() }, () =>
      this.instance((services) => this.tick(services)),
    );
    await Promise.all(ticks);
    if (this.troubles() === troublesBefore) for (const ms of this.aged()) this.ages.delete(ms);
    await this.workers();
  }

  /** As the scheduler's function does both. */
  private async tick(services: Services): Promise<void> {
    const deadlineMs = this.nowMs + 50_000;
    const ends = await Promise.allSettled([
      runDuePlans(services, deadlineMs),
      // Where nothing is due it lists eight times and finds nothing, which is dear in these doubles.
      this.aged().length === 0 ? undefined : expireDue(services, deadlineMs),
    ]);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  private aged(): readonly number[] {
    return [...this.ages].filter((ms) => ms <= this.nowMs);
  }

  private troubles(): number {
    return this.happened.deaths + this.happened.lostTicks;
  }

  private ticks(): number {
    const { tickLost, tickTwice } = this.weather;
    const ticks = this.happens(tickLost) ? 0 : this.happens(tickTwice) ? 2 : 1;
    this.happened.ticks += ticks;
    if (ticks > 0) return ticks;
    this.happened.lostTicks += 1;
    this.lookAgain();
    return 0;
  }

  /** A backup's row says when its age is to be looked at; nothing is aged when the year is over. */
  private onWrite(subject: string): void {
    const [table, , time] = subject.split('/');
    if (table !== 'expiries') return;
    const atMs = Math.ceil(Number(time) / MINUTE) * MINUTE;
    if (atMs >= this.endMs) return;
    this.soon.add(atMs);
    this.ages.add(atMs);
  }

  private onDispatch(runId: string): void {
    if (!this.happens(this.weather.eventLost)) {
      this.dispatched.push(runId);
      return;
    }
    this.happened.lostEvents += 1;
    this.lookAgain();
  }

  private async workers(): Promise<void> {
    while (this.dispatched.length > 0) {
      const runs = this.dispatched;
      this.dispatched = [];
      for (const runId of runs) {
        await this.instance((services) =>
          workOnRun(services, [this.workflow(services), deleteWorkflow(services)], {
            runId,
            deadlineMs: this.nowMs + 600_000,
          }),
        );
      }
    }
  }

  /** What a function instance does, if it lives to do it. */
  private async instance(work: (services: Services) => Promise<unknown>): Promise<void> {
    const life: Life = {
      callsLeft: this.happens(this.weather.death)
        ? Math.floor(this.random() * CALLS_MAX)
        : Number.POSITIVE_INFINITY,
      afterCall: this.random() < 0.5,
      dead: false,
    };
    const clock = this.everyday();
    const entropy: Entropy = { hex: (bytes) => hex(this.random, bytes) };
    try {
      const { log, directory, disks, cloudBackup } = this;
      const records = mortal(this.records, life);
      const control = mortal(this.control, life);
      const bucket = mortal<ObjectStore>(this.bucket, life);
      const stores: ObjectStores = { open: () => bucket };
      const ports = { records, control, stores, directory, disks, cloudBackup };
      await work({ ...ports, clock, entropy, log, accountId: VAULT.accountId });
    } catch (error) {
      if (!life.dead) throw error;
    }
    if (!life.dead) return;
    this.happened.deaths += 1;
    this.lookAgain();
  }

  /** A backup as thin as may be: it waits as long as it lasts, and leaves what ends it. */
  private workflow(services: Services): Workflow<BackupRecord> {
    return {
      kind: 'backup',
      table: 'backups',
      steps: [
        { name: CLAIM_STEP, run: (context) => this.wait(context) },
        {
          name: 'finish',
          run: async (context) => {
            const record = await context.updateRecord((r) => ({
              ...r,
              phase: 'Finalizing',
            }));
            const { store, keys } = await openBackup(services, record);
            await store.put(keys.archive, Buffer.from(record.id));
            await store.put(keys.marker, Buffer.from(record.id));
            const completedAtMs = this.nowMs;
            await context.updateRecord((r) => ({ ...r, phase: 'Completed', completedAtMs }));
            return { kind: 'done' };
          },
        },
      ],
      abandon: async (context) => {
        await context.updateRecord((r) => ({ ...r, phase: 'Failed' }));
      },
      tellEnd: (record) => tellPlan(services.records, record),
    };
  }

  private async wait(context: StepContext<BackupRecord>) {
    const { checkpoint } = context;
    const known = isJsonObject(checkpoint) ? Number(checkpoint.untilMs) : undefined;
    const untilMs = known ?? context.record().createdAtMs + this.lastsMs(context.record());
    if (untilMs <= this.nowMs) {
      await context.updateRecord((r) => ({ ...r, phase: 'InProgress' }));
      // The result says that the folder is the run's own: else a deletion leaves its files alone.
      return { kind: 'done', result: true } as const;
    }
    await context.save({ untilMs });
    await context.updateRecord((r) => ({ ...r, phase: 'InProgress' }));
    await context.updateRecord((r) => ({ ...r, phase: 'WaitingForVolumes' }));
    this.soon.add(Math.ceil(untilMs / MINUTE) * MINUTE);
    return { kind: 'wait', wakeAtMs: untilMs } as const;
  }

  private everyday(): Clock {
    return { now: () => this.nowMs, sleep: (_ms, signal) => endless(signal) };
  }

  private happens(share: number): boolean {
    return !this.isCalm && this.random() < share;
  }

  /** Timers come each minute; these may have something to make up for. */
  private lookAgain(): void {
    const now = Math.floor(this.nowMs / MINUTE) * MINUTE;
    for (let i = 1; i <= AFTERMATH_MINUTES; i += 1) this.soon.add(now + i * MINUTE);
  }
}

/** The same numbers for the same seed, 0 to 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function hex(random: () => number, bytes: number): string {
  return Array.from({ length: bytes }, () =>
    Math.floor(random() * 256)
      .toString(16)
      .padStart(2, '0'),
  ).join('');
}

/** Pauses of a heartbeat: no time passes within a minute. */
function endless(signal?: AbortSignal): Promise<void> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

/** A port in the hands of an instance: once that is dead, no call of it happens. */
function mortal<P extends object>(port: P, life: Life): P {
  return new Proxy(port, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return async (...given: readonly unknown[]): Promise<unknown> => {
        life.callsLeft -= 1;
        const isLast = life.callsLeft < 0;
        if (life.dead || (isLast && !life.afterCall)) {
          life.dead = true;
          throw new Died();
        }
        const result: unknown = await Reflect.apply(member, target, given);
        if (!isLast) return result;
        life.dead = true;
        throw new Died();
      };
    },
  });
}
