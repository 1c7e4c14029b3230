import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Fixture, refusal, startFixture, testFunction } from './emulator-fixture.ts';

const PATH = '/2023-03-30/functions/mark/triggers';
const MINUTE_MS = 60_000;

function ossTrigger(
  triggerName: string,
  prefix: string,
  changes: { bucket?: string; suffix?: string; events?: string[]; region?: string } = {},
) {
  const { bucket = 'vault', suffix = '', region = 'cn-hangzhou' } = changes;
  const events = changes.events ?? ['oss:ObjectCreated:*'];
  return {
    triggerName,
    triggerType: 'oss',
    sourceArn: `acs:oss:${region}:1000:${bucket}`,
    triggerConfig: JSON.stringify({ events, filter: { key: { prefix, suffix } } }),
  };
}

function put(key: string, bucket = 'vault', eventName = 'ObjectCreated:PutObject') {
  return {
    eventName,
    eventSource: 'acs:oss',
    region: 'cn-hangzhou',
    oss: { bucket: { name: bucket }, object: { key, size: 3 } },
  };
}

describe('triggers', () => {
  let fixture: Fixture;
  afterEach(() => fixture.close());

  const create = (body: Record<string, unknown>) =>
    fixture.call({ action: 'CreateTrigger', pathname: PATH, body });
  const marks = () => readFileSync(fixture.marks, 'utf8').split('\n').slice(0, -1);
  const keys = () =>
    marks().map((line) => {
      const event = JSON.parse(line) as { events: { oss: { object: { key: string } } }[] };
      return event.events.map((element) => element.oss.object.key).join();
    });

  it('are made, shown, listed, changed and deleted', async () => {
    fixture = await startFixture([testFunction('mark')]);
    const created = await create({
      ...ossTrigger('inbox-1', 'a/'),
      invocationRole: 'acs:ram::1000:role/oss',
    });
    expect(created.body).toMatchObject({
      triggerName: 'inbox-1',
      triggerType: 'oss',
      sourceArn: 'acs:oss:cn-hangzhou:1000:vault',
      targetArn: 'acs:fc:cn-hangzhou:1000:functions/mark',
      invocationRole: 'acs:ram::1000:role/oss',
      triggerConfig: ossTrigger('inbox-1', 'a/').triggerConfig,
    });
    await create(ossTrigger('inbox-2', 'b/'));
    const again = await refusal(create(ossTrigger('inbox-1', 'c/')));
    expect(again).toMatchObject({ code: 'TriggerAlreadyExists', statusCode: 409 });
    const list = await fixture.call({ method: 'GET', pathname: PATH, query: { limit: 1 } });
    expect(list.body).toMatchObject({
      triggers: [{ triggerName: 'inbox-1' }],
      nextToken: 'inbox-2',
    });
    const { triggerConfig } = ossTrigger('', 'new/');
    await fixture.call({ method: 'PUT', pathname: `${PATH}/inbox-1`, body: { triggerConfig } });
    await fixture.restart();
    const shown = await fixture.call({ method: 'GET', pathname: `${PATH}/inbox-1` });
    expect(shown.body).toMatchObject({
      triggerConfig,
      sourceArn: 'acs:oss:cn-hangzhou:1000:vault',
    });
    const { status } = await deleteTrigger('inbox-1');
    expect(status).toBe(204);
    await fixture.restart();
    const gone = await refusal(fixture.call({ method: 'GET', pathname: `${PATH}/inbox-1` }));
    expect(gone).toMatchObject({ code: 'TriggerNotFound', statusCode: 404 });
    expect(await refusal(deleteTrigger('inbox-1'))).toMatchObject({ code: 'TriggerNotFound' });
  });

  async function deleteTrigger(name: string): Promise<{ status: number }> {
    const call = { method: 'DELETE', pathname: `${PATH}/${name}`, bodyType: 'none' } as const;
    return { status: (await fixture.call(call)).statusCode };
  }

  it.each([
    ['another region', ossTrigger('t', 'x/', { region: 'cn-beijing' })],
    ['no bucket', { ...ossTrigger('t', 'x/'), sourceArn: 'vault' }],
    ['no events', ossTrigger('t', 'x/', { events: [] })],
    ['an unknown event', ossTrigger('t', 'x/', { events: ['s3:ObjectCreated:*'] })],
    ['a bad name', ossTrigger('1t', 'x/')],
    ['no JSON', { ...ossTrigger('t', 'x/'), triggerConfig: '{' }],
    ['an unknown type', { ...ossTrigger('t', 'x/'), triggerType: 'kafka' }],
    [
      'five cron fields',
      { triggerName: 't', triggerType: 'timer', triggerConfig: '{"cronExpression":"* * * * *"}' },
    ],
  ])('are refused with %s', async (_, body) => {
    fixture = await startFixture([testFunction('mark')]);
    expect(await refusal(create(body))).toMatchObject({ code: 'InvalidArgument', statusCode: 400 });
  });

  it('of one bucket must not overlap in event, prefix and suffix', async () => {
    fixture = await startFixture([testFunction('mark'), testFunction('echo')]);
    await create(ossTrigger('first', 'a/', { suffix: '.yaml' }));
    const overlapping = {
      code: 'OSSInvalidRequest',
      statusCode: 400,
      message: expect.stringContaining(
        "event source 'oss' returned error: Cannot specify overlapping prefix and suffix",
      ) as unknown,
    };
    expect(await refusal(create(ossTrigger('t', 'a/b/')))).toMatchObject(overlapping);
    expect(await refusal(create(ossTrigger('t', '')))).toMatchObject(overlapping);
    const sameEvent = ossTrigger('t', 'a/', { events: ['oss:ObjectCreated:PutObject'] });
    expect(await refusal(create(sameEvent))).toMatchObject(overlapping);
    const fromOther = fixture.call({
      pathname: '/2023-03-30/functions/echo/triggers',
      body: ossTrigger('t', 'a/'),
    });
    expect(await refusal(fromOther)).toMatchObject(overlapping);
    await create(ossTrigger('other-prefix', 'b/'));
    await create(ossTrigger('other-suffix', 'a/', { suffix: '.json' }));
    await create(ossTrigger('other-event', 'a/', { events: ['oss:ObjectRemoved:*'] }));
    await create(ossTrigger('other-bucket', 'a/', { bucket: 'second' }));
  });

  it('are ten at most per bucket and per function', async () => {
    fixture = await startFixture([testFunction('mark'), testFunction('echo')]);
    for (let n = 0; n < 10; n += 1) await create(ossTrigger(`t-${n}`, `${n}/`));
    const limit = { code: 'LimitExceededError', statusCode: 400 };
    const onFunction = await refusal(create(ossTrigger('t', 'x/', { bucket: 'second' })));
    expect(onFunction).toMatchObject(limit);
    const onBucket = fixture.call({
      pathname: '/2023-03-30/functions/echo/triggers',
      body: ossTrigger('t', 'x/'),
    });
    expect(await refusal(onBucket)).toMatchObject(limit);
    await deleteTrigger('t-0');
    await create(ossTrigger('t', 'x/', { bucket: 'second' }));
  });

  it('of OSS start functions by bucket, event, prefix and suffix, some twice', async () => {
    const inOrder = testFunction('mark', { maxInstances: 1 });
    fixture = await startFixture([inOrder], { duplicateEvents: (n) => n === 2 });
    await create(ossTrigger('inbox', 'in/', { suffix: '.yaml' }));
    for (const event of [
      put('in/1.yaml'),
      put('in/1.json'),
      put('out/1.yaml'),
      put('in/2.yaml', 'other'),
      put('in/3.yaml', 'vault', 'ObjectRemoved:DeleteObject'),
      put('in/4.yaml', 'vault', 'ObjectCreated:CompleteMultipartUpload'),
    ]) {
      await fixture.fc.deliverOssEvent(event);
    }
    await fixture.fc.idle();
    expect(keys()).toEqual(['in/1.yaml', 'in/4.yaml', 'in/4.yaml']);
    expect(JSON.parse(marks()[0] ?? '')).toEqual({ events: [put('in/1.yaml')] });
  });

  it('of OSS keep delivered events over a restart', async () => {
    const gated = testFunction('waitForGate', { maxInstances: 1 });
    const triggers = [
      {
        triggerName: 'in',
        triggerType: 'oss' as const,
        sourceArn: 'acs:oss:cn-hangzhou:1000:vault',
        triggerConfig: {
          events: ['oss:ObjectCreated:*'],
          filter: { key: { prefix: '', suffix: '' } },
        },
      },
    ];
    fixture = await startFixture([{ ...gated, triggers }]);
    await fixture.fc.deliverOssEvent(put('a'));
    await fixture.fc.deliverOssEvent(put('b'));
    await fixture.restart();
    writeFileSync(fixture.gate, '');
    await fixture.fc.idle();
    const ended = marks().filter((line) => line.startsWith('end'));
    expect(ended).toHaveLength(2);
  });
});

describe('timers', () => {
  let fixture: Fixture;
  let nowMs = Date.parse('2026-03-09T10:00:30Z');
  afterEach(() => fixture.close());

  const timer = (cronExpression: string, enable = true) => ({
    triggerName: 'each',
    triggerType: 'timer' as const,
    triggerConfig: { cronExpression, enable, payload: 'sweep' },
  });
  const times = () =>
    readFileSync(fixture.marks, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { triggerTime: string }).triggerTime);

  it('fire what is due by the injected clock, once for a jump, and say when it was due', async () => {
    nowMs = Date.parse('2026-03-09T10:00:30Z');
    const mark = testFunction('mark', { triggers: [timer('0 * * * * *')] });
    fixture = await startFixture([mark], { now: () => nowMs });
    await fixture.fc.fireDueTimers();
    expect(times()).toEqual([]);
    nowMs += MINUTE_MS / 2;
    await fixture.fc.fireDueTimers();
    await fixture.fc.fireDueTimers();
    expect(times()).toEqual(['2026-03-09T10:01:00Z']);
    nowMs += 3 * 24 * 60 * MINUTE_MS + 1;
    await fixture.fc.fireDueTimers();
    expect(times()).toEqual(['2026-03-09T10:01:00Z', '2026-03-12T10:01:00Z']);
    const [first] = readFileSync(fixture.marks, 'utf8').split('\n');
    expect(JSON.parse(first ?? '')).toEqual({
      triggerTime: '2026-03-09T10:01:00Z',
      triggerName: 'each',
      payload: 'sweep',
    });
  });

  it('fire by themselves when the clock has moved', async () => {
    nowMs = Date.parse('2026-03-09T10:00:00Z');
    const mark = testFunction('mark', { triggers: [timer('@every 1m')] });
    fixture = await startFixture([mark], { now: () => nowMs });
    nowMs += MINUTE_MS;
    await vi.waitFor(() => expect(times()).toEqual(['2026-03-09T10:01:00Z']), 10_000);
  });

  it('that are disabled do not fire, and count from the moment they are enabled', async () => {
    nowMs = Date.parse('2026-03-09T10:00:00Z');
    const mark = testFunction('mark', { triggers: [timer('@every 1m', false)] });
    fixture = await startFixture([mark], { now: () => nowMs });
    nowMs += 5 * MINUTE_MS;
    await fixture.fc.fireDueTimers();
    await fixture.fc.tick();
    await fixture.call({
      method: 'PUT',
      pathname: '/2023-03-30/functions/mark/triggers/each',
      body: { triggerConfig: JSON.stringify(timer('@every 1m').triggerConfig) },
    });
    await fixture.fc.fireDueTimers();
    expect(times()).toEqual([]);
    nowMs += MINUTE_MS;
    await fixture.fc.fireDueTimers();
    expect(times()).toEqual(['2026-03-09T10:06:00Z']);
  });

  it('tick on demand, one function or all', async () => {
    nowMs = Date.parse('2026-03-09T10:00:00Z');
    const triggers = [timer('0 0 0 1 1 *')];
    const again = testFunction('mark', { functionName: 'again', triggers });
    fixture = await startFixture([testFunction('mark', { triggers }), again], { now: () => nowMs });
    await fixture.fc.tick('mark');
    expect(times()).toHaveLength(1);
    await fixture.fc.tick();
    expect(times()).toHaveLength(3);
  });

  it('tick by themselves in local runs, whatever their expression', async () => {
    const triggers = [timer('0 0 0 1 1 *')];
    fixture = await startFixture([testFunction('mark', { triggers })], { tickEveryMs: 5 });
    await vi.waitFor(() => expect(times().length).toBeGreaterThan(2), 10_000);
  });
});
