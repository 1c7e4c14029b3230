/** The local stack as a process of its own, which a test can kill. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { StackDescription } from '../../infra/local/start-stack.ts';

/** A stack that serves. */
export interface StackProcess {
  readonly description: StackDescription;
  /** kill -9 of the whole stack; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit status. */
  stop(): Promise<number | null>;
  /** Moves its clock. */
  advance(ms: number): Promise<void>;
}

/** Starts `npm run local -- --json` without npm in between, so that its process id is the stack's. */
export async function startStackProcess(
  stateDir: string,
  ...flags: string[]
): Promise<StackProcess> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['dist/local/local.js', '--json', '--state', stateDir, ...flags],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('The stack has no output');
  let errors = '';
  stderr.on('data', (chunk: Buffer) => {
    errors = `${errors}${chunk.toString()}`.slice(-20_000);
  });
  const exited = once(child, 'exit');
  const first = await Promise.race([
    once(createInterface({ input: stdout }), 'line').then(([line]) => String(line)),
    exited.then(() => undefined),
  ]);
  if (first === undefined) throw new Error(`The stack ended before it served: ${errors}`);
  const description = JSON.parse(first) as StackDescription;
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    child.kill(signal);
    const [status] = (await exited) as [number | null];
    return status;
  };
  return {
    description,
    kill: async () => {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
    advance: async (advanceMs) => {
      const reply = await fetch(`${description.control}/clock`, {
        method: 'POST',
        body: JSON.stringify({ advanceMs }),
      });
      if (!reply.ok) throw new Error(`Cannot move the clock: ${await reply.text()}`);
    },
  };
}
