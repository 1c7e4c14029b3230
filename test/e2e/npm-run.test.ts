/** `npm run local -- --json` as a user or a script runs it, npm in between. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { until } from '../../infra/local/kube-session.ts';
import type { StackDescription } from '../../infra/local/start-stack.ts';

it('prints its one line first, and is gone when npm is told to stop', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'backup-centre-npm-'));
  // Without the scripts around it, which would build anew what other tests are running.
  const flags = ['--ignore-scripts', '--', '--json', '--clusters', '0', '--state', stateDir];
  const npm = spawn('npm', ['run', 'local', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(npm, 'exit');
  try {
    const [line] = (await once(createInterface({ input: npm.stdout }), 'line')) as [string];
    const { api } = JSON.parse(line) as StackDescription;
    expect((await fetch(`${api}/healthz`)).status).toBe(200);
    npm.kill('SIGTERM');
    await exited;
    const answers = async (): Promise<boolean> =>
      await fetch(`${api}/healthz`).then(
        () => true,
        () => false,
      );
    await until('the stack is gone', async () => !(await answers()));
  } finally {
    npm.kill('SIGTERM');
    await exited;
    rmSync(stateDir, { recursive: true, force: true });
  }
});

describe('a stack that cannot start', () => {
  it.each([
    ['an unknown option', ['--colour'], "Unknown option '--colour'"],
    ['too many clusters', ['--clusters', '10'], 'a number from 0 to 9, not 10'],
    ['a kubeconfig that is not there', ['--kubeconfig', '/no/such'], "open '/no/such'"],
  ])('says why in one line: %s', (_what, flags, words) => {
    const { status, stderr } = spawnSync('node', ['dist/local/local.js', ...flags], {
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toContain(words);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
