import { createHash, createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpTriggerConfig } from './definition.ts';
import { type Fixture, startFixture, testFunction } from './emulator-fixture.ts';

const METHODS = ['GET', 'POST', 'HEAD', 'DELETE'];

function httpFunction(handler: string, authType: HttpTriggerConfig['authType'] = 'anonymous') {
  const triggerConfig = { authType, methods: METHODS };
  const triggers = [{ triggerName: 'http', triggerType: 'http' as const, triggerConfig }];
  return testFunction(handler, { triggers });
}

describe('an HTTP trigger', () => {
  let fixture: Fixture;
  afterEach(() => fixture.close());

  const url = (path: string, name = 'http') => `${fixture.fc.httpUrl(name)}${path}`;

  it('hands the request over as event v1', async () => {
    fixture = await startFixture([httpFunction('http')]);
    const reply = await fetch(url('/v1/a%2Fb/ü?x=1&x=2&y=a%20b'), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-custom-name': 'v', 'user-agent': 'test' },
      body: '{"ü":1}',
    });
    expect(reply.status).toBe(200);
    const event = (await reply.json()) as { requestContext: Record<string, unknown> };
    const host = fixture.fc.httpUrl('http').replace('http://', '');
    expect(event).toMatchObject({
      version: 'v1',
      rawPath: '/v1/a%2Fb/%C3%BC',
      queryParameters: { x: '1,2', y: 'a b' },
      headers: { 'Content-Type': 'application/json', 'X-Custom-Name': 'v', Host: host },
      body: '{"ü":1}',
      isBase64Encoded: false,
      requestContext: {
        accountId: '1000',
        domainName: host,
        domainPrefix: '127',
        requestId: reply.headers.get('x-fc-request-id'),
        http: {
          method: 'POST',
          path: '/v1/a/b/ü',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: 'test',
        },
      },
    });
    expect(event.requestContext.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(event.requestContext.timeEpoch).toMatch(/^\d{13}$/);
  });

  it('hands bodies that are no text over in base64', async () => {
    fixture = await startFixture([httpFunction('http')]);
    const post = async (type: string, body: Buffer) => {
      const headers = { 'content-type': type };
      return (await fetch(url('/'), { method: 'POST', headers, body })).json();
    };
    const bytes = Buffer.from([0xff, 0, 0x80]);
    const inBase64 = { body: bytes.toString('base64'), isBase64Encoded: true };
    expect(await post('application/octet-stream', bytes)).toMatchObject(inBase64);
    expect(await post('application/json', bytes)).toMatchObject(inBase64);
    expect(await post('text/plain', Buffer.from('hi'))).toMatchObject({
      body: 'hi',
      isBase64Encoded: false,
    });
  });

  it('answers with status, headers and body of the function’s reply', async () => {
    fixture = await startFixture([httpFunction('http')]);
    const ask = (reply: unknown) =>
      fetch(url(`/?reply=${encodeURIComponent(JSON.stringify(reply))}`));
    const created = await ask({
      statusCode: 201,
      headers: { 'Content-Type': 'text/plain', 'X-A': 'b', 'Content-Length': '999' },
      body: Buffer.from('ü').toString('base64'),
      isBase64Encoded: true,
    });
    expect(created.status).toBe(201);
    expect(created.headers.get('x-a')).toBe('b');
    expect(created.headers.get('content-length')).toBe('2');
    expect(await created.text()).toBe('ü');
    expect(await (await ask({ statusCode: 200, body: { a: 1 } })).json()).toEqual({ a: 1 });
    expect(await (await ask({ just: 'json' })).json()).toEqual({ just: 'json' });
    expect((await ask({ statusCode: 204 })).status).toBe(204);
    expect((await ask({ statusCode: 'soon' })).status).toBe(502);
    const head = await fetch(url('/'), { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('answers 502 when the function fails, 405 to other methods, 429 beyond its instances', async () => {
    fixture = await startFixture([httpFunction('fail'), httpFunction('http')]);
    const failed = await fetch(url('/', 'fail'));
    expect(failed.status).toBe(502);
    expect(failed.headers.get('x-fc-error-type')).toBe('HandledInvocationError');
    expect(await failed.json()).toMatchObject({ errorMessage: 'out of range' });
    expect((await fetch(url('/'), { method: 'PUT' })).status).toBe(405);
    fixture.fc.faults.add({ action: 'http:http', kind: 'throttle', times: 1 });
    const throttled = await fetch(url('/'));
    expect(throttled.status).toBe(429);
    expect(await throttled.json()).toMatchObject({ Code: 'ResourceExhausted' });
  });

  it('with authType function lets signed requests in, and answers others with 403', async () => {
    fixture = await startFixture([httpFunction('http', 'function')]);
    const unsigned = await fetch(url('/x'));
    expect(unsigned.status).toBe(403);
    expect(await unsigned.json()).toMatchObject({ Code: 'MissingAccessKeyId' });
    const date = new Date().toISOString().replace(/\.\d+/, '');
    const canonical = ['GET', '/x', 'q=1', `x-acs-date:${date}\n`, 'x-acs-date', ''].join('\n');
    const hash = createHash('sha256').update(canonical).digest('hex');
    const sign = (secret: string) =>
      createHmac('sha256', secret).update(`ACS3-HMAC-SHA256\n${hash}`).digest('hex');
    const ask = (secret: string) => {
      const credential = 'Credential=AKalice,SignedHeaders=x-acs-date';
      const authorization = `ACS3-HMAC-SHA256 ${credential},Signature=${sign(secret)}`;
      return fetch(url('/x?q=1'), { headers: { 'x-acs-date': date, authorization } });
    };
    expect((await ask('secret')).status).toBe(200);
    const wrong = await ask('other');
    expect(wrong.status).toBe(403);
    expect(await wrong.json()).toMatchObject({ Code: 'SignatureDoesNotMatch' });
  });

  it('keeps its port when one is given, and is known by name only', async () => {
    fixture = await startFixture([httpFunction('http'), testFunction('echo')]);
    const address = fixture.fc.httpUrl('http');
    await fixture.restart({ httpPorts: { http: Number(new URL(address).port) } });
    expect(fixture.fc.httpUrl('http')).toBe(address);
    expect((await fetch(url('/'))).status).toBe(200);
    expect(() => fixture.fc.httpUrl('echo')).toThrow('Function echo has no HTTP trigger');
  });
});

describe('the list of functions', () => {
  it('shows what is deployed', async () => {
    const fixture = await startFixture([
      testFunction('echo'),
      testFunction('mark', { timeout: 60 }),
    ]);
    try {
      const pathname = '/2023-03-30/functions';
      const one = await fixture.call({ method: 'GET', pathname: `${pathname}/mark` });
      expect(one.body).toMatchObject({
        functionName: 'mark',
        functionArn: 'acs:fc:cn-hangzhou:1000:functions/mark',
        runtime: 'nodejs20',
        timeout: 60,
        state: 'Active',
      });
      const all = await fixture.call({ method: 'GET', pathname, query: { prefix: 'e' } });
      expect(all.body).toMatchObject({ functions: [{ functionName: 'echo' }], nextToken: '' });
    } finally {
      await fixture.close();
    }
  });
});
