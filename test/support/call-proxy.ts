import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a test does with a call before the service sees it: nothing, or a reply of its own. */
export type SeeCall = (
  action: string,
) => Promise<{ readonly status: number; readonly body: object } | undefined>;

/**
 * Stands before an emulator, so that a test sees calls and answers some. A call goes by its action, or
 * by its method and path where the service knows no actions.
 */
export class CallProxy {
  see: SeeCall = async () => undefined;
  /** Whether the service's answer reaches the caller; else the connection is cut. */
  deliver: (action: string) => boolean = () => true;
  private readonly server: Server;
  private readonly targetOf: () => string;

  private constructor(targetOf: () => string) {
    this.targetOf = targetOf;
    this.server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        void (async () => {
          const { method = '', url = '', headers } = incoming;
          const action = String(headers['x-acs-action'] ?? `${method} ${url}`);
          const reply = await this.see(action);
          if (reply !== undefined) {
            outgoing.writeHead(reply.status, { 'content-type': 'application/json' });
            outgoing.end(JSON.stringify(reply.body));
            return;
          }
          const { hostname, port } = new URL(this.targetOf());
          const onward = request({ hostname, port, method, path: url, headers }, (answer) => {
            if (!this.deliver(action)) {
              answer.resume();
              outgoing.destroy();
              return;
            }
            outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
            answer.pipe(outgoing);
          });
          onward.on('error', () => outgoing.destroy());
          onward.end(Buffer.concat(chunks));
        })();
      });
    });
  }

  /** Before the service whose address `targetOf` tells. */
  static async start(targetOf: () => string): Promise<CallProxy> {
    const proxy = new CallProxy(targetOf);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    const { port } = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  async close(): Promise<void> {
    await new Promise((resolve) => {
      this.server.close(resolve);
      this.server.closeAllConnections();
    });
  }
}
