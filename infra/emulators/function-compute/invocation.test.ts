import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type Fixture,
  parsedBody,
  refusal,
  startFixture,
  testFunction,
} from './emulator-fixture.ts';

const ROLE = 'acs:ram::1000:role/fc';
const MIB = 1024 * 1024;

describe('a synchronous invocation', () => {
  let fixture: Fixture;
  afterEach(() => fixture.close());

  it('hands the function a Buffer, its own environment and a context with the role’s keys', async () => {
    const echo = testFunction('echo', { role: ROLE, environmentVariables: { COLOUR: 'blue' } });
    fixture = await startFixture([echo]);
    process.env.OF_THE_HOST = 'x';
    const reply = await fixture.invoke('echo', 'hällo');
    expect(reply.statusCode).toBe(200);
    expect(reply.headers['x-fc-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(reply.headers['x-fc-error-type']).toBeUndefined();
    const body = parsedBody(reply) as { env: Record<string, string> };
    expect(body).toMatchObject({
      isBuffer: true,
      event: 'hällo',
      context: {
        requestId: reply.headers['x-fc-request-id'],
        region: 'cn-hangzhou',
        accountId: '1000',
        credentials: {
          accessKeyId: `STS.${ROLE}`,
          accessKeySecret: 'role-secret',
          securityToken: 'role-token',
        },
        function: { name: 'echo', handler: 'index.echo', memory: 128, timeout: 30 },
      },
      env: { COLOUR: 'blue', FC_FUNCTION_NAME: 'echo', FC_REGION: 'cn-hangzhou' },
    });
    expect(body.env.OF_THE_HOST).toBeUndefined();
  });

  it('uses a warm instance again, and a new one while that is busy', async () => {
    fixture = await startFixture([
      testFunction('echo'),
      testFunction('waitForGate', { maxInstances: 2 }),
    ]);
    const first = await fixture.invoke('echo');
    const second = await fixture.invoke('echo');
    expect(parsedBody(second)).toMatchObject({ calls: 2 });
    expect(second.headers['x-fc-instance-id']).toBe(first.headers['x-fc-instance-id']);
    const both = [fixture.invoke('waitForGate', 'a'), fixture.invoke('waitForGate', 'b')];
    await vi.waitFor(
      () =>
        expect(readFileSync(fixture.marks, 'utf8')).toMatch(
          /start a\n.*start b\n|start b\n.*start a\n/s,
        ),
      10_000,
    );
    const third = await refusal(fixture.invoke('waitForGate', 'c'));
    expect(third).toMatchObject({ code: 'ResourceExhausted', statusCode: 429 });
    writeFileSync(fixture.gate, '');
    const ids = (await Promise.all(both)).map((reply) => reply.headers['x-fc-instance-id']);
    expect(new Set(ids).size).toBe(2);
  });

  it.each([
    ['raw', 'a\u0000ÿ', 'a\u0000ÿ'],
    ['text', 'x', 'text x'],
  ])('returns what %s returns', async (name, event, expected) => {
    fixture = await startFixture([testFunction(name)]);
    const reply = await fixture.invoke(name, event);
    expect((reply.body as Buffer).toString()).toBe(expected);
  });

  it.each([
    ['fail', 'HandledInvocationError', { errorMessage: 'out of range', errorType: 'RangeError' }],
    ['callbackError', 'HandledInvocationError', { errorMessage: 'no', errorType: 'TypeError' }],
    ['exit', 'UnhandledInvocationError', { errorMessage: /exited unexpectedly/ }],
    ['later', 'UnhandledInvocationError', { errorMessage: /late/ }],
    ['hang', 'UnhandledInvocationError', { errorMessage: 'Function timed out after 1 seconds' }],
    ['memory', 'UnhandledInvocationError', { errorMessage: /out of memory, limit 128 MB/ }],
    ['absent', 'UnhandledInvocationError', { errorMessage: /Handler 'index.absent' is missing/ }],
  ])('reports how %s failed, and goes on with a healthy instance', async (name, type, body) => {
    fixture = await startFixture([
      testFunction(name, { timeout: name === 'hang' ? 1 : 30 }),
      testFunction('echo'),
    ]);
    const reply = await fixture.invoke(name);
    expect(reply.statusCode).toBe(200);
    expect(reply.headers['x-fc-error-type']).toBe(type);
    const { errorMessage } = parsedBody(reply) as { errorMessage: string };
    expect(errorMessage).toEqual(
      body.errorMessage instanceof RegExp
        ? expect.stringMatching(body.errorMessage)
        : body.errorMessage,
    );
    expect((await fixture.invoke('echo')).headers['x-fc-error-type']).toBeUndefined();
  });

  it('runs the initializer once per instance, before the first request', async () => {
    const initializer = { handler: 'index.initialize', timeout: 5 };
    fixture = await startFixture([testFunction('initialized', { initializer })]);
    expect((await fixture.invoke('initialized')).body?.toString()).toBe('true');
    await fixture.invoke('initialized');
    expect(readFileSync(fixture.marks, 'utf8')).toBe('initialize initialized\n');
  });

  it('logs what functions print, and their starts and ends', async () => {
    fixture = await startFixture([testFunction('print'), testFunction('fail')]);
    const { headers } = await fixture.invoke('print');
    await vi.waitFor(() => expect(fixture.lines).toContain('[print] plain'));
    await vi.waitFor(() =>
      expect(fixture.lines.join('\n')).toMatch(
        new RegExp(`\\[print\\] \\S+Z ${headers['x-fc-request-id']} \\[warn\\] careful`),
      ),
    );
    await fixture.invoke('fail');
    expect(fixture.lines.join('\n')).toMatch(/\[fail\] FC Invoke End .*Error: out of range/);
  });

  it('refuses unknown functions, aliases, invocation types, callers and too large events', async () => {
    fixture = await startFixture([testFunction('echo')]);
    const path = '/2023-03-30/functions/echo/invocations';
    expect(await refusal(fixture.invoke('none'))).toMatchObject({
      code: 'FunctionNotFound',
      statusCode: 404,
      message: expect.stringContaining("function 'none' does not exist.") as unknown,
    });
    const alias = fixture.call({ pathname: path, query: { qualifier: 'prod' } });
    expect(await refusal(alias)).toMatchObject({ code: 'AliasNotFound', statusCode: 404 });
    const type = fixture.invoke('echo', '', { 'x-fc-invocation-type': 'Soon' });
    expect(await refusal(type)).toMatchObject({ code: 'InvalidArgument', statusCode: 400 });
    const large = fixture.invoke('echo', 'x'.repeat(32 * MIB + 1));
    expect(await refusal(large)).toMatchObject({ code: 'EntityTooLarge', statusCode: 413 });
    const unsigned = await fetch(`${fixture.fc.url}${path}`, { method: 'POST' });
    expect(unsigned.status).toBe(400);
    expect(await unsigned.json()).toMatchObject({ Code: 'MissingAccessKeyId' });
  });

  it('shows planned faults of the API, and kills an invocation at its start', async () => {
    fixture = await startFixture([testFunction('mark'), testFunction('echo')]);
    const { faults } = fixture.fc;
    faults.add({ action: 'InvokeFunction', kind: 'throttle', times: 1 });
    faults.add({ action: 'InvokeFunction', kind: 'unavailable', times: 1 });
    faults.add({ action: 'InvokeFunction', kind: 'lostReply', times: 1 });
    faults.add({ action: 'function:echo', kind: 'error', times: 1 });
    expect(await refusal(fixture.invoke('mark', '1'))).toMatchObject({ statusCode: 429 });
    expect(await refusal(fixture.invoke('mark', '2'))).toMatchObject({ statusCode: 503 });
    await refusal(fixture.invoke('mark', '3'));
    expect(readFileSync(fixture.marks, 'utf8')).toBe('3\n');
    const killed = await fixture.invoke('echo');
    expect(killed.headers['x-fc-error-type']).toBe('UnhandledInvocationError');
    expect(parsedBody(await fixture.invoke('echo'))).toMatchObject({ calls: 1 });
    expect(faults.unhit()).toEqual([]);
  });

  it('can be killed while it runs', async () => {
    fixture = await startFixture([testFunction('hang')]);
    const running = fixture.invoke('hang');
    await vi.waitFor(() => expect(readFileSync(fixture.marks, 'utf8')).toBe('hang\n'), 10_000);
    fixture.fc.kill('hang');
    expect((await running).headers['x-fc-error-type']).toBe('UnhandledInvocationError');
    await fixture.fc.idle();
  });

  it('ends an instance that nobody used for a while', async () => {
    fixture = await startFixture([testFunction('echo')], { instanceIdleMs: 1 });
    const first = await fixture.invoke('echo');
    await vi.waitFor(async () => {
      const next = await fixture.invoke('echo');
      expect(next.headers['x-fc-instance-id']).not.toBe(first.headers['x-fc-instance-id']);
    }, 10_000);
  });
});

describe('the clock inside a function', () => {
  let fixture: Fixture;
  afterEach(() => fixture.close());

  it('is the emulators’ clock, and follows it while the function runs', async () => {
    let aheadMs = 30 * 24 * 3_600_000;
    const now = () => Date.now() + aheadMs;
    fixture = await startFixture([testFunction('echo'), testFunction('followClock')], { now });
    const body = parsedBody(await fixture.invoke('echo')) as Record<string, number>;
    expect(Math.abs((body.date ?? 0) - now())).toBeLessThan(10_000);
    expect(Math.abs((body.newDate ?? 0) - now())).toBeLessThan(10_000);
    expect(body).toMatchObject({ parsed: Date.UTC(2026, 0, 1), isDate: true });
    const running = fixture.invoke('followClock');
    await vi.waitFor(() => expect(readFileSync(fixture.marks, 'utf8')).toBe('start\n'), 10_000);
    aheadMs += 2 * 3_600_000;
    expect(Number((await running).body?.toString())).toBeGreaterThanOrEqual(2 * 3_600_000);
  });
});
