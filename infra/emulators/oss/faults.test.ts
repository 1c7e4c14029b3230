import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FaultKind } from '../kit/fault-plan.ts';
import { BUCKET, clientOf, type Fixture, refusalOf, startFixture } from './emulator-fixture.ts';
import type { OssSdk } from './sdk-client.ts';

let fixture: Fixture;
let client: OssSdk;

beforeEach(async () => {
  fixture = await startFixture();
  client = clientOf(fixture.emulator);
  await client.putBucket(BUCKET);
});

afterEach(() => fixture.stop());

const plan = (action: string, kind: FaultKind, times = 1) =>
  fixture.faults.add({ action, kind, times });
const put = (key: string) => client.put(key, Buffer.from('x'));

describe('a planned fault', () => {
  it.each<[FaultKind, number, string]>([
    ['throttle', 503, 'QpsLimitExceeded'],
    ['unavailable', 503, 'ServerBusy'],
    ['error', 500, 'InternalError'],
    ['forbidden', 403, 'AccessDenied'],
  ])('of kind %s is refused with %i %s and applies nothing', async (kind, status, code) => {
    plan('PutObject', kind);
    expect(await refusalOf(put('x'))).toMatchObject({ status, code });
    expect(await refusalOf(client.get('x'))).toMatchObject({ code: 'NoSuchKey' });
    await put('x');
    expect(fixture.faults.unhit()).toEqual([]);
  });

  it('drops the connection before anything is applied', async () => {
    plan('PutObject', 'drop');
    expect(await refusalOf(put('x'))).toMatchObject({ status: -1 });
    expect(await refusalOf(client.get('x'))).toMatchObject({ code: 'NoSuchKey' });
  });

  it('loses the reply after the request was applied', async () => {
    plan('PutObject', 'lostReply');
    expect(await refusalOf(put('x'))).toMatchObject({ status: -1 });
    expect((await client.get('x')).content.toString()).toBe('x');
    plan('GetObject', 'lostReply');
    expect(await refusalOf(client.get('x'))).toMatchObject({ status: -1 });
    await client.delete('x');
    expect((await client.listV2({})).objects).toEqual([]);
  });

  it('delays the reply', async () => {
    await put('x');
    fixture.faults.add({ action: 'HeadObject', kind: 'slow', times: 1, delayMs: 150 });
    const startedAt = performance.now();
    await client.head('x');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(149);
  });

  it('hits only its action, so often as planned', async () => {
    await put('x');
    plan('ListObjectsV2', 'unavailable', 2);
    await client.get('x');
    await client.list({});
    for (const _ of [1, 2]) expect((await refusalOf(client.listV2({}))).code).toBe('ServerBusy');
    await client.listV2({});
    expect(fixture.faults.hits().get('ListObjectsV2:unavailable')).toBe(2);
  });

  it('hits every action by its name in the API', async () => {
    plan('*', 'throttle', 3);
    const calls = [client.listBuckets(), client.getBucketWorm(BUCKET), client.copy('a', 'b')];
    for (const call of calls) expect((await refusalOf(call)).code).toBe('QpsLimitExceeded');
  });
});

describe('a refused upload', () => {
  it('leaves the connection usable although its body was not read', async () => {
    plan('PutObject', 'throttle');
    const body = Buffer.alloc(20_000_000);
    expect(await refusalOf(client.put('big', body))).toMatchObject({ code: 'QpsLimitExceeded' });
    await client.put('big', body);
    expect((await client.head('big')).res.headers['content-length']).toBe('20000000');
  });
});

describe('delivery of events', () => {
  const keys = () => fixture.events.map((event) => event.oss.object.key);

  it('may be planned to come twice, or only after a failure', async () => {
    plan('DeliverEvent', 'lostReply');
    await put('twice');
    await fixture.emulator.eventsDelivered();
    expect(keys()).toEqual(['twice', 'twice']);
    plan('DeliverEvent', 'drop');
    await put('late');
    await fixture.emulator.eventsDelivered();
    expect(keys()).toEqual(['twice', 'twice', 'late']);
  });

  it('is not hit by a fault that is planned for any request', async () => {
    plan('*', 'throttle');
    expect((await refusalOf(put('x'))).code).toBe('QpsLimitExceeded');
    plan('*', 'throttle');
    expect((await refusalOf(put('x'))).code).toBe('QpsLimitExceeded');
    await put('x');
    await fixture.emulator.eventsDelivered();
    expect(keys()).toEqual(['x']);
  });
});
