import { beforeEach, expect, it } from 'vitest';
import { ApiWorld, VAULT_BODY } from '../../test/support/api-world.ts';
import type { JsonObject } from '../domain/json.ts';
import { recheckVaults } from './probe-vault.ts';

const MINUTE_MS = 60_000;

let world: ApiWorld;

beforeEach(async () => {
  world = new ApiWorld();
  await world.call('POST', '/v1/vaults', VAULT_BODY);
});

/** The vault as the API shows it, some minutes after it was looked at last. */
async function after(minutes: number): Promise<JsonObject> {
  await world.clock.advance(minutes * MINUTE_MS);
  await recheckVaults(world.services);
  return (await world.call('GET', '/v1/vaults/main')).body;
}

it('a vault is looked at every five minutes, and says why it cannot be used', async () => {
  const { facts } = world.stores.open({ region: 'cn-hangzhou', name: 'cnfs-oss-a' });
  facts.exists = false;
  expect((await after(4)).phase).toBe('Available');
  const gone = await after(1);
  expect(gone.phase).toBe('Unavailable');
  expect(gone.message).toContain('cnfs-oss-a');
  facts.exists = true;
  const back = await after(5);
  expect(back.phase).toBe('Available');
  expect(back.message).toBeUndefined();
});

it('a vault that was deleted is looked at no more', async () => {
  await world.call('DELETE', '/v1/vaults/main');
  world.stores.open({ region: 'cn-hangzhou', name: 'cnfs-oss-a' }).intercept = async () => {
    throw new Error('Nobody should look');
  };
  await world.clock.advance(5 * MINUTE_MS);
  await expect(recheckVaults(world.services)).resolves.toBeUndefined();
});
