import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exchange } from './http-exchange.ts';

let server: Server;
let origin: string;
let handler: RequestListener;
let agent: Agent;

beforeEach(async () => {
  server = createServer((request, response) => handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  agent = new Agent({ connections: 1 });
});

afterEach(async () => {
  await agent.destroy();
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

const send = async (timeoutMs = 10_000) =>
  await exchange(agent, { origin, path: '/', method: 'GET' }, timeoutMs);

describe('an exchange', () => {
  test('brings status, headers and the whole body', async () => {
    const body = Buffer.alloc(3_000_000, 'abc');
    handler = (_request, response) => {
      response.writeHead(201, { 'x-note': 'n' });
      for (let at = 0; at < body.length; at += 100_000) {
        response.write(body.subarray(at, at + 100_000));
      }
      response.end();
    };
    const reply = await send();
    expect(reply.status).toBe(201);
    expect(reply.headers['x-note']).toBe('n');
    expect(reply.body.equals(body)).toBe(true);
  });

  test('an empty body is empty', async () => {
    handler = (_request, response) => response.writeHead(204).end();
    expect((await send()).body).toHaveLength(0);
  });

  test('a reply that is cut is an error', async () => {
    handler = (request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('12345', () => request.socket.destroy());
    };
    await expect(send()).rejects.toThrow();
  });

  test.each([
    ['never comes', () => undefined],
    ['never ends', (_request, response) => void response.write('{')],
  ] satisfies [string, RequestListener][])('a reply that %s is given up', async (_how, silent) => {
    handler = silent;
    await expect(send(50)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    // The connection was given up too: the next request is not stuck behind it.
    handler = (_request, response) => response.end('ok');
    expect((await send()).body.toString()).toBe('ok');
  });

  test('waiting for a connection counts', async () => {
    let held = 0;
    handler = () => {
      held += 1;
    };
    const first = send(200);
    await expect(send(50)).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    await expect(first).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(held).toBe(1);
  });
});
