import type { Json } from '../domain/json.ts';

/** Fields of a log line; never content of a Secret. */
export type LogFields = Readonly<Record<string, Json | undefined>>;

/** Structured log lines; `msg` is a constant text, values are fields. */
export interface Logger {
  debug(msg: string, fields?: LogFields): void;
  /** A person might act or bill on it. */
  info(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  error(msg: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
}
