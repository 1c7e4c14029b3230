/**
 * `npm run local -- --json [--state DIR] [--kubeconfig FILE[=id]]... [--clusters N] [--real]`: the stack
 * without the story. The first line of stdout is one JSON object; it serves until SIGTERM.
 */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { startStack } from './start-stack.ts';

/** Starts what the command line asks for and serves until a signal. */
async function serve(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      state: { type: 'string' },
      kubeconfig: { type: 'string', multiple: true, default: [] },
      clusters: { type: 'string', default: '2' },
      real: { type: 'boolean', default: false },
    },
  });
  const clusters = Number(values.clusters);
  if (!Number.isInteger(clusters) || clusters < 0 || clusters > 9) {
    throw new Error(`--clusters takes a number from 0 to 9, not ${values.clusters}`);
  }
  const stack = await startStack({
    stateDir: values.state ?? mkdtempSync(join(tmpdir(), 'backup-centre-')),
    clusters,
    real: values.real,
    kubeconfigs: Object.fromEntries(values.kubeconfig.map(readKubeconfig)),
    log: (line) => process.stderr.write(`${line}\n`),
  });
  const { description } = stack;
  process.stdout.write(`${JSON.stringify(description)}\n`);
  if (!values.json) {
    process.stderr.write(`The API is at ${description.api}; its token is in the line above\n`);
  }
  const stop = (): void => {
    stack.close().then(() => process.exit(0), endWith('Stopping failed'));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

/** `FILE[=id]`; without an id the file's name is it. */
function readKubeconfig(entry: string): [string, string] {
  const [
    file = '',
    id = basename(file)
      .replace(/[^a-z0-9-]+/gi, '-')
      .toLowerCase(),
  ] = entry.split('=');
  return [id, readFileSync(file, 'utf8')];
}

/** Ends with status 1 and words, not with a stack trace. */
function endWith(what: string): (error: unknown) => never {
  return (error) => {
    const found = error instanceof Error ? error.message : String(error);
    const hint = found.includes('EADDRINUSE') ? '; is a stack running on the same --state?' : '';
    process.stderr.write(`${what}: ${found}${hint}\n`);
    process.exit(1);
  };
}

await serve().catch(endWith('Cannot start the stack'));
