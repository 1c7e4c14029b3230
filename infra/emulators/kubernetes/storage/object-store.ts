/**
 * The state of one cluster on disk: objects by key, one revision for everything as in etcd, and the
 * events of a window of time, from which watches resume and pages of a list stay consistent.
 *
 * Every write is one synchronous LMDB transaction without fsync: what was answered survives kill -9,
 * because the pages are with the kernel (a crash of the machine may lose the last writes).
 */
import { type Database, open, type RootDatabase } from 'lmdb';
import type { JsonObject } from '../json-tree.ts';
import { serialiseAt } from './serialise.ts';
import { type EventFields, type EventType, StoreEvent } from './store-event.ts';

/** An object as it lies in the store. */
export interface StoredObject {
  readonly key: string;
  readonly json: Buffer;
}

interface EventHead {
  readonly type: EventType;
  readonly key: string;
  readonly atMs: number;
}

/** Events kept at most, however young: bounds memory (about 150 bytes each). */
const eventsMax = 200_000;

/** Writes between two looks at what is too old to keep. */
const forgetEvery = 1000;

const newline = Buffer.from('\n');

function asBuffer(value: unknown): Buffer | undefined {
  return Buffer.isBuffer(value) ? value : undefined;
}

function prefixEnd(prefix: string): string {
  return `${prefix.slice(0, -1)}0`; // '0' follows '/', which ends every prefix
}

/** The objects and the recent history of one cluster. */
export class ObjectStore {
  private readonly root: RootDatabase;
  private readonly objects: Database<Buffer, string>;
  private readonly heads: Database<string, number>;
  private readonly bodies: Database<Buffer, number>;
  private readonly facts: Database<string, string>;
  private readonly events: EventHead[] = [];
  private readonly listeners: ((event: StoreEvent) => void)[] = [];
  private readonly now: () => number;
  private readonly windowMs: number;
  private readonly outbox: StoreEvent[] = [];
  private telling = false;
  private committing: StoreEvent[] | undefined;
  /** Revision of `events[0]`. */
  private firstRevision = 1;
  private last = 0;

  constructor(dir: string, now: () => number, windowMs: number) {
    this.now = now;
    this.windowMs = windowMs;
    this.root = open({ path: dir, noSync: true, maxDbs: 4 });
    this.objects = this.root.openDB('objects', { encoding: 'binary' });
    this.heads = this.root.openDB('events', { encoding: 'string', keyEncoding: 'uint32' });
    this.bodies = this.root.openDB('bodies', { encoding: 'binary', keyEncoding: 'uint32' });
    this.facts = this.root.openDB('facts', { encoding: 'string' });
    this.last = Number(this.facts.get('revision') ?? 0);
    this.firstRevision = this.last + 1;
    for (const { key, value } of this.heads.getRange({})) {
      if (this.events.length === 0) this.firstRevision = key;
      const [type = '', object = '', atMs = ''] = value.split('\n');
      this.events.push({ type: type as EventType, key: object, atMs: Number(atMs) });
    }
  }

  /** The newest revision. */
  get revision(): number {
    return this.last;
  }

  /** Watches and exact lists from below this revision are answered with 410. */
  get oldestRevision(): number {
    this.forgetOldEvents();
    return this.firstRevision - 1;
  }

  /** Is told of every write after it is committed, in order. */
  onCommit(listener: (event: StoreEvent) => void): void {
    this.listeners.push(listener);
  }

  read(key: string): Buffer | undefined {
    return asBuffer(this.objects.get(key));
  }

  /** Objects whose key starts with `prefix` ('' or ending in '/') in the order of their keys. */
  *scan(prefix: string, after?: string): Iterable<StoredObject> {
    const range = { start: after ?? prefix, ...(prefix === '' ? {} : { end: prefixEnd(prefix) }) };
    for (const { key, value } of this.objects.getRange(range)) {
      if (key !== after) yield { key, json: value };
    }
  }

  /** How many objects follow `after` under a prefix. */
  count(prefix: string, after?: string): number {
    const range = { start: after ?? prefix, end: prefixEnd(prefix) };
    const found = this.objects.getCount(range);
    return after !== undefined && this.objects.doesExist(after) ? found - 1 : found;
  }

  /** As `scan`, at an earlier revision that the window still covers. */
  *scanAt(revision: number, prefix: string, after?: string): Iterable<StoredObject> {
    const past = this.statesAt(revision, prefix, after);
    const restored = [...past].filter(([, state]) => state !== undefined);
    restored.sort(([a], [b]) => (a < b ? -1 : 1));
    let next = 0;
    const take = function* (before: string | undefined): Iterable<StoredObject> {
      for (let entry = restored[next]; entry !== undefined; entry = restored[next]) {
        const [key, json] = entry;
        if (before !== undefined && key > before) return;
        next += 1;
        if (json !== undefined) yield { key, json };
      }
    };
    for (const object of this.scan(prefix, after)) {
      yield* take(object.key);
      if (!past.has(object.key)) yield object;
    }
    yield* take(undefined);
  }

  /** What differs from now: the state of each key at a revision, for keys written since. */
  private statesAt(
    revision: number,
    prefix: string,
    after?: string,
  ): Map<string, Buffer | undefined> {
    const states = new Map<string, Buffer | undefined>();
    for (let at = revision + 1; at <= this.last; at += 1) {
      const head = this.events[at - this.firstRevision];
      if (head === undefined || !head.key.startsWith(prefix) || states.has(head.key)) continue;
      if (after !== undefined && head.key <= after) continue;
      states.set(head.key, this.eventAt(at)?.previousJson);
    }
    return states;
  }

  /** Events after a revision under a prefix, oldest first. */
  *eventsAfter(revision: number, prefix: string): Iterable<StoreEvent> {
    const from = Math.max(revision + 1, this.firstRevision);
    for (let at = from; at <= this.last; at += 1) {
      if (!this.events[at - this.firstRevision]?.key.startsWith(prefix)) continue;
      const event = this.eventAt(at);
      if (event !== undefined) yield event;
    }
  }

  private eventAt(revision: number): StoreEvent | undefined {
    const head = this.events[revision - this.firstRevision];
    const body = asBuffer(this.bodies.get(revision));
    if (head === undefined || body === undefined) return undefined;
    const line = body.indexOf(10);
    const json = line === -1 ? body : body.subarray(0, line);
    const previousJson = line === -1 ? undefined : body.subarray(line + 1);
    return new StoreEvent({ ...head, revision, json, previousJson });
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
      this.events.length = revisionBefore - this.firstRevision + 1;
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
    return this.transact(() => {
      const json = Buffer.from(serialiseAt(object, this.last + 1));
      const previous = this.read(key);
      this.objects.putSync(key, json);
      const type = previous === undefined ? 'ADDED' : 'MODIFIED';
      return this.record({ key, type, json, previousJson: previous, object });
    });
  }

  /** Removes an object; `last` is its last state, told at the revision of the removal. */
  remove(key: string, last: JsonObject): number {
    return this.transact(() => {
      const json = Buffer.from(serialiseAt(last, this.last + 1));
      const previousJson = this.read(key);
      this.objects.removeSync(key);
      return this.record({ key, type: 'DELETED', json, previousJson, object: last });
    });
  }

  private record(write: Omit<EventFields, 'revision'>): number {
    const { key, type, json, previousJson } = write;
    const revision = this.last + 1;
    const atMs = this.now();
    this.heads.putSync(revision, `${type}\n${key}\n${atMs}`);
    const parts = previousJson === undefined ? [json] : [json, newline, previousJson];
    this.bodies.putSync(revision, Buffer.concat(parts));
    this.facts.putSync('revision', String(revision));
    this.last = revision;
    this.events.push({ type, key, atMs });
    this.committing?.push(new StoreEvent({ ...write, revision }));
    return revision;
  }

  /** Drops what is older than the window, called before the window is looked at. */
  private forgetOldEvents(): void {
    const before = this.now() - this.windowMs;
    let drop = 0;
    while (drop < this.events.length) {
      const head = this.events[drop];
      if (head === undefined) break;
      if (head.atMs >= before && this.events.length - drop <= eventsMax) break;
      drop += 1;
    }
    if (drop === 0) return;
    const first = this.firstRevision;
    this.root.transactionSync(() => {
      for (let at = first; at < first + drop; at += 1) {
        this.heads.removeSync(at);
        this.bodies.removeSync(at);
      }
    });
    this.events.splice(0, drop);
    this.firstRevision += drop;
  }

  /** A small fact that is no object, such as a token that the server gave out. */
  fact(name: string): string | undefined {
    return this.facts.get(name);
  }

  setFact(name: string, value: string): void {
    this.facts.putSync(name, value);
  }

  close(): Promise<void> {
    return this.root.close();
  }
}
