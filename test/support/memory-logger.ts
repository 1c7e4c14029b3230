import type { LogFields, Logger } from '../../shared/ports/logger.ts';

/** A line as logged, fields of parents included. */
export interface MemoryLogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly msg: string;
  readonly fields: LogFields;
}

/** Keeps what is logged; children write into the same list. */
export class MemoryLogger implements Logger {
  readonly lines: MemoryLogLine[];
  private readonly bound: LogFields;

  constructor(lines: MemoryLogLine[] = [], bound: LogFields = {}) {
    this.lines = lines;
    this.bound = bound;
  }

  debug(msg: string, fields?: LogFields): void {
    this.add('debug', msg, fields);
  }

  info(msg: string, fields?: LogFields): void {
    this.add('info', msg, fields);
  }

  warn(msg: string, fields?: LogFields): void {
    this.add('warn', msg, fields);
  }

  error(msg: string, fields?: LogFields): void {
    this.add('error', msg, fields);
  }

  child(fields: LogFields): Logger {
    return new MemoryLogger(this.lines, { ...this.bound, ...fields });
  }

  private add(level: MemoryLogLine['level'], msg: string, fields: LogFields = {}): void {
    this.lines.push({ level, msg, fields: { ...this.bound, ...fields } });
  }
}
