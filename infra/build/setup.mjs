/**
 * Installs what the lock file names, when it is not installed yet. Plain JavaScript on Node's own
 * modules, because it runs before anything is installed. Running it twice does nothing.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const lock = createHash('sha256').update(readFileSync('package-lock.json')).digest('hex');
const marker = 'node_modules/.installed-from';
const installed = existsSync(marker) ? readFileSync(marker, 'utf8') : '';

if (installed !== lock) {
  process.stderr.write('Installing the locked packages (once)\n');
  // Not `npm ci`: it refuses a lock file that lacks the optional packages of other platforms, which npm
  // leaves out when a registry does not answer for them. Versions still come from the lock file.
  const flags = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  const run = spawnSync('npm', ['install', ...flags], {
    stdio: ['ignore', 2, 2],
  });
  if (run.status !== 0) process.exit(run.status ?? 1);
  mkdirSync('node_modules', { recursive: true });
  writeFileSync(marker, lock);
}
