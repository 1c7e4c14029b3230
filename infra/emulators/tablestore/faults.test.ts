import { beforeEach, describe, expect, it } from 'vitest';
import {
  expectNoRow,
  type Fixture,
  makeTable,
  put,
  read,
  refusal,
  startFixture,
} from './emulator-fixture.ts';

let fixture: Fixture;
const key = [{ id: 'r' }];
const putNow = () => put(fixture.client, 'rows', key, [{ v: 'x' }]);

beforeEach(async () => {
  fixture = await startFixture();
  await makeTable(fixture.client, 'rows');
});

describe('a planned fault', () => {
  it.each([
    ['unavailable', 503, 'OTSPartitionUnavailable'],
    ['error', 500, 'OTSInternalServerError'],
    ['forbidden', 403, 'OTSNoPermissionAccess'],
  ] as const)('%s is answered with %i %s, nothing applied', async (kind, status, code) => {
    fixture.emulator.faults.add({ action: 'PutRow', kind, times: 1 });
    expect(await refusal(putNow())).toMatchObject({ status, code });
    expect(await read(fixture.client, 'rows', key)).toBeUndefined();
    await putNow();
    expect(await read(fixture.client, 'rows', key)).toEqual({ v: 'x' });
    expect(fixture.emulator.faults.unhit()).toEqual([]);
  });

  it('throttle shows both of the codes in turn', async () => {
    fixture.emulator.faults.add({ action: 'PutRow', kind: 'throttle', times: 2 });
    expect(await refusal(putNow())).toMatchObject({
      status: 403,
      code: 'OTSNotEnoughCapacityUnit',
    });
    expect(await refusal(putNow())).toMatchObject({ status: 503, code: 'OTSServerBusy' });
    await putNow();
  });

  it('drop closes the connection before anything is applied', async () => {
    fixture.emulator.faults.add({ action: 'PutRow', kind: 'drop', times: 1 });
    expect((await refusal(putNow())).status).toBe('NetworkingError');
    expect(await read(fixture.client, 'rows', key)).toBeUndefined();
  });

  it('lostReply applies the write and closes the connection', async () => {
    fixture.emulator.faults.add({ action: 'PutRow', kind: 'lostReply', times: 1 });
    expect((await refusal(putNow())).status).toBe('NetworkingError');
    expect(await read(fixture.client, 'rows', key)).toEqual({ v: 'x' });
    const again = fixture.client.putRow({
      tableName: 'rows',
      primaryKey: key,
      attributeColumns: [{ v: 'again' }],
      condition: expectNoRow(),
    });
    expect((await refusal(again)).code).toBe('OTSConditionCheckFail');
  });

  it('slow answers late', async () => {
    fixture.emulator.faults.add({ action: 'PutRow', kind: 'slow', times: 1, delayMs: 80 });
    const startedAtMs = performance.now();
    await putNow();
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(79);
  });

  it('hits the operation it names and no other', async () => {
    fixture.emulator.faults.add({ action: 'GetRow', kind: 'error', times: 1 });
    await putNow();
    expect((await refusal(read(fixture.client, 'rows', key))).code).toBe('OTSInternalServerError');
    expect(await read(fixture.client, 'rows', key)).toEqual({ v: 'x' });
  });
});
