import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { startKubernetesEmulator } from '../../infra/emulators/kubernetes/server.ts';
import { readKubeconfig } from '../../shared/adapters/kubernetes/kubeconfig.ts';
import { KubernetesClusterClient } from '../../shared/adapters/kubernetes/kubernetes-cluster-client.ts';
import { SystemClock } from '../../shared/adapters/node/system-clock.ts';
import { SystemEntropy } from '../../shared/adapters/node/system-entropy.ts';
import { InMemoryClusterClient } from '../support/in-memory-cluster-client.ts';
import { SAMPLE_RESOURCES } from '../support/sample-resources.ts';
import { describeClusterClient } from './cluster-client.contract.ts';

describeClusterClient('InMemoryClusterClient', async () => {
  const client = new InMemoryClusterClient(SAMPLE_RESOURCES);
  return {
    client,
    expireTokens: async () => client.expireContinueTokens(),
    close: async () => await client.close(),
  };
});

// The same suite runs on a real control plane: test/cluster/cluster-client.test.ts.
describeClusterClient('KubernetesClusterClient on the sandbox', async () => {
  const dir = mkdtempSync(`${tmpdir()}/cluster-contract-`);
  const time = { offsetMs: 0 };
  const emulator = await startKubernetesEmulator({
    dir,
    now: () => Date.now() + time.offsetMs,
    clusterId: 'c1',
    tokens: (token) =>
      token === 'admin' ? { user: 'admin', groups: ['system:masters'] } : undefined,
  });
  const client = new KubernetesClusterClient(
    async () => await readKubeconfig(emulator.adminKubeconfig('admin')),
    { pacing: { clock: new SystemClock(), entropy: new SystemEntropy() } },
  );
  return {
    client,
    expireTokens: async () => {
      time.offsetMs += 600_000;
    },
    close: async () => {
      await client.close();
      await emulator.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
});
