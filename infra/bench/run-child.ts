/** Runs one measurement in a fresh process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { CloudCredentials } from '../../shared/adapters/credentials.ts';

/** A measurement that `child.ts` knows. */
export type ChildTask =
  | { readonly kind: 'bare-list' | 'packing'; readonly kubeconfig: string }
  | { readonly kind: 'capture'; readonly kubeconfig: string; readonly dir: string }
  | {
      readonly kind: 'bare-create';
      readonly kubeconfig: string;
      /** Of the namespaces to create the objects in. */
      readonly prefix: string;
      /** POSTs under way at once. */
      readonly atOnce: number;
    }
  | {
      readonly kind: 'restore';
      readonly kubeconfig: string;
      readonly dir: string;
      readonly prefix: string;
    }
  | {
      readonly kind: 'tick';
      readonly environment: Readonly<Record<string, string>>;
      readonly keys: CloudCredentials;
    };

/** Figures by name. @throws Error with the child's own words where it failed */
export async function runChild(
  task: ChildTask,
  profileDir: string | undefined,
): Promise<(name: string) => number> {
  const profile =
    profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profileDir, task.kind)}`];
  const child = spawn(process.execPath, [...profile, join(import.meta.dirname, 'child.js')], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(JSON.stringify(task));
  const exited = once(child, 'exit');
  const [output, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = (await exited) as [number | null];
  if (status !== 0) throw new Error(`Cannot measure ${task.kind}: ${complaint.trim()}`);
  const figures: unknown = JSON.parse(output);
  const byName = new Map(Object.entries(figures ?? {}));
  return (name) => {
    const value: unknown = byName.get(name);
    if (typeof value !== 'number') throw new Error(`Cannot find ${name} in ${output}`);
    return value;
  };
}
