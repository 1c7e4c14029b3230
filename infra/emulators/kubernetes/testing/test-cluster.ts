/** A sandbox cluster for tests: its own directory, a clock that is moved by hand, plain HTTP. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { isObject, type JsonObject } from '../json-tree.ts';
import { type KubernetesEmulator, startKubernetesEmulator } from '../server.ts';

/** The bearer token that the test cluster knows. */
const testToken = 'test-token';

/** What came back. */
interface TestReply {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body as JSON; `{}` where it is none. */
  readonly body: JsonObject;
  readonly text: string;
}

interface Extra {
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly token?: string;
}

/** A cluster under test. */
export interface TestCluster {
  readonly emulator: KubernetesEmulator;
  readonly dir: string;
  /** The time the cluster sees; settable. */
  nowMs: number;
  send(method: string, path: string, body?: unknown, extra?: Extra): Promise<TestReply>;
  get(path: string, extra?: Extra): Promise<TestReply>;
  create(path: string, body: unknown): Promise<TestReply>;
  /** A merge patch. */
  merge(path: string, body: unknown): Promise<TestReply>;
  remove(path: string, body?: unknown): Promise<TestReply>;
  namespace(name: string): Promise<void>;
  /** Closes and starts again from the same directory. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** 2026-01-02T03:04:05Z: when test clusters begin. */
const testStartMs = Date.UTC(2026, 0, 2, 3, 4, 5);

function parseBody(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** Starts a cluster for a test. */
export async function startTestCluster(
  options: { readonly version?: string; readonly continueTokenTtlMs?: number } = {},
): Promise<TestCluster> {
  const dir = mkdtempSync(join(tmpdir(), 'kube-emulator-'));
  const start = (): Promise<KubernetesEmulator> =>
    startKubernetesEmulator({
      dir,
      now: () => cluster.nowMs,
      clusterId: 'c-test',
      tokens: (token) =>
        token === testToken ? { user: 'tester', groups: ['system:masters'] } : undefined,
      ...options,
    });
  let emulator: KubernetesEmulator | undefined;
  const current = (): KubernetesEmulator => {
    if (emulator === undefined) throw new Error('the test cluster is not started');
    return emulator;
  };
  const send = async (method: string, path: string, body?: unknown, extra: Extra = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const reply = await request(`${current().url}${path}`, {
      method: method as 'GET',
      headers: {
        authorization: `Bearer ${extra.token ?? testToken}`,
        'user-agent': 'tester/1.0',
        ...(body === undefined ? {} : { 'content-type': extra.type ?? 'application/json' }),
        ...extra.headers,
      },
      ...(body === undefined ? {} : { body: text }),
    });
    const answer = await reply.body.text();
    return {
      code: reply.statusCode,
      headers: reply.headers,
      body: parseBody(answer),
      text: answer,
    };
  };
  const cluster: TestCluster = {
    get emulator() {
      return current();
    },
    dir,
    nowMs: testStartMs,
    send,
    get: (path, extra) => send('GET', path, undefined, extra),
    create: (path, body) => send('POST', path, body),
    merge: (path, body) => send('PATCH', path, body, { type: 'application/merge-patch+json' }),
    remove: (path, body) => send('DELETE', path, body),
    namespace: async (name) => {
      const reply = await send('POST', '/api/v1/namespaces', { metadata: { name } });
      if (reply.code !== 201) throw new Error(`Cannot create namespace ${name}: ${reply.text}`);
      await current().idle();
    },
    restart: async () => {
      await current().close();
      emulator = await start();
    },
    close: async () => {
      await current().close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  emulator = await start();
  return cluster;
}

/** A ConfigMap for requests. */
export function configMap(name: string, data: Record<string, string> = { a: '1' }): JsonObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}
