/** The trigger registry on the Function Compute emulator. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type Fixture,
  startFixture,
  testFunction,
} from '../../infra/emulators/function-compute/emulator-fixture.ts';
import { FcTriggerRegistry } from '../../shared/adapters/function-compute/fc-trigger-registry.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { SeededEntropy } from '../support/seeded-entropy.ts';

let fixture: Fixture;
let registry: FcTriggerRegistry;

beforeEach(async () => {
  fixture = await startFixture([testFunction('mark')]);
  const target = {
    endpoint: fixture.fc.url,
    region: 'cn-hangzhou',
    accountId: '1000',
    functionName: 'mark',
    invocationRole: 'acs:ram::1000:role/oss',
  };
  const keys = { accessKeyId: 'AKalice', accessKeySecret: 'secret' };
  const pacing = { clock: new FakeClock({ impatient: true }), entropy: new SeededEntropy() };
  registry = new FcTriggerRegistry(target, () => keys, pacing);
});
afterEach(async () => await fixture.close());

const inbox = (name: string, bucket = 'vault') => ({ name, bucket, prefix: `${name}/inbox/` });
const triggers = async () => {
  const { body } = await fixture.call({
    method: 'GET',
    pathname: '/2023-03-30/functions/mark/triggers',
  });
  return (body as { triggers: { triggerName: string; triggerConfig: string }[] }).triggers;
};

describe('FcTriggerRegistry', () => {
  test('makes a trigger for whole objects under the prefix, once', async () => {
    expect(await registry.ensureOssTrigger(inbox('a'))).toBe(true);
    expect(await registry.ensureOssTrigger(inbox('a'))).toBe(true);
    const [made, ...others] = await triggers();
    expect(others).toEqual([]);
    expect(made).toMatchObject({
      triggerName: 'a',
      triggerType: 'oss',
      sourceArn: 'acs:oss:cn-hangzhou:1000:vault',
      invocationRole: 'acs:ram::1000:role/oss',
    });
    expect(JSON.parse(made?.triggerConfig ?? '')).toEqual({
      events: [
        'oss:ObjectCreated:PutObject',
        'oss:ObjectCreated:PostObject',
        'oss:ObjectCreated:CopyObject',
        'oss:ObjectCreated:CompleteMultipartUpload',
      ],
      filter: { key: { prefix: 'a/inbox/', suffix: '' } },
    });
  });

  test('says no where another trigger overlaps, has the name, or the quota is used up', async () => {
    await registry.ensureOssTrigger(inbox('a'));
    expect(await registry.ensureOssTrigger({ name: 'b', bucket: 'vault', prefix: 'a/' })).toBe(
      false,
    );
    expect(await registry.ensureOssTrigger({ ...inbox('a'), bucket: 'other' })).toBe(false);
    expect(await registry.ensureOssTrigger({ ...inbox('a'), prefix: 'x/' })).toBe(false);
    for (let i = 2; i <= 10; i += 1) {
      expect(await registry.ensureOssTrigger(inbox(`t${i}`))).toBe(true);
    }
    expect(await registry.ensureOssTrigger(inbox('t11'))).toBe(false);
    expect(await triggers()).toHaveLength(10);
  });

  test('removes a trigger, and an absent one counts as removed', async () => {
    await registry.ensureOssTrigger(inbox('a'));
    await registry.removeOssTrigger('a');
    await registry.removeOssTrigger('a');
    expect(await triggers()).toEqual([]);
  });

  test.each(['throttle', 'unavailable', 'error', 'drop', 'lostReply'] as const)(
    'outlives %s, with its true outcome',
    async (kind) => {
      const { faults } = fixture.fc;
      for (const action of ['CreateTrigger', 'DeleteTrigger', 'GetTrigger']) {
        faults.add({ action, kind, times: 2 });
      }
      expect(await registry.ensureOssTrigger(inbox('a'))).toBe(true);
      expect(await registry.ensureOssTrigger(inbox('a'))).toBe(true);
      await registry.removeOssTrigger('a');
      expect(await triggers()).toEqual([]);
      expect(faults.unhit()).toEqual([]);
    },
  );

  test('a function that stays away is unavailable, a refusal of rights is told', async () => {
    fixture.fc.faults.add({ action: 'CreateTrigger', kind: 'unavailable', times: 6 });
    const away = registry.ensureOssTrigger(inbox('a'));
    await expect(away).rejects.toMatchObject({ code: 'internal', retryable: true });
    fixture.fc.faults.add({ action: 'CreateTrigger', kind: 'forbidden', times: 1 });
    const refused = registry.ensureOssTrigger(inbox('a'));
    await expect(refused).rejects.toMatchObject({ code: 'internal', retryable: false });
    await expect(refused).rejects.toThrow('AccessDenied');
  });
});
