import { randomBytes } from 'node:crypto';
import type { Entropy } from '../../ports/entropy.ts';

/** The machine's cryptographic randomness. */
export class SystemEntropy implements Entropy {
  hex(bytes: number): string {
    return randomBytes(bytes).toString('hex');
  }
}
