/**
 * What a run tells while it works: log lines and findings, as chunks of its scratch streams. Lines wait
 * in memory until `flush`; its position belongs into the checkpoint that follows, so that a chunk that a
 * dead worker left is written again and not counted twice. Content of a Secret never gets here.
 */
import type { Finding } from '../domain/finding.ts';
import { isJsonObject, type Json } from '../domain/json.ts';
import type { Clock } from '../ports/clock.ts';
import type { RunScratch } from './run-scratch.ts';
import type { StepContext, WorkRecord } from './step.ts';

/** Chunks written so far, by stream. */
export interface JournalPosition {
  readonly logs: number;
  readonly results: number;
}

/** How grave a line is. */
export type LogLevel = 'info' | 'warning' | 'error';

/** Log lines and findings of one run. */
export class RunJournal {
  private readonly scratch: RunScratch;
  private readonly clock: Clock;
  private logs: number;
  private results: number;
  private lines: string[] = [];
  private findings: string[] = [];

  constructor(scratch: RunScratch, clock: Clock, position: JournalPosition) {
    this.scratch = scratch;
    this.clock = clock;
    this.logs = position.logs;
    this.results = position.results;
  }

  /** Goes on where the step's checkpoint, or else the steps before, left off. */
  static resume<R extends WorkRecord>(context: StepContext<R>, clock: Clock): RunJournal {
    const held = [context.checkpoint, ...Object.values(context.results)].map(positionIn);
    const newest = held[0] ?? {
      logs: Math.max(0, ...held.map((p) => p?.logs ?? 0)),
      results: Math.max(0, ...held.map((p) => p?.results ?? 0)),
    };
    return new RunJournal(context.scratch, clock, newest);
  }

  log(level: LogLevel, text: string): void {
    const time = new Date(this.clock.now()).toISOString();
    this.lines.push(`${time} ${level} ${text.replaceAll('\n', ' ')}\n`);
  }

  /** A finding goes into the results and, as a line, into the log. */
  find(level: 'error' | 'warning', finding: Finding): void {
    this.findings.push(`${JSON.stringify({ level, finding })}\n`);
    this.log(level, finding.message);
  }

  /** Writes what waits, and says what a checkpoint must hold as `journal`. */
  async flush(): Promise<JournalPosition> {
    if (this.lines.length > 0) {
      const bytes = Buffer.from(this.lines.join(''));
      this.lines = [];
      await this.scratch.write('logs', this.logs, bytes);
      this.logs += 1;
    }
    if (this.findings.length > 0) {
      const bytes = Buffer.from(this.findings.join(''));
      this.findings = [];
      await this.scratch.write('results', this.results, bytes);
      this.results += 1;
    }
    return { logs: this.logs, results: this.results };
  }
}

function positionIn(value: Json): JournalPosition | undefined {
  const journal = isJsonObject(value) ? value.journal : undefined;
  if (!isJsonObject(journal)) return undefined;
  const { logs, results } = journal;
  return typeof logs === 'number' && typeof results === 'number' ? { logs, results } : undefined;
}

/** Findings of a results chunk. */
export function parseFindings(
  chunk: Uint8Array,
): readonly { readonly level: 'error' | 'warning'; readonly finding: Finding }[] {
  return Buffer.from(chunk)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { level: 'error' | 'warning'; finding: Finding });
}
