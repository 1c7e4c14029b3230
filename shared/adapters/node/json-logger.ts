import type { LogFields, Logger } from '../../ports/logger.ts';

/** Levels in order of weight. */
const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** Weight of a line. */
export type LogLevel = (typeof LEVELS)[number];

/** Where lines go: stdout of a function, stderr of the local stack. */
interface LineSink {
  write(line: string): unknown;
}

/** What a logger is made with. */
export interface JsonLoggerOptions {
  readonly sink: LineSink;
  readonly now: () => number;
  /** Lines below this are dropped. */
  readonly level: LogLevel;
}

/** Longest text of one field, characters: the log service cuts lines, and unreadable JSON is lost. */
const TEXT_LENGTH_MAX = 8_000;

/** Names of fields that hold secrets, at any depth: a last net, callers must not log them at all. */
const SECRET_NAME =
  /^(authorization|cookie|data|stringdata)$|secret(?!name$)|password|passwd|token$|credential|kubeconfig|privatekey/i;
/** Fencing tokens of leases and continue tokens of lists are no secrets. */
const HARMLESS_NAME = /^(lease|fencing|continue)token$/i;

/** One JSON object per line: level, time, msg, then the fields. Never throws. */
export class JsonLogger implements Logger {
  private readonly options: JsonLoggerOptions;
  private readonly bound: LogFields;

  constructor(options: JsonLoggerOptions, bound: LogFields = {}) {
    this.options = options;
    this.bound = bound;
  }

  debug(msg: string, fields?: LogFields): void {
    this.write('debug', msg, fields);
  }

  info(msg: string, fields?: LogFields): void {
    this.write('info', msg, fields);
  }

  warn(msg: string, fields?: LogFields): void {
    this.write('warn', msg, fields);
  }

  error(msg: string, fields?: LogFields): void {
    this.write('error', msg, fields);
  }

  child(fields: LogFields): Logger {
    return new JsonLogger(this.options, { ...this.bound, ...fields });
  }

  private write(level: LogLevel, msg: string, fields: LogFields = {}): void {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(this.options.level)) return;
    const time = new Date(this.options.now()).toISOString();
    // Own names last, so that no field can pose as the level or the time.
    const line = { ...this.bound, ...fields, level, time, msg };
    this.options.sink.write(`${toLine(line)}\n`);
  }
}

function toLine(line: Record<string, unknown>): string {
  try {
    return JSON.stringify(line, redact);
  } catch (error) {
    const { level, time, msg } = line;
    return JSON.stringify({ level, time, msg, unloggable: String(error) });
  }
}

function redact(name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (SECRET_NAME.test(name) && !HARMLESS_NAME.test(name) && value !== undefined) {
    return '[redacted]';
  }
  if (typeof value === 'string' && value.length > TEXT_LENGTH_MAX) {
    return `${value.slice(0, TEXT_LENGTH_MAX)}...`;
  }
  return value;
}
