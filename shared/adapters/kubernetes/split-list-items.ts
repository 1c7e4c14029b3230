/**
 * Splits a list reply into the bytes of its items without building them: parsing and serialising
 * again would be most of the work of a capture, and could change what it passes on. Walks the bytes
 * once, looking only at brackets, quotes and backslashes.
 */
import { BackupCentreError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';

/** A list reply in its parts; items share the reply's memory. */
export interface ListParts {
  readonly items: readonly Buffer[];
  readonly metadata: JsonObject;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Bytes of a string looked at one by one before native search takes over. */
const SHORT_STRING_BYTES = 48;

/**
 * `metadata` and `items` of a JSON list, whatever their order.
 * @throws BackupCentreError `cluster_unreachable` (retryable) where the text is no such list: a reply cut short
 */
export function splitListItems(body: Buffer): ListParts {
  return new ListScanner(body).split();
}

class ListScanner {
  private readonly body: Buffer;
  private at = 0;
  /** Place of the first backslash at or after some earlier place; the end where there is none. */
  private backslash = -1;

  constructor(body: Buffer) {
    this.body = body;
  }

  split(): ListParts {
    let items: readonly Buffer[] = [];
    let metadata: JsonObject = {};
    this.skipBlanks();
    this.expect(OPEN_OBJECT);
    this.skipBlanks();
    while (this.body[this.at] !== CLOSE_OBJECT) {
      const name = this.readText();
      this.skipBlanks();
      this.expect(COLON);
      this.skipBlanks();
      if (name === 'items') items = this.readItems();
      else if (name === 'metadata') metadata = this.readObject();
      else this.skipValue();
      this.skipBlanks();
      if (this.body[this.at] !== COMMA) break;
      this.at += 1;
      this.skipBlanks();
    }
    this.expect(CLOSE_OBJECT);
    return { items, metadata };
  }

  /** The elements of the array here; `null` is an empty list, as Go writes nil slices. */
  private readItems(): readonly Buffer[] {
    if (this.body[this.at] !== OPEN_ARRAY) {
      this.skipValue();
      return [];
    }
    const items: Buffer[] = [];
    this.at += 1;
    this.skipBlanks();
    while (this.body[this.at] !== CLOSE_ARRAY) {
      const start = this.at;
      this.skipValue();
      items.push(this.body.subarray(start, this.at));
      this.skipBlanks();
      if (this.body[this.at] !== COMMA) break;
      this.at += 1;
      this.skipBlanks();
    }
    this.expect(CLOSE_ARRAY);
    return items;
  }

  private readText(): string {
    const start = this.at;
    this.expect(QUOTE);
    this.skipText();
    const value = this.parse(start);
    return typeof value === 'string' ? value : '';
  }

  private readObject(): JsonObject {
    const start = this.at;
    this.skipValue();
    const value = this.parse(start);
    return isJsonObject(value) ? value : {};
  }

  private parse(start: number): unknown {
    try {
      return JSON.parse(this.body.toString('utf8', start, this.at));
    } catch {
      throw this.malformed();
    }
  }

  /** Moves behind the value that begins here. */
  private skipValue(): void {
    const first = this.body[this.at];
    if (first === QUOTE) {
      this.at += 1;
      this.skipText();
    } else if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      this.skipNested();
    } else {
      this.skipWord();
    }
  }

  /** Moves behind the object or array that begins here. */
  private skipNested(): void {
    const { body } = this;
    const { length } = body;
    let depth = 0;
    let at = this.at;
    while (at < length) {
      const byte = body[at];
      at += 1;
      if (byte === QUOTE) {
        this.at = at;
        this.skipText();
        at = this.at;
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        depth += 1;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        depth -= 1;
        if (depth === 0) {
          this.at = at;
          return;
        }
      }
    }
    throw this.malformed();
  }

  /** Moves behind the quote that ends the text here. */
  private skipText(): void {
    const { body } = this;
    let at = this.at;
    for (;;) {
      const near = at + SHORT_STRING_BYTES;
      for (; at < near; at += 1) {
        const byte = body[at];
        if (byte === QUOTE) {
          this.at = at + 1;
          return;
        }
        if (byte === BACKSLASH) at += 1;
      }
      const quote = body.indexOf(QUOTE, at);
      if (quote < 0) throw this.malformed();
      const backslash = this.nextBackslash(at);
      if (quote < backslash) {
        this.at = quote + 1;
        return;
      }
      at = backslash + 2;
    }
  }

  /** Remembered between calls: searching anew each time would read the rest of the page each time. */
  private nextBackslash(from: number): number {
    if (this.backslash < from) {
      const found = this.body.indexOf(BACKSLASH, from);
      this.backslash = found < 0 ? this.body.length : found;
    }
    return this.backslash;
  }

  /** Moves behind a number, true, false or null. */
  private skipWord(): void {
    const start = this.at;
    while (isWordByte(this.body[this.at])) this.at += 1;
    if (this.at === start) throw this.malformed();
  }

  private skipBlanks(): void {
    for (;;) {
      const byte = this.body[this.at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return;
      this.at += 1;
    }
  }

  private expect(byte: number): void {
    if (this.body[this.at] !== byte) throw this.malformed();
    this.at += 1;
  }

  private malformed(): BackupCentreError {
    return new BackupCentreError(
      'cluster_unreachable',
      `Cannot read a list of the API server: it is no JSON list at byte ${this.at} of ${this.body.length}`,
      { retryable: true },
    );
  }
}

/** Letters, digits, sign, point: what numbers and the three words are made of. */
function isWordByte(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  );
}
