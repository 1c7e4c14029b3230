/** An API server without any client of ours in between: the bare limit that we are compared with. */
import { Agent, type Dispatcher } from 'undici';
import { readKubeconfig } from '../../shared/adapters/kubernetes/kubeconfig.ts';

/** Kept connections to one API server. */
export interface RawServer {
  get(path: string): Promise<Dispatcher.ResponseData>;
  /** POSTs JSON and discards the reply; returns its status. */
  post(path: string, body: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** Opens up to `connections` connections. */
export async function openRawServer(kubeconfig: string, connections: number): Promise<RawServer> {
  const { server, ca, headers } = await readKubeconfig(kubeconfig);
  const agent = new Agent({ connections, pipelining: 1, connect: ca === undefined ? {} : { ca } });
  const common = { origin: server, headers: { ...headers, accept: 'application/json' } };
  return {
    get: (path) => agent.request({ ...common, path, method: 'GET' }),
    post: async (path, body) => {
      const { statusCode, body: reply } = await agent.request({
        ...common,
        headers: { ...common.headers, 'content-type': 'application/json' },
        path,
        method: 'POST',
        body,
      });
      for await (const _chunk of reply);
      return statusCode;
    },
    close: () => agent.destroy(),
  };
}
