import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { services } from './engine/network-objects.ts';
import type { Runner } from './engine/reconcilers.ts';
import { claims, storageClasses, volumes } from './engine/storage-objects.ts';
import { pods, replicaSets } from './engine/workload-objects.ts';
import { runCloudControllers, runControllers } from './run-controllers.ts';
import { type Sandbox, startSandbox } from './sandbox-fixture.ts';

let sandbox: Sandbox;
let ns: string;

beforeAll(async () => {
  sandbox = await startSandbox();
  ns = await sandbox.namespace();
});
afterAll(async () => {
  await sandbox.close();
});

async function balancer(name: string): Promise<string | undefined> {
  const service = await sandbox.get(services, `${ns}/${name}`);
  return service.status?.loadBalancer?.ingress?.[0]?.ip;
}
const createBalancer = (name: string) =>
  sandbox.client.create(services, ns, {
    metadata: { name },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
  });
async function within(runner: Runner, work: () => Promise<void>): Promise<void> {
  try {
    await work();
    await runner.idle();
  } finally {
    await runner.close();
  }
}

describe('runControllers', () => {
  it('gives no load balancer when told so', async () => {
    const { access, now } = sandbox;
    const runner = await runControllers(access, { now, loadBalancers: false });
    await within(runner, async () => {
      await createBalancer('none');
    });
    expect(await balancer('none')).toBeUndefined();
  });
});

describe('runCloudControllers', () => {
  it('serves load balancers and the directory provisioner, and makes no pods', async () => {
    const { access, now } = sandbox;
    const className = sandbox.unique('cloud');
    await sandbox.client.create(storageClasses, undefined, {
      metadata: { name: className },
      provisioner: 'sandbox.local/directory',
    });
    await within(await runCloudControllers(access, { now }), async () => {
      await createBalancer('cloudy');
      await sandbox.client.create(replicaSets, ns, {
        metadata: { name: 'idle' },
        spec: {
          selector: { matchLabels: { app: 'idle' } },
          template: {
            metadata: { labels: { app: 'idle' } },
            spec: { containers: [{ name: 'c', image: 'x:1' }] },
          },
        },
      });
      // What kube-controller-manager's binder asks of an external provisioner.
      await sandbox.client.create(claims, ns, {
        metadata: {
          name: 'asked',
          annotations: { 'volume.kubernetes.io/storage-provisioner': 'sandbox.local/directory' },
        },
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: className,
          resources: { requests: { storage: '1Gi' } },
        },
      });
    });
    expect(await balancer('cloudy')).toMatch(/^127\./);
    expect(await sandbox.list(pods, ns)).toEqual([]);
    const asked = await sandbox.get(claims, `${ns}/asked`);
    const made = await sandbox.get(volumes, `pvc-${asked.metadata.uid}`);
    expect(made.spec.claimRef).toMatchObject({ name: 'asked', uid: asked.metadata.uid });
  });
});
