import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { callSdk } from '../acs-signature/sdk-client.ts';
import { type Fixture, refusal, startFixture, testFunction } from './emulator-fixture.ts';

const ASYNC = { 'x-fc-invocation-type': 'Async' };
const TASKS = { asyncInvokeConfig: { asyncTask: true, maxAsyncRetryAttempts: 0 } };

function withId(taskId: string): Record<string, string> {
  return { ...ASYNC, 'x-fc-async-task-id': taskId };
}

describe('an asynchronous invocation', () => {
  let fixture: Fixture;
  afterEach(() => fixture.close());

  const marks = () => readFileSync(fixture.marks, 'utf8').split('\n').slice(0, -1);
  const marked = (line: string) => vi.waitFor(() => expect(marks()).toContain(line), 10_000);
  async function task(functionName: string, taskId: string): Promise<Record<string, unknown>> {
    const pathname = `/2023-03-30/functions/${functionName}/async-tasks/${taskId}`;
    return (await fixture.call({ method: 'GET', pathname })).body as Record<string, unknown>;
  }

  it('is accepted at once and run later, in order of acceptance', async () => {
    fixture = await startFixture([testFunction('mark', { maxInstances: 1 })]);
    for (const event of ['1', '2', '3']) {
      const reply = await fixture.invoke('mark', event, ASYNC);
      expect(reply.statusCode).toBe(202);
      expect(reply.headers['x-fc-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
    await fixture.fc.idle();
    expect(marks()).toEqual(['1', '2', '3']);
  });

  it('waits for room where a synchronous one is refused', async () => {
    fixture = await startFixture([testFunction('waitForGate', { maxInstances: 1 })]);
    await fixture.invoke('waitForGate', 'a', ASYNC);
    await marked('start a');
    await fixture.invoke('waitForGate', 'b', ASYNC);
    expect(await refusal(fixture.invoke('waitForGate', 'c'))).toMatchObject({ statusCode: 429 });
    writeFileSync(fixture.gate, '');
    await fixture.fc.idle();
    expect(marks()).toEqual(['start a', 'end a', 'start b', 'end b']);
  });

  it('starts a task id once, also over a restart', async () => {
    fixture = await startFixture([testFunction('mark', TASKS)]);
    const first = await fixture.invoke('mark', 'once', withId('run-1_a'));
    expect(first.headers['x-fc-async-task-id']).toBe('run-1_a');
    const again = await refusal(fixture.invoke('mark', 'twice', withId('run-1_a')));
    expect(again).toMatchObject({ code: 'StatefulAsyncInvocationAlreadyExists', statusCode: 409 });
    await fixture.fc.idle();
    await fixture.restart();
    expect(await refusal(fixture.invoke('mark', 'thrice', withId('run-1_a')))).toMatchObject({
      statusCode: 409,
    });
    await fixture.fc.idle();
    expect(marks()).toEqual(['once']);
  });

  it.each(['1a', '-a', 'a b', 'a'.repeat(129), ''])('refuses the task id %j', async (id) => {
    fixture = await startFixture([testFunction('mark', TASKS)]);
    const error = await refusal(fixture.invoke('mark', 'x', withId(id)));
    expect(error).toMatchObject({ code: 'InvalidArgument', statusCode: 400 });
  });

  it('refuses task ids without tasks, and events over 128 KB', async () => {
    fixture = await startFixture([testFunction('mark')]);
    const untracked = await refusal(fixture.invoke('mark', 'x', withId('id')));
    expect(untracked.code).toBe('InvalidArgument');
    const large = await refusal(fixture.invoke('mark', 'x'.repeat(128 * 1024 + 1), ASYNC));
    expect(large).toMatchObject({ code: 'EntityTooLarge', statusCode: 413 });
    await fixture.invoke('mark', 'y'.repeat(128 * 1024), ASYNC);
    await fixture.fc.idle();
    expect(marks()).toEqual(['y'.repeat(128 * 1024)]);
  });

  it('is run again after a failure as often as the function says', async () => {
    const retries = (maxAsyncRetryAttempts: number) => ({
      asyncInvokeConfig: { asyncTask: true, maxAsyncRetryAttempts },
    });
    fixture = await startFixture([testFunction('failUntil', retries(2))]);
    await fixture.invoke('failUntil', '3', withId('recovers'));
    await fixture.fc.idle();
    expect(marks()).toHaveLength(3);
    expect(await task('failUntil', 'recovers')).toMatchObject({
      status: 'Succeeded',
      alreadyRetriedTimes: 2,
    });
    await fixture.invoke('failUntil', '99', withId('fails'));
    await fixture.fc.idle();
    expect(marks()).toHaveLength(6);
    const failed = await task('failUntil', 'fails');
    expect(failed).toMatchObject({
      status: 'Failed',
      taskErrorMessage: 'not yet',
      alreadyRetriedTimes: 2,
      taskPayload: '99',
      functionArn: 'acs:fc:cn-hangzhou:1000:functions/failUntil',
    });
    const statuses = (failed.events as { status: string }[]).map((event) => event.status);
    expect(statuses).toEqual([
      'Enqueued',
      'Running',
      'Retrying',
      'Running',
      'Retrying',
      'Running',
      'Failed',
    ]);
  });

  it('expires when it waited longer than its age limit', async () => {
    let aheadMs = 0;
    const waits = testFunction('waitForGate', {
      maxInstances: 1,
      asyncInvokeConfig: { asyncTask: true, maxAsyncEventAgeInSeconds: 60 },
    });
    fixture = await startFixture([waits], { now: () => Date.now() + aheadMs });
    await fixture.invoke('waitForGate', 'a', ASYNC);
    await marked('start a');
    await fixture.invoke('waitForGate', 'b', withId('old'));
    aheadMs = 61_000;
    writeFileSync(fixture.gate, '');
    await fixture.fc.idle();
    expect(marks()).toEqual(['start a', 'end a']);
    expect(await task('waitForGate', 'old')).toMatchObject({ status: 'Expired' });
  });

  it('can be stopped while it runs and while it waits', async () => {
    fixture = await startFixture([testFunction('waitForGate', { ...TASKS, maxInstances: 1 })]);
    const stop = (id: string) =>
      fixture.call({
        method: 'PUT',
        pathname: `/2023-03-30/functions/waitForGate/async-tasks/${id}/stop`,
        bodyType: 'none',
      });
    await fixture.invoke('waitForGate', 'a', withId('running'));
    await marked('start a');
    await fixture.invoke('waitForGate', 'b', withId('waiting'));
    await stop('waiting');
    await stop('running');
    await fixture.fc.idle();
    expect(marks()).toEqual(['start a']);
    expect(await task('waitForGate', 'running')).toMatchObject({ status: 'Stopped' });
    expect(await task('waitForGate', 'waiting')).toMatchObject({ status: 'Stopped' });
    expect(await refusal(stop('running'))).toMatchObject({ code: 'InvalidArgument' });
    expect(await refusal(stop('none'))).toMatchObject({ code: 'AsyncTaskNotFound' });
  });

  it('is listed by prefix and state, newest first, in pages', async () => {
    fixture = await startFixture([testFunction('mark', TASKS)]);
    for (const id of ['a-1', 'a-2', 'b-1']) await fixture.invoke('mark', id, withId(id));
    await fixture.fc.idle();
    const list = async (query: Record<string, unknown>) => {
      const pathname = '/2023-03-30/functions/mark/async-tasks';
      const { body } = await fixture.call({ method: 'GET', pathname, query });
      const { tasks, nextToken } = body as { tasks: { taskId: string }[]; nextToken: string };
      return { ids: tasks.map((t) => t.taskId), nextToken };
    };
    expect((await list({ prefix: 'a-' })).ids).toEqual(['a-2', 'a-1']);
    expect((await list({ status: 'Failed' })).ids).toEqual([]);
    const first = await list({ limit: 2, sortOrderByTime: 'asc' });
    expect(first.ids).toEqual(['a-1', 'a-2']);
    const query = { limit: 2, sortOrderByTime: 'asc', nextToken: first.nextToken };
    expect(await list(query)).toEqual({ ids: ['b-1'], nextToken: '' });
    expect(await refusal(list({ limit: 101 }))).toMatchObject({ code: 'InvalidArgument' });
  });

  it('takes settings at run time, and keeps them over a restart', async () => {
    fixture = await startFixture([testFunction('fail')]);
    const pathname = '/2023-03-30/functions/fail/async-invoke-config';
    const missing = await refusal(fixture.call({ method: 'GET', pathname }));
    expect(missing).toMatchObject({ code: 'AsyncConfigNotExists', statusCode: 404 });
    const body = { maxAsyncRetryAttempts: 1, asyncTask: true };
    await fixture.call({ method: 'PUT', pathname, body });
    await fixture.restart();
    const shown = await fixture.call({ method: 'GET', pathname });
    expect(shown.body).toMatchObject(body);
    await fixture.invoke('fail', '', withId('id'));
    await fixture.fc.idle();
    expect(marks()).toEqual(['fail', 'fail']);
    const tooMany = fixture.call({ method: 'PUT', pathname, body: { maxAsyncRetryAttempts: 9 } });
    expect(await refusal(tooMany)).toMatchObject({ code: 'InvalidArgument', statusCode: 400 });
    await fixture.call({ method: 'DELETE', pathname, bodyType: 'none' });
    expect(await refusal(fixture.call({ method: 'GET', pathname }))).toMatchObject({
      statusCode: 404,
    });
  });

  it('is run again after a clean stop of the host in the middle of it', async () => {
    fixture = await startFixture([testFunction('waitForGate', TASKS)]);
    await fixture.invoke('waitForGate', 'a', withId('id'));
    await marked('start a');
    await fixture.restart();
    writeFileSync(fixture.gate, '');
    await fixture.fc.idle();
    expect(marks()).toEqual(['start a', 'start a', 'end a']);
    expect(await task('waitForGate', 'id')).toMatchObject({ status: 'Succeeded' });
  });
});

describe('a host that is killed with SIGKILL', () => {
  let fixture: Fixture;
  let child: ChildProcess | undefined;
  afterEach(async () => {
    child?.kill('SIGKILL');
    await fixture.close();
  });

  it('loses nothing that it accepted', async () => {
    fixture = await startFixture([]);
    const waits = testFunction('waitForGate', { ...TASKS, maxInstances: 1 });
    const codeFile = `${fixture.dir}/index.js`;
    const environmentVariables = { MARKS: fixture.marks, GATE: fixture.gate };
    const functions = [{ ...waits, codeFile, environmentVariables }];
    const started = await startHostProcess({ dir: `${fixture.dir}/killed`, functions });
    child = started.child;
    const invoke = (taskId: string) =>
      callSdk(
        { url: started.url, accessKeyId: 'AKalice', accessKeySecret: 'secret' },
        {
          action: 'InvokeFunction',
          version: '2023-03-30',
          style: 'ROA',
          pathname: '/2023-03-30/functions/waitForGate/invocations',
          stream: Buffer.from(taskId),
          headers: withId(taskId),
          bodyType: 'byte',
        },
      );
    await invoke('running');
    const marks = () => readFileSync(fixture.marks, 'utf8').split('\n').slice(0, -1);
    await vi.waitFor(() => expect(marks()).toEqual(['start running']), 10_000);
    await invoke('waiting');
    const exited = once(started.child, 'exit');
    started.child.kill('SIGKILL');
    await exited;
    writeFileSync(fixture.gate, '');
    await fixture.restart({ dir: `${fixture.dir}/killed`, functions });
    await fixture.fc.idle();
    expect(marks()).toEqual([
      'start running',
      'start running',
      'end running',
      'start waiting',
      'end waiting',
    ]);
    expect(await refusal(fixture.invoke('waitForGate', '', withId('running')))).toMatchObject({
      statusCode: 409,
    });
  });
});

/** The emulator in a process of its own, bundled from the sources of this folder. */
async function startHostProcess(options: {
  readonly dir: string;
  readonly functions: readonly unknown[];
}): Promise<{ child: ChildProcess; url: string }> {
  const contents = `
    import { startFunctionComputeEmulator } from './server.ts';
    const credential = { accessKeySecret: 'secret', principalId: '1', accountId: '1000', arn: '' };
    const keys = { accessKeyId: '', accessKeySecret: '', securityToken: '' };
    const fc = await startFunctionComputeEmulator({
      ...${JSON.stringify(options)},
      now: Date.now,
      region: 'cn-hangzhou',
      accountId: '1000',
      credentials: () => credential,
      roleCredentials: () => keys,
    });
    process.stdout.write(fc.url + '\\n');
  `;
  const bundle = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    write: false,
  });
  const child = spawn(process.execPath, ['--input-type=module', '-'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(bundle.outputFiles[0]?.text);
  for await (const url of createInterface({ input: child.stdout })) return { child, url };
  throw new Error('The host process ended before it was up');
}
