import { createHash } from 'node:crypto';
import type { Entropy } from '../../shared/ports/entropy.ts';

/** The same texts in the same order for the same seed. */
export class SeededEntropy implements Entropy {
  private readonly seed: string;
  private drawn = 0;

  constructor(seed: string | number = 1) {
    this.seed = String(seed);
  }

  hex(bytes: number): string {
    let text = '';
    for (let block = 0; text.length < bytes * 2; block += 1) {
      text += createHash('sha256').update(`${this.seed}/${this.drawn}/${block}`).digest('hex');
    }
    this.drawn += 1;
    return text.slice(0, bytes * 2);
  }
}
