/**
 * SHA-256 of an object in normalised form (FORMAT.md): without what a server adds by itself, keys
 * sorted, no blanks, strings escaped one way, numbers as they were written. Works on bytes: parsing
 * and printing again would cost more than all else that a capture does, and round large integers.
 */
import { hash } from 'node:crypto';
import { BackupCentreError } from '../domain/errors.ts';
import { skipBlanks, skipString, skipValue } from './json-skip.ts';

/** Top-level fields that are not part of the normalised form. */
const DROPPED = new Set(['status']);
/** Fields of `metadata` that are not. */
const DROPPED_METADATA = new Set([
  'managedFields',
  'resourceVersion',
  'uid',
  'generation',
  'creationTimestamp',
  'selfLink',
]);
const NOTHING: ReadonlySet<string> = new Set();

/** Deeper nesting is refused; the API server stops at 10,000 and real objects at a few dozen. */
const DEPTH_MAX = 2000;
const BACKSLASH = 0x5c;

/** Hashes objects one after the other, reusing its buffers. */
export class NormalisedHasher {
  private out = Buffer.allocUnsafe(64 * 1024);
  private spare = Buffer.allocUnsafe(64 * 1024);
  /** `out` as a plain array: its views are made faster than a Buffer's. */
  private outBytes = plain(this.out);
  private src: Uint8Array = this.outBytes;
  private at = 0;
  private end = 0;
  private nextBackslash = -1;

  /** Hex SHA-256 of the normalised form. @throws BackupCentreError `bundle_invalid`, no JSON object */
  hash(object: Uint8Array): string {
    return hash('sha256', this.normalise(object), 'hex');
  }

  /** The normalised form; valid until the next call. */
  normalise(object: Uint8Array): Uint8Array {
    if (this.out.length < object.length) {
      this.out = Buffer.allocUnsafe(object.length * 2);
      this.spare = Buffer.allocUnsafe(object.length * 2);
      this.outBytes = plain(this.out);
    }
    this.src = plain(object);
    this.at = skipBlanks(object, 0);
    this.end = 0;
    this.nextBackslash = object.indexOf(BACKSLASH);
    if (object[this.at] !== 0x7b) this.fail('an object');
    this.value(0, DROPPED, true);
    if (skipBlanks(object, this.at) !== object.length) this.fail('the end');
    return this.outBytes.subarray(0, this.end);
  }

  private value(depth: number, dropped: ReadonlySet<string>, isRoot: boolean): void {
    if (depth > DEPTH_MAX) this.fail(`at most ${DEPTH_MAX} levels`);
    const c = this.src[this.at];
    if (c === 0x7b) this.object(depth, dropped, isRoot);
    else if (c === 0x5b) this.array(depth);
    else if (c === 0x22) this.string();
    else this.scalar();
  }

  private scalar(): void {
    const to = skipValue(this.src, this.at);
    if (to < 0) this.fail('a value');
    this.copy(this.at, to);
    this.at = to;
  }

  private array(depth: number): void {
    this.put(0x5b);
    this.at = skipBlanks(this.src, this.at + 1);
    let first = true;
    while (this.src[this.at] !== 0x5d) {
      if (!first) this.comma();
      first = false;
      this.value(depth + 1, NOTHING, false);
      this.at = skipBlanks(this.src, this.at);
    }
    this.at += 1;
    this.put(0x5d);
  }

  private object(depth: number, dropped: ReadonlySet<string>, isRoot: boolean): void {
    this.put(0x7b);
    const begin = this.end;
    // Where each member begins and its key ends in `out`; one more for the end of the last.
    const starts: number[] = [];
    const keyEnds: number[] = [];
    let sorted = true;
    this.at = skipBlanks(this.src, this.at + 1);
    let first = true;
    while (this.src[this.at] !== 0x7d) {
      if (!first) this.comma(starts.length > 0);
      first = false;
      const start = this.end;
      if (this.src[this.at] !== 0x22) this.fail('a key');
      this.string();
      const keyEnd = this.end;
      this.colon();
      const key =
        dropped.size > 0 || isRoot ? this.out.toString('utf8', start + 1, keyEnd - 1) : '';
      if (dropped.has(key)) {
        this.drop(starts.length > 0 ? start - 1 : start);
        continue;
      }
      this.value(depth + 1, isRoot && key === 'metadata' ? DROPPED_METADATA : NOTHING, false);
      this.at = skipBlanks(this.src, this.at);
      const last = starts.length - 1;
      if (sorted && last >= 0) {
        sorted = this.compare(starts[last] ?? 0, keyEnds[last] ?? 0, start, keyEnd) <= 0;
      }
      starts.push(start);
      keyEnds.push(keyEnd);
    }
    this.at += 1;
    if (!sorted) this.sort(begin, starts, keyEnds);
    this.put(0x7d);
  }

  /** Takes back a member whose key was written, and steps over its value. */
  private drop(backTo: number): void {
    this.end = backTo;
    const to = skipValue(this.src, this.at);
    if (to < 0) this.fail('a value');
    this.at = skipBlanks(this.src, to);
    this.skipBackslashes();
  }

  private comma(write = true): void {
    if (this.src[this.at] !== 0x2c) this.fail('a comma');
    this.at = skipBlanks(this.src, this.at + 1);
    if (write) this.put(0x2c);
  }

  private colon(): void {
    this.at = skipBlanks(this.src, this.at);
    if (this.src[this.at] !== 0x3a) this.fail('a colon');
    this.at = skipBlanks(this.src, this.at + 1);
    this.put(0x3a);
  }

  private string(): void {
    const to = skipString(this.src, this.at);
    if (to < 0) this.fail('the end of a string');
    if (this.nextBackslash < 0 || this.nextBackslash >= to) this.copy(this.at, to);
    else this.escapedString(this.at, to);
    this.at = to;
  }

  private escapedString(from: number, to: number): void {
    let decoded: unknown;
    try {
      decoded = JSON.parse(view(this.src, from, to).toString('utf8'));
    } catch {
      this.fail('a string');
    }
    // Never longer than the source: each escape that stays is the shortest there is.
    this.end += this.out.write(JSON.stringify(decoded), this.end, 'utf8');
    this.at = to;
    this.skipBackslashes();
  }

  /** Moves the mark of the next backslash to or behind the present position. */
  private skipBackslashes(): void {
    if (this.nextBackslash >= 0 && this.nextBackslash < this.at) {
      this.nextBackslash = this.src.indexOf(BACKSLASH, this.at);
    }
  }

  private put(byte: number): void {
    this.outBytes[this.end] = byte;
    this.end += 1;
  }

  private copy(from: number, to: number): void {
    const { src, outBytes: out } = this;
    if (to - from > 40) {
      out.set(src.subarray(from, to), this.end);
      this.end += to - from;
      return;
    }
    let end = this.end;
    for (let i = from; i < to; i += 1) {
      out[end] = src[i] ?? 0;
      end += 1;
    }
    this.end = end;
  }

  /** Order of two keys (quotes included in the ranges) by their bytes. */
  private compare(aFrom: number, aTo: number, bFrom: number, bTo: number): number {
    const { outBytes: out } = this;
    const length = Math.min(aTo - aFrom, bTo - bFrom) - 1;
    for (let i = 1; i < length; i += 1) {
      const a = out[aFrom + i] ?? 0;
      const b = out[bFrom + i] ?? 0;
      if (a === b) continue;
      // An escape does not sort as the character it stands for.
      const escaped = a === BACKSLASH || b === BACKSLASH || out[aFrom + i - 1] === BACKSLASH;
      return escaped ? compareDecoded(this.out, [aFrom, aTo], [bFrom, bTo]) : a - b;
    }
    return aTo - aFrom - (bTo - bFrom);
  }

  /** Puts the members written since `begin` in the order of their keys. */
  private sort(begin: number, starts: readonly number[], keyEnds: readonly number[]): void {
    const order = starts.map((_, i) => i);
    order.sort((a, b) =>
      this.compare(starts[a] ?? 0, keyEnds[a] ?? 0, starts[b] ?? 0, keyEnds[b] ?? 0),
    );
    let to = 0;
    for (const i of order) {
      if (to > 0) this.spare[to++] = 0x2c;
      const memberEnd = (starts[i + 1] ?? this.end + 1) - 1;
      to += this.out.copy(this.spare, to, starts[i] ?? 0, memberEnd);
    }
    this.spare.copy(this.out, begin, 0, to);
  }

  private fail(expected: string): never {
    throw new BackupCentreError(
      'bundle_invalid',
      `Cannot normalise an object: expected ${expected} at byte ${this.at}`,
    );
  }
}

function compareDecoded(
  out: Buffer,
  a: readonly [number, number],
  b: readonly [number, number],
): number {
  const decode = ([from, to]: readonly [number, number]) =>
    Buffer.from(String(JSON.parse(out.toString('utf8', from, to))));
  return Buffer.compare(decode(a), decode(b));
}

function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

function view(bytes: Uint8Array, from: number, to: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from);
}
