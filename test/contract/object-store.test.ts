import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe } from 'vitest';
import { createSdk } from '../../infra/emulators/oss/sdk-client.ts';
import { startOssEmulator } from '../../infra/emulators/oss/server.ts';
import { SystemClock } from '../../shared/adapters/node/system-clock.ts';
import { SystemEntropy } from '../../shared/adapters/node/system-entropy.ts';
import { OssObjectStores } from '../../shared/adapters/oss/oss-object-store.ts';
import { InMemoryObjectStore } from '../support/in-memory-object-store.ts';
import { realCloud } from '../support/real-cloud.ts';
import { describeObjectStore } from './object-store.contract.ts';

const pacing = { clock: new SystemClock(), entropy: new SystemEntropy() };
const region = 'cn-hangzhou';

for (const versioning of ['disabled', 'enabled'] as const) {
  describeObjectStore(`InMemoryObjectStore (versioning ${versioning})`, async () => ({
    store: new InMemoryObjectStore('vault', { versioning }),
    missing: new InMemoryObjectStore('missing', { exists: false }),
    versioning,
    close: async () => undefined,
  }));

  describeObjectStore(`OssObjectStore on the emulator (versioning ${versioning})`, async () => {
    const dir = mkdtempSync(`${tmpdir()}/oss-contract-`);
    const emulator = await startOssEmulator({
      dir,
      now: Date.now,
      region,
      accountId: '1',
      credentials: () => ({ accessKeySecret: 'secret', principalId: '1' }),
    });
    const keys = { accessKeyId: 'LTAItest', accessKeySecret: 'secret' };
    const sdk = createSdk({
      ...keys,
      endpoint: emulator.url,
      region: `oss-${region}`,
      sldEnable: true,
    });
    await sdk.putBucket('vault');
    if (versioning === 'enabled') await sdk.putBucketVersioning('vault', 'Enabled');
    const stores = new OssObjectStores(
      () => emulator.url,
      () => keys,
      pacing,
    );
    return {
      store: stores.open({ region, name: 'vault' }),
      missing: stores.open({ region, name: 'missing' }),
      versioning,
      close: async () => {
        await emulator.close();
        rmSync(dir, { recursive: true });
      },
    };
  });
}

const cloud = realCloud(['CONTRACT_OSS_REGION', 'CONTRACT_OSS_BUCKET']);
describe.skipIf('skip' in cloud)(`a real account (${'skip' in cloud ? cloud.skip : ''})`, () => {
  describeObjectStore('OssObjectStore in the cloud', async () => {
    if ('skip' in cloud) throw new Error(cloud.skip);
    const { CONTRACT_OSS_REGION: home, CONTRACT_OSS_BUCKET: name } = cloud.settings;
    const stores = new OssObjectStores(
      (id) => `https://oss-${id}.aliyuncs.com`,
      () => cloud.keys,
      pacing,
    );
    return {
      store: stores.open({ region: home, name }),
      missing: stores.open({ region: home, name: `${name}-missing` }),
      versioning: 'disabled',
      close: async () => undefined,
    };
  });
});
