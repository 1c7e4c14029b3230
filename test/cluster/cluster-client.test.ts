/** The client of the functions against a real API server: the contract that its double keeps too. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, vi } from 'vitest';
import { startControlPlane } from '../../infra/testcluster/start-control-plane.ts';
import { readKubeconfig } from '../../shared/adapters/kubernetes/kubeconfig.ts';
import { KubernetesClusterClient } from '../../shared/adapters/kubernetes/kubernetes-cluster-client.ts';
import { SystemClock } from '../../shared/adapters/node/system-clock.ts';
import { SystemEntropy } from '../../shared/adapters/node/system-entropy.ts';
import { ContinueExpiredError } from '../../shared/ports/cluster-client.ts';
import { describeClusterClient } from '../contract/cluster-client.contract.ts';
import { CONFIG_MAPS, NAMESPACES } from '../support/sample-resources.ts';
import { describeOnControlPlane } from './describe-on-control-plane.ts';

describeOnControlPlane('KubernetesClusterClient', () => {
  for (const compress of [false, true]) {
    describeClusterClient(`KubernetesClusterClient (compressed: ${compress})`, async () => {
      const dir = mkdtempSync(`${tmpdir()}/cluster-client-`);
      const plane = await startControlPlane({ dir, controllerManager: false });
      const client = new KubernetesClusterClient(
        async () => await readKubeconfig(plane.kubeconfig),
        { pacing: { clock: new SystemClock(), entropy: new SystemEntropy() }, compress },
      );
      return {
        client,
        expireTokens: async () => {
          const { continue: token } = await client.list(CONFIG_MAPS, { limit: 1 });
          // Only what was before the last change is forgotten.
          const name = `forget-${Date.now()}`;
          const last = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
          await client.create({ resource: NAMESPACES, name }, Buffer.from(JSON.stringify(last)));
          await plane.forgetHistory();
          // The API server's cache notices within 15 s.
          await vi.waitFor(
            async () => {
              const listing = client.list(CONFIG_MAPS, { limit: 1, continue: token ?? '' });
              await expect(listing).rejects.toBeInstanceOf(ContinueExpiredError);
            },
            { timeout: 60_000, interval: 500 },
          );
        },
        close: async () => {
          await client.close();
          await plane.stop();
          rmSync(dir, { recursive: true, force: true });
        },
      };
    });
  }
});
