/**
 * The state of one cluster on disk: objects by key, one revision for everything as in etcd, and the
 * events of a window of time, from which watches resume and pages of a list stay consistent.
 *
 * Every write is one synchronous LMDB transaction without fsync: what was answered survives kill -9,
 * because the pages are with the kernel (a crash of the machine may lose the last writes).
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { JsonObject } from '../json-tree.ts';
import { BodyLog, packRef, unpackRef } from './body-log.ts';
import { EventWindow } from './event-window.ts';
import { serialiseAt } from './serialise.ts';
import { StoreEvent } from './store-event.ts';

/** An object as it lies in the store. */
export interface StoredObject {
  readonly key: string;
  readonly json: Buffer;
}

/** Writes between two looks at what is too old to keep. */
const forgetEvery = 1000;

/** A body log this large is rewritten at the next start, if most of it is of no more use. */
const rewriteBytesMin = 64 * 1024 * 1024;

function prefixEnd(prefix: string): string {
  return `${prefix.slice(0, -1)}0`; // '0' follows '/', which ends every prefix
}

/** The objects and the recent history of one cluster. */
export class ObjectStore {
  private readonly dir: string;
  private readonly root: RootDatabase;
  private readonly objects: Database<Buffer, string>;
  private readonly heads: Database<string, number>;
  private readonly facts: Database<string, string>;
  private readonly log: BodyLog;
  private readonly window: EventWindow;
  private readonly listeners: ((event: StoreEvent) => void)[] = [];
  private readonly now: () => number;
  private readonly windowMs: number;
  private readonly outbox: StoreEvent[] = [];
  private telling = false;
  private committing: StoreEvent[] | undefined;
  private last = 0;

  constructor(dir: string, now: () => number, windowMs: number) {
    this.dir = dir;
    this.now = now;
    this.windowMs = windowMs;
    this.root = open({ path: dir, noSync: true, maxDbs: 3 });
    this.objects = this.root.openDB('objects', { encoding: 'binary' });
    this.heads = this.root.openDB('events', { encoding: 'string', keyEncoding: 'uint32' });
    this.facts = this.root.openDB('facts', { encoding: 'string' });
    this.last = Number(this.facts.get('revision') ?? 0);
    this.log = this.openLog();
    this.window = new EventWindow(this.heads, this.log, this.last);
  }

  private logPath(generation: number): string {
    return join(this.dir, `bodies-${generation}.log`);
  }

  /** Opens the log of bodies; rewrites it first when little of it is still in use. */
  private openLog(): BodyLog {
    const generation = Number(this.facts.get('log') ?? 0);
    const log = new BodyLog(this.logPath(generation));
    let liveBytes = 0;
    for (const { value } of this.objects.getRange({})) liveBytes += unpackRef(value).length;
    if (log.size < rewriteBytesMin || liveBytes * 2 > log.size) return log;
    rmSync(this.logPath(generation + 1), { force: true });
    const fresh = new BodyLog(this.logPath(generation + 1));
    this.root.transactionSync(() => {
      for (const { key, value } of [...this.objects.getRange({})]) {
        this.objects.putSync(key, packRef(fresh.append(log.read(unpackRef(value)))));
      }
      // The events speak of bodies that are not copied: whoever watches has to list again.
      for (const key of [...this.heads.getKeys({})]) this.heads.removeSync(key);
      this.facts.putSync('log', String(generation + 1));
    });
    log.close();
    rmSync(this.logPath(generation), { force: true });
    return fresh;
  }

  /** The newest revision. */
  get revision(): number {
    return this.last;
  }

  /** Watches and exact lists from below this revision are answered with 410. */
  get oldestRevision(): number {
    this.forgetOldEvents();
    return this.window.firstRevision - 1;
  }

  /** Is told of every write after it is committed, in order. */
  onCommit(listener: (event: StoreEvent) => void): void {
    this.listeners.push(listener);
  }

  read(key: string): Buffer | undefined {
    const ref = this.objects.get(key);
    return ref === undefined ? undefined : this.log.read(unpackRef(ref));
  }

  /** Whether there is an object under a key. */
  has(key: string): boolean {
    return this.objects.doesExist(key);
  }

  /** Objects whose key starts with `prefix` ('' or ending in '/') in the order of their keys. */
  *scan(prefix: string, after?: string): Iterable<StoredObject> {
    const range = { start: after ?? prefix, ...(prefix === '' ? {} : { end: prefixEnd(prefix) }) };
    for (const { key, value } of this.objects.getRange(range)) {
      if (key !== after) yield { key, json: this.log.read(unpackRef(value)) };
    }
  }

  /** Keys that start with `prefix`, without the cost of reading what lies there. */
  keys(prefix: string): string[] {
    return [...this.objects.getKeys({ start: prefix, end: prefixEnd(prefix) })];
  }

  /** How many objects follow `after` under a prefix. */
  count(prefix: string, after?: string): number {
    const range = { start: after ?? prefix, end: prefixEnd(prefix) };
    const found = this.objects.getCount(range);
    return after !== undefined && this.objects.doesExist(after) ? found - 1 : found;
  }

  /** As `scan`, at an earlier revision that the window still covers. */
  *scanAt(revision: number, prefix: string, after?: string): Iterable<StoredObject> {
    const past = this.window.statesAt(revision, prefix, after);
    const restored = [...past].sort(([a], [b]) => (a < b ? -1 : 1));
    const { log } = this;
    let next = 0;
    const take = function* (before: string | undefined): Iterable<StoredObject> {
      for (let entry = restored[next]; entry !== undefined; entry = restored[next]) {
        const [key, ref] = entry;
        if (before !== undefined && key > before) return;
        next += 1;
        if (ref !== undefined) yield { key, json: log.read(ref) };
      }
    };
    for (const object of this.scan(prefix, after)) {
      yield* take(object.key);
      if (!past.has(object.key)) yield object;
    }
    yield* take(undefined);
  }

  /** Events after a revision under a prefix, oldest first. */
  eventsAfter(revision: number, prefix: string): Iterable<StoreEvent> {
    return this.window.after(revision, prefix);
  }

  /** Runs writes that belong together: all are kept, or none. */
  transact<T>(writes: () => T): T {
    if (this.committing !== undefined) return writes();
    const events: StoreEvent[] = [];
    const revisionBefore = this.last;
    this.committing = events;
    let result: T;
    try {
      result = this.root.transactionSync(writes);
    } catch (error) {
      this.last = revisionBefore;
      this.window.rollBack(revisionBefore);
      throw error;
    } finally {
      this.committing = undefined;
    }
    if (this.last % forgetEvery < events.length) this.forgetOldEvents();
    this.outbox.push(...events);
    this.tellListeners();
    return result;
  }

  /** A listener may write: its events wait their turn, so that all hear everything in order. */
  private tellListeners(): void {
    if (this.telling) return;
    this.telling = true;
    try {
      for (let event = this.outbox.shift(); event !== undefined; event = this.outbox.shift()) {
        for (const listener of this.listeners) listener(event);
      }
    } finally {
      this.telling = false;
    }
  }

  /** Writes an object; sets the revision of the write in it. Not to be changed afterwards. */
  put(key: string, object: JsonObject): number {
    return this.write(key, object, false);
  }

  /** Removes an object; `last` is its last state, told at the revision of the removal. */
  remove(key: string, last: JsonObject): number {
    return this.write(key, last, true);
  }

  private write(key: string, object: JsonObject, removal: boolean): number {
    return this.transact(() => {
      const revision = this.last + 1;
      const json = Buffer.from(serialiseAt(object, revision));
      const packed = this.objects.get(key);
      const previous = packed === undefined ? undefined : unpackRef(packed);
      const body = this.log.append(json);
      if (removal) this.objects.removeSync(key);
      else this.objects.putSync(key, packRef(body));
      const type = removal ? 'DELETED' : previous === undefined ? 'ADDED' : 'MODIFIED';
      this.window.record(revision, { type, key, atMs: this.now(), body, previous });
      this.facts.putSync('revision', String(revision));
      this.last = revision;
      const previousJson = previous === undefined ? undefined : this.log.read(previous);
      this.committing?.push(new StoreEvent({ revision, type, key, json, previousJson, object }));
      return revision;
    });
  }

  /** Drops what is older than the window, called before the window is looked at. */
  private forgetOldEvents(): void {
    const due = this.window.countDue(this.now() - this.windowMs);
    if (due > 0) this.root.transactionSync(() => this.window.forget(due));
  }

  /** A small fact that is no object, such as a token that the server gave out. */
  fact(name: string): string | undefined {
    return this.facts.get(name);
  }

  setFact(name: string, value: string): void {
    this.facts.putSync(name, value);
  }

  async close(): Promise<void> {
    await this.root.close();
    this.log.close();
  }
}
