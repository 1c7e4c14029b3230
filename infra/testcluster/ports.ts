import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** The loopback ports of a control plane. */
export interface ControlPlanePorts {
  readonly apiServer: number;
  readonly etcdClient: number;
  readonly etcdPeer: number;
}

const NAMES = ['apiServer', 'etcdClient', 'etcdPeer'] as const;
/** A predecessor that was killed a moment ago may still hold its port. */
const PORT_FREE_WITHIN_MS = 15_000;
const POLL_MS = 50;

/** The ports asked for, else those that `dir` used before, else free ones; kept in `dir`. */
export async function ensurePorts(
  dir: string,
  asked: ControlPlanePorts | undefined,
): Promise<ControlPlanePorts> {
  const file = join(dir, 'ports.json');
  const used = asked ?? readPorts(file);
  if (used !== undefined) {
    for (const name of NAMES) await awaitFree(used[name]);
  }
  const ports = used ?? (await freePorts());
  writeFileSync(file, JSON.stringify(ports));
  return ports;
}

function readPorts(file: string): ControlPlanePorts | undefined {
  if (!existsSync(file)) return undefined;
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const port = (name: string): number => {
    const value: unknown = Object.entries(content ?? {}).find(([key]) => key === name)?.[1];
    if (typeof value !== 'number') throw new Error(`Cannot read ${file}: ${name} is not a number`);
    return value;
  };
  return {
    apiServer: port('apiServer'),
    etcdClient: port('etcdClient'),
    etcdPeer: port('etcdPeer'),
  };
}

/** Held all at once, so that they differ. */
async function freePorts(): Promise<ControlPlanePorts> {
  const servers = await Promise.all(NAMES.map(() => hold(0)));
  const [apiServer = 0, etcdClient = 0, etcdPeer = 0] = servers.map(portOf);
  await Promise.all(servers.map(release));
  return { apiServer, etcdClient, etcdPeer };
}

async function awaitFree(port: number): Promise<void> {
  const deadline = performance.now() + PORT_FREE_WITHIN_MS;
  for (;;) {
    try {
      await release(await hold(port));
      return;
    } catch (error) {
      if (performance.now() > deadline) {
        throw new Error(`Cannot use port ${port} of 127.0.0.1 again: ${String(error)}`);
      }
    }
    await wait(POLL_MS);
  }
}

async function hold(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

async function release(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new Error('Cannot take a free port: the listener has no address');
  }
  return address.port;
}
