import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Component } from './find-programs.ts';

/** A running component whose output goes to a log file. */
export interface ComponentProcess {
  readonly name: Component;
  readonly pid: number;
  /** What was found when the process ended by itself; undefined while it runs. */
  ended(): string | undefined;
  /** Asks it to end, forces it after `graceMs`, resolves when it is gone. */
  stop(graceMs: number): Promise<void>;
}

const LOG_LINES_TOLD = 5;

/**
 * Starts a component. Its standard input is a pipe that this process holds open: it ends itself
 * when the pipe closes, whichever way this process dies.
 */
export async function startComponent(options: {
  name: Component;
  command: readonly [string, ...string[]];
  flags: readonly string[];
  logFile: string;
}): Promise<ComponentProcess> {
  const { name, logFile } = options;
  const [file, ...leading] = options.command;
  const output = openSync(logFile, 'a');
  const child = spawn(file, [...leading, ...options.flags], { stdio: ['pipe', output, output] });
  closeSync(output);
  child.stdin?.on('error', () => undefined);
  await spawned(child, name);
  const { pid } = child;
  if (pid === undefined) throw new Error(`Cannot start ${name} from ${file}: it has no process id`);
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    name,
    pid,
    ended: () =>
      child.exitCode === null && child.signalCode === null
        ? undefined
        : `${name} ended (${child.signalCode ?? `exit code ${child.exitCode}`}), its log ends with: ${lastLines(logFile)}`,
    stop: async (graceMs) => {
      child.kill('SIGTERM');
      const patience = new AbortController();
      await Promise.race([gone, wait(graceMs, undefined, { signal: patience.signal })]);
      patience.abort();
      child.kill('SIGKILL');
      await gone;
    },
  };
}

async function spawned(child: ChildProcess, name: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`Cannot start ${name}: ${error.message}`)));
  });
}

function lastLines(file: string): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return lines.slice(-LOG_LINES_TOLD).join('\n');
}
