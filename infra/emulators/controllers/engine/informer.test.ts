import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Listener, listen } from '../../kit/listener.ts';
import { ApiClient } from './api-client.ts';
import { Informer } from './informer.ts';
import { type ConfigMap, configMaps, type KubeObject } from './kube-objects.ts';

/** An API server that says what the test tells it to. */
class ScriptedServer {
  items: KubeObject[] = [];
  listVersion = 1;
  lists = 0;
  readonly watchesFrom: string[] = [];
  refuseWatchWith = 0;
  #stream: ServerResponse | undefined;
  #listener: Listener | undefined;

  async start(): Promise<string> {
    this.#listener = await listen(async (request, response) => {
      const url = new URL(request.url ?? '', 'http://x');
      if (!url.searchParams.has('watch')) {
        this.lists += 1;
        const metadata = { resourceVersion: String(this.listVersion) };
        response.end(JSON.stringify({ kind: 'ConfigMapList', metadata, items: this.items }));
        return;
      }
      if (this.refuseWatchWith !== 0) {
        const code = this.refuseWatchWith;
        this.refuseWatchWith = 0;
        response.writeHead(code).end(JSON.stringify({ kind: 'Status', code }));
        return;
      }
      this.watchesFrom.push(url.searchParams.get('resourceVersion') ?? '');
      response.writeHead(200).flushHeaders();
      this.#stream = response;
    });
    return this.#listener.url;
  }

  send(type: string, object: object): void {
    this.#stream?.write(`${JSON.stringify({ type, object })}\n`);
  }

  endWatch(): void {
    this.#stream?.end();
  }

  async stop(): Promise<void> {
    await this.#listener?.close();
  }
}

function map(name: string, version: number, more: { uid?: string; deleted?: boolean } = {}) {
  const object: ConfigMap = {
    metadata: {
      name,
      namespace: 'ns',
      uid: more.uid ?? `uid-${name}`,
      resourceVersion: String(version),
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...(more.deleted === true ? { deletionTimestamp: '2026-01-02T00:00:00Z' } : {}),
    },
    data: { [`at-${version}`]: 'x' },
  };
  return object;
}

describe('Informer', () => {
  let server: ScriptedServer;
  let client: ApiClient;
  let informer: Informer<ConfigMap>;
  let wakeUps: (() => void)[] = [];

  /** Resolves when the condition holds; it is looked at after every change. */
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => wakeUps.push(resolve));
  }
  function wake(): void {
    for (const each of wakeUps) each();
    wakeUps = [];
  }
  const versions = (): string[] =>
    informer.all().map((each) => `${each.metadata.name}@${each.metadata.resourceVersion}`);

  beforeEach(async () => {
    server = new ScriptedServer();
    client = new ApiClient({ url: await server.start() });
    informer = new Informer(client, configMaps, wake);
    informer.onChange(wake);
  });
  afterEach(async () => {
    const ended = informer.close();
    await client.close();
    await ended;
    await server.stop();
  });

  async function started(): Promise<void> {
    informer.start();
    await until(() => informer.settled);
  }

  it('follows additions, changes and deletions', async () => {
    server.items = [map('a', 1)];
    await started();
    expect(versions()).toEqual(['a@1']);
    server.send('ADDED', map('b', 2));
    server.send('MODIFIED', map('a', 3));
    server.send('DELETED', map('b', 4));
    await until(() => informer.get('ns/a')?.metadata.resourceVersion === '3');
    await until(() => informer.get('ns/b') === undefined);
    expect(informer.inNamespace('ns')).toHaveLength(1);
  });

  it('has an own write at once and is not thrown back by older events', async () => {
    server.items = [map('a', 1)];
    await started();
    informer.wrote(map('a', 5));
    expect(versions()).toEqual(['a@5']);
    server.send('MODIFIED', map('a', 4));
    server.send('ADDED', map('z', 6));
    await until(() => informer.get('ns/z') !== undefined);
    expect(informer.get('ns/a')?.metadata.resourceVersion).toBe('5');
  });

  it('does not raise the dead by a late reply to an own write', async () => {
    server.items = [map('a', 1)];
    await started();
    server.send('DELETED', map('a', 7));
    await until(() => informer.get('ns/a') === undefined);
    informer.wrote(map('a', 6));
    expect(versions()).toEqual([]);
  });

  it('keeps what was made anew when the deletion of its namesake is told late', async () => {
    server.items = [map('a', 1)];
    await started();
    informer.wrote(map('a', 9, { uid: 'second' }));
    server.send('DELETED', map('a', 8));
    server.send('ADDED', map('z', 10));
    await until(() => informer.get('ns/z') !== undefined);
    expect(informer.get('ns/a')?.metadata.uid).toBe('second');
  });

  it('shows an own deletion at once, is unsettled until the watch shows it too', async () => {
    server.items = [map('a', 1)];
    await started();
    informer.removed(map('a', 1), 0);
    expect(informer.get('ns/a')?.metadata.deletionTimestamp).toBe('1970-01-01T00:00:00Z');
    expect(informer.settled).toBe(false);
    server.send('MODIFIED', map('a', 2));
    server.send('ADDED', map('z', 3));
    await until(() => informer.get('ns/z') !== undefined);
    expect(informer.get('ns/a')?.metadata.deletionTimestamp).toBeDefined();
    server.send('MODIFIED', map('a', 4, { deleted: true }));
    await until(() => informer.settled);
    informer.removed(map('a', 4), 0);
    expect(informer.settled).toBe(false);
    server.send('DELETED', map('a', 5, { deleted: true }));
    await until(() => informer.settled);
    expect(informer.get('ns/a')).toBeUndefined();
  });

  it('goes on from the last version it saw, bookmarks included, when the watch ends', async () => {
    await started();
    server.send('BOOKMARK', { metadata: { resourceVersion: '40' } });
    server.send('ADDED', map('b', 41));
    await until(() => informer.get('ns/b') !== undefined);
    server.send('BOOKMARK', { metadata: { resourceVersion: '50' } });
    server.endWatch();
    await until(() => !informer.settled);
    await until(() => informer.settled);
    expect(server.watchesFrom).toEqual(['1', '50']);
    expect(server.lists).toBe(1);
  });

  it.each(['status', 'event'])(
    'lists again when its version is too old (410 as %s)',
    async (how) => {
      server.items = [map('a', 1), map('b', 1)];
      await started();
      server.items = [map('b', 20)];
      server.listVersion = 21;
      if (how === 'status') {
        server.refuseWatchWith = 410;
        server.endWatch();
      } else {
        server.send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
      }
      await until(() => informer.get('ns/a') === undefined);
      await until(() => informer.settled);
      expect(versions()).toEqual(['b@20']);
      expect(server.lists).toBe(2);
    },
  );

  it('keeps keys of a ConfigMap but not its values', async () => {
    server.items = [map('a', 1)];
    await started();
    expect(informer.get('ns/a')?.data).toEqual({ 'at-1': '' });
  });

  it('shows a late handler what is there already', async () => {
    server.items = [map('a', 1)];
    await started();
    const seen: string[] = [];
    informer.onChange((after) => seen.push(after?.metadata.name ?? ''));
    expect(seen).toEqual(['a']);
  });
});
