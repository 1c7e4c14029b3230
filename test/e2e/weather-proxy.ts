/** The way to an API server, with weather: a test decides what becomes of each request. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parse, stringify } from 'yaml';

/**
 * What becomes of a request: `fine` passes, `refuse` cuts the connection, `unauthorized` is what an
 * API server says of a token that ended, `unavailable` what it says for a dead server behind it. A
 * promise holds the request back until it is settled.
 */
type Fate = 'fine' | 'refuse' | 'unauthorized' | 'unavailable';
type Weather = (method: string, path: string) => Fate | Promise<Fate>;

/** Everything passes. */
export const FINE: Weather = () => 'fine';

const REFUSALS = {
  unauthorized: { status: 401, reason: 'Unauthorized', message: 'Unauthorized' },
  unavailable: { status: 503, reason: 'ServiceUnavailable', message: 'service unavailable' },
};

interface Target {
  readonly server: string;
  readonly token: string;
}

/** A server in front of an API server. */
export class WeatherProxy {
  weather: Weather = FINE;
  private readonly server: Server;
  private target: Target | undefined;

  private constructor() {
    this.server = createServer((incoming, reply) => {
      const fate = this.weather(incoming.method ?? '', incoming.url ?? '');
      Promise.resolve(fate).then(
        (known) => this.pass(known, incoming, reply),
        () => incoming.socket.destroy(),
      );
    });
  }

  static async start(): Promise<WeatherProxy> {
    const proxy = new WeatherProxy();
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  /** A kubeconfig that leads here. */
  kubeconfig(): string {
    const { port } = this.server.address() as AddressInfo;
    return stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'weather', cluster: { server: `http://127.0.0.1:${port}` } }],
      contexts: [{ name: 'weather', context: { cluster: 'weather', user: 'weather' } }],
      'current-context': 'weather',
      users: [{ name: 'weather', user: { token: 'of-the-proxy' } }],
    });
  }

  /** Leads to the cluster of this kubeconfig, with its token. */
  leadTo(kubeconfig: string): void {
    const { clusters, users } = parse(kubeconfig) as {
      clusters: [{ cluster: { server: string } }];
      users: [{ user: { token: string } }];
    };
    this.target = { server: clusters[0].cluster.server, token: users[0].user.token };
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private pass(
    fate: Fate,
    incoming: IncomingMessage,
    reply: Parameters<NonNullable<Parameters<typeof createServer>[1]>>[1],
  ): void {
    if (fate === 'refuse' || this.target === undefined) {
      incoming.socket.destroy();
      return;
    }
    if (fate !== 'fine') {
      const { status, ...words } = REFUSALS[fate];
      incoming.resume();
      reply.writeHead(status, { 'content-type': 'application/json' });
      reply.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', code: status, ...words }));
      return;
    }
    const { server, token } = this.target;
    const { host: _ours, ...headers } = incoming.headers;
    const onward = request(
      `${server}${incoming.url ?? ''}`,
      {
        method: incoming.method ?? 'GET',
        headers: { ...headers, authorization: `Bearer ${token}` },
      },
      (answer) => {
        reply.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(reply);
      },
    );
    onward.on('error', () => incoming.socket.destroy());
    incoming.pipe(onward);
  }
}
