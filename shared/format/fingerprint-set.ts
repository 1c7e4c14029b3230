/** A set of texts in constant small memory per text: 128 bits of SHA-256, 32 bytes with its free room. */
import { hash } from 'node:crypto';

const WORDS = 4;

/** Remembers texts; cannot list them. Two texts of one fingerprint are as likely as two equal UUIDs. */
export class FingerprintSet {
  private table = new Uint32Array(1024 * WORDS);
  private count = 0;
  private lastText = '';
  private lastWords: Uint32Array = fingerprint('');

  /** How many different texts were added. */
  get size(): number {
    return this.count;
  }

  has(text: string): boolean {
    return this.slotOf(this.wordsOf(text)).found;
  }

  /** Adds a text; false where it was there. */
  add(text: string): boolean {
    const words = this.wordsOf(text);
    const { at, found } = this.slotOf(words);
    if (found) return false;
    this.table.set(words, at);
    this.count += 1;
    if (this.count * WORDS * 2 > this.table.length) this.grow();
    return true;
  }

  /** Most texts are asked for and then added: the last one is kept. */
  private wordsOf(text: string): Uint32Array {
    if (text !== this.lastText) {
      this.lastText = text;
      this.lastWords = fingerprint(text);
    }
    return this.lastWords;
  }

  private slotOf(words: Uint32Array): { at: number; found: boolean } {
    const { table } = this;
    const slots = table.length / WORDS;
    let slot = (words[0] ?? 0) % slots;
    for (;;) {
      const at = slot * WORDS;
      const free =
        (table[at] ?? 0) === 0 &&
        (table[at + 1] ?? 0) === 0 &&
        (table[at + 2] ?? 0) === 0 &&
        (table[at + 3] ?? 0) === 0;
      if (free) return { at, found: false };
      const same =
        table[at] === words[0] &&
        table[at + 1] === words[1] &&
        table[at + 2] === words[2] &&
        table[at + 3] === words[3];
      if (same) return { at, found: true };
      slot = (slot + 1) % slots;
    }
  }

  private grow(): void {
    const old = this.table;
    this.table = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      const words = old.subarray(at, at + WORDS);
      if (words.some((word) => word !== 0)) this.table.set(words, this.slotOf(words).at);
    }
  }
}

const UUID = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})([0-9a-f]{8})$/;

/** A UUID is its own fingerprint, nearly all of its bits being random. */
function fingerprint(text: string): Uint32Array {
  const uuid = text.length === 36 ? UUID.exec(text) : null;
  if (uuid !== null) {
    const [, a = '', b = '', c = '', d = '', e = '', f = ''] = uuid;
    return Uint32Array.of(...[a, b + c, d + e, f].map((hex) => Number.parseInt(hex, 16)));
  }
  const digest = hash('sha256', text, 'buffer');
  const words = new Uint32Array(WORDS);
  for (let i = 0; i < WORDS; i += 1) words[i] = digest.readUInt32LE(i * 4);
  return words;
}
