/**
 * Builds the control plane's binary with Go, once per content of the Go module: its file name
 * carries the hash of what it was built from, so a stale one is never run.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { moduleDirectory } from './module-directory.ts';

/** A program that can be run, or the reason why there is none. */
export type Found = { readonly binary: string } | { readonly reason: string };

const BUILT_FROM = ['go.mod', 'go.sum', 'main.go'];
const LOCK_POLL_MS = 500;

/** Where the binary for the present content of the Go module is, or will be once it is built. */
function builtBinaryPath(): string {
  const directory = moduleDirectory();
  const hash = createHash('sha256');
  for (const file of BUILT_FROM) hash.update(readFileSync(join(directory, file)));
  return join(directory, 'bin', `testcluster-${hash.digest('hex').slice(0, 12)}`);
}

/**
 * The binary built earlier from the same sources, else a fresh build (some five minutes on two
 * cores). Called by several processes at once, one builds and the others wait for it.
 */
export async function findOrBuildBinary(log: (line: string) => void): Promise<Found> {
  const binary = builtBinaryPath();
  if (existsSync(binary)) return { binary };
  const go = findGo();
  if (go === undefined) {
    return { reason: 'no Go toolchain (`go`) in PATH, GOROOT or /usr/local/go to build one with' };
  }
  mkdirSync(join(moduleDirectory(), 'bin'), { recursive: true });
  return await underLock(`${binary}.lock`, async () => {
    if (existsSync(binary)) return { binary };
    log(`Building the control plane with ${go} (once; about five minutes)`);
    const unfinished = `${binary}.${process.pid}.unfinished`;
    const failure = await runGo(go, buildArguments(unfinished));
    if (failure !== undefined) {
      rmSync(unfinished, { force: true });
      return { reason: `\`go build\` in ${moduleDirectory()} failed: ${failure}` };
    }
    removeOlderBuilds(binary);
    renameSync(unfinished, binary);
    return { binary };
  });
}

function findGo(): string | undefined {
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    join(process.env.GOROOT ?? '/usr/local/go', 'bin'),
    '/usr/local/go/bin',
  ];
  return folders.map((folder) => join(folder, 'go')).find((path) => existsSync(path));
}

/** The release's own version is stamped in, since /version of an unstamped build says v0.0.0. */
function buildArguments(output: string): string[] {
  const version = kubernetesVersion();
  const [major, minor] = version.slice(1).split('.');
  const stamp = 'k8s.io/component-base/version';
  const flags = [
    '-s -w',
    `-X ${stamp}.gitVersion=${version}`,
    `-X ${stamp}.gitMajor=${major}`,
    `-X ${stamp}.gitMinor=${minor}`,
    `-X ${stamp}.gitTreeState=clean`,
  ];
  return ['build', '-trimpath', '-buildvcs=false', '-ldflags', flags.join(' '), '-o', output, '.'];
}

function kubernetesVersion(): string {
  const goMod = readFileSync(join(moduleDirectory(), 'go.mod'), 'utf8');
  const version = /^\s*k8s\.io\/kubernetes (v\S+)$/m.exec(goMod)?.[1];
  if (version === undefined) throw new Error('Cannot read k8s.io/kubernetes from go.mod: no line');
  return version;
}

/** Resolves to what went wrong, the last lines Go said, or to nothing. */
async function runGo(go: string, args: string[]): Promise<string | undefined> {
  const child = spawn(go, args, {
    cwd: moduleDirectory(),
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-2000);
  });
  return await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code) => resolve(code === 0 ? undefined : said.trim()));
  });
}

function removeOlderBuilds(keep: string): void {
  const folder = join(moduleDirectory(), 'bin');
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (path !== keep && /^testcluster-[0-9a-f]{12}$/.test(name)) rmSync(path, { force: true });
  }
}

/** Runs `work` while `path` names this process; a lock whose holder died is taken over. */
async function underLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  while (!tryLock(path)) {
    const holder = Number.parseInt(readOrEmpty(path), 10);
    if (Number.isInteger(holder) && !isAlive(holder)) rmSync(path, { force: true });
    else await wait(LOCK_POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function tryLock(path: string): boolean {
  try {
    const file = openSync(path, 'wx');
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
