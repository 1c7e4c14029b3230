/** The events of a window of time: watches resume from them, and earlier states are found by them. */
import type { Database } from 'lmdb';
import type { BodyLog, BodyRef } from './body-log.ts';
import { type EventType, StoreEvent } from './store-event.ts';

/** What the window keeps of a write. */
export interface EventHead {
  readonly type: EventType;
  readonly key: string;
  readonly atMs: number;
  /** The object after the write, or its last state. */
  readonly body: BodyRef;
  readonly previous: BodyRef | undefined;
}

/** Events kept at most, however young: bounds memory (about 250 bytes each). */
const eventsMax = 100_000;

function encodeHead(head: EventHead): string {
  const { type, key, atMs, body, previous } = head;
  const refs = [body, ...(previous === undefined ? [] : [previous])];
  return [type, key, atMs, ...refs.map((ref) => `${ref.offset},${ref.length}`)].join('\n');
}

function decodeRef(text: string): BodyRef {
  const [offset = '', length = ''] = text.split(',');
  return { offset: Number(offset), length: Number(length) };
}

function decodeHead(text: string): EventHead {
  const [type, key = '', atMs, body = '', previous] = text.split('\n');
  return {
    type: type as EventType,
    key,
    atMs: Number(atMs),
    body: decodeRef(body),
    previous: previous === undefined ? undefined : decodeRef(previous),
  };
}

/** The recent history of a store, by revision. */
export class EventWindow {
  private readonly heads: Database<string, number>;
  private readonly log: BodyLog;
  private readonly events: EventHead[] = [];
  /** Revision of `events[0]`. */
  private first: number;

  constructor(heads: Database<string, number>, log: BodyLog, newestRevision: number) {
    this.heads = heads;
    this.log = log;
    this.first = newestRevision + 1;
    for (const { key, value } of heads.getRange({})) {
      if (this.events.length === 0) this.first = key;
      this.events.push(decodeHead(value));
    }
  }

  /** The revision of the oldest event still there (or of the next one to come). */
  get firstRevision(): number {
    return this.first;
  }

  /** Adds the event of a revision, inside the transaction of its write. */
  record(revision: number, head: EventHead): void {
    this.heads.putSync(revision, encodeHead(head));
    this.events.push(head);
  }

  /** Takes back what a failed transaction recorded after a revision. */
  rollBack(revision: number): void {
    this.events.length = revision - this.first + 1;
  }

  private at(revision: number): EventHead | undefined {
    return this.events[revision - this.first];
  }

  /** Events after a revision whose key starts with a prefix, oldest first. */
  *after(revision: number, prefix: string): Iterable<StoreEvent> {
    const newest = this.first + this.events.length - 1;
    for (let at = Math.max(revision + 1, this.first); at <= newest; at += 1) {
      const head = this.at(at);
      if (head === undefined || !head.key.startsWith(prefix)) continue;
      const previousJson = head.previous === undefined ? undefined : this.log.read(head.previous);
      const json = this.log.read(head.body);
      yield new StoreEvent({ revision: at, type: head.type, key: head.key, json, previousJson });
    }
  }

  /** What differs from now: where each key's body lay at a revision, for keys written since. */
  statesAt(revision: number, prefix: string, after?: string): Map<string, BodyRef | undefined> {
    const states = new Map<string, BodyRef | undefined>();
    const newest = this.first + this.events.length - 1;
    for (let at = revision + 1; at <= newest; at += 1) {
      const head = this.at(at);
      if (head === undefined || !head.key.startsWith(prefix) || states.has(head.key)) continue;
      if (after === undefined || head.key > after) states.set(head.key, head.previous);
    }
    return states;
  }

  /** How many of the oldest events are due to be forgotten. */
  countDue(beforeMs: number): number {
    let due = 0;
    for (const head of this.events) {
      if (head.atMs >= beforeMs && this.events.length - due <= eventsMax) break;
      due += 1;
    }
    return due;
  }

  /** Forgets the oldest events, inside a transaction. */
  forget(count: number): void {
    for (let at = this.first; at < this.first + count; at += 1) this.heads.removeSync(at);
    this.events.splice(0, count);
    this.first += count;
  }
}
