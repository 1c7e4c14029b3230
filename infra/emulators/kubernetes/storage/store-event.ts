import { isObject, type JsonObject } from '../json-tree.ts';

/** What happened to an object. */
export type EventType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** Reads an object from the store's own bytes. */
export function parseStored(json: Buffer): JsonObject {
  const value: unknown = JSON.parse(json.toString('utf8'));
  if (!isObject(value)) throw new Error('The store holds something that is no object');
  return value;
}

/** What an event is made of. */
export interface EventFields {
  readonly revision: number;
  readonly type: EventType;
  readonly key: string;
  readonly json: Buffer;
  readonly previousJson: Buffer | undefined;
  /** The object that `json` was made from, where it is at hand. */
  readonly object?: JsonObject;
}

/** One write. The body of a DELETED event is the last state, at the revision of the deletion. */
export class StoreEvent {
  readonly revision: number;
  readonly type: EventType;
  readonly key: string;
  readonly json: Buffer;
  /** The state before; absent when the object was added. */
  readonly previousJson: Buffer | undefined;
  private parsed: JsonObject | undefined;
  private parsedPrevious: JsonObject | undefined;

  constructor(fields: EventFields) {
    this.revision = fields.revision;
    this.type = fields.type;
    this.key = fields.key;
    this.json = fields.json;
    this.previousJson = fields.previousJson;
    this.parsed = fields.object;
  }

  /** The object, parsed once for all who look; not to be changed. */
  get object(): JsonObject {
    this.parsed ??= parseStored(this.json);
    return this.parsed;
  }

  /** The state before, if there was one; not to be changed. */
  get previous(): JsonObject | undefined {
    if (this.previousJson === undefined) return undefined;
    this.parsedPrevious ??= parseStored(this.previousJson);
    return this.parsedPrevious;
  }
}
