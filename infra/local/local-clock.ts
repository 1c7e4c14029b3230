/** The stack's clock: the machine's, moved forward by what `control` asked for; kept over restarts. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A clock that only moves forward. */
export class LocalClock {
  private readonly file: string;
  private offsetMs: number;

  constructor(stateDir: string) {
    this.file = join(stateDir, 'clock.json');
    this.offsetMs = existsSync(this.file) ? Number(readFileSync(this.file, 'utf8')) : 0;
  }

  readonly now = (): number => Date.now() + this.offsetMs;

  /** Moves the clock forward by `ms`. */
  advance(ms: number): void {
    this.offsetMs += ms;
    writeFileSync(this.file, String(this.offsetMs));
  }
}
