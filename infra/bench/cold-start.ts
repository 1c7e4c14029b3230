/** Cold starts: `require` of each function's bundle in a fresh process. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { median } from './figure.ts';

/** Functions whose cold start a user or a run waits for. */
const FUNCTIONS = ['api', 'backup-worker', 'restore-worker'];
const STARTS = 5;

/** Median times of `require`, ms. @throws Error where a bundle is missing or does not load */
export function measureColdStarts(
  profileDir: string | undefined,
): Promise<readonly { readonly name: string; readonly ms: number }[]> {
  return Promise.resolve(
    FUNCTIONS.map((name) => {
      const bundle = join(import.meta.dirname, '..', name, 'index.js');
      if (!existsSync(bundle)) throw new Error(`Cannot load ${name}: there is no ${bundle}`);
      const times = Array.from({ length: STARTS }, () => requireOnce(name, bundle, profileDir));
      return { name, ms: median(times) };
    }),
  );
}

function requireOnce(name: string, bundle: string, profileDir: string | undefined): number {
  const program =
    'const begunAt = performance.now(); require(process.argv[1]); ' +
    'process.stdout.write(String(performance.now() - begunAt)); process.exit(0);';
  const profile =
    profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${join(profileDir, name)}`];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...profile, '-e', program, bundle],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`Cannot load ${name}: ${stderr.trim().split('\n')[0] ?? ''}`);
  return Number(stdout);
}
