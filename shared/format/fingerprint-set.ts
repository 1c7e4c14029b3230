/** A set of texts in constant small memory per text: 128 bits of SHA-256, 32 bytes with its free room. */
import { hash } from 'node:crypto';

const WORDS = 4;

/** Remembers texts; cannot list them. Two texts of one fingerprint are as likely as two equal UUIDs. */
export class FingerprintSet {
  private table = new Uint32Array(1024 * WORDS);
  private count = 0;

  /** How many different texts were added. */
  get size(): number {
    return this.count;
  }

  has(text: string): boolean {
    return this.slotOf(fingerprint(text)).found;
  }

  /** Adds a text; false where it was there. */
  add(text: string): boolean {
    const words = fingerprint(text);
    const { at, found } = this.slotOf(words);
    if (found) return false;
    this.table.set(words, at);
    this.count += 1;
    if (this.count * WORDS * 2 > this.table.length) this.grow();
    return true;
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

function fingerprint(text: string): Uint32Array {
  const digest = hash('sha256', text, 'buffer');
  const words = new Uint32Array(WORDS);
  for (let i = 0; i < WORDS; i += 1) words[i] = digest.readUInt32LE(i * 4);
  return words;
}
