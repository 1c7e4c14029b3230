/** A cluster with controllers, nodes and the CSI stand-in, and ECS beside it, for the suites. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { callSdk } from '../acs-signature/sdk-client.ts';
import { asRecord } from '../controllers/engine/api-client.ts';
import type { KubeObject, ResourceKind } from '../controllers/engine/kube-objects.ts';
import {
  claims,
  type PersistentVolume,
  type PersistentVolumeClaim,
  volumes,
} from '../controllers/engine/storage-objects.ts';
import { type Pod, pods } from '../controllers/engine/workload-objects.ts';
import { NODES, onRealServer, type Sandbox, startSandbox } from '../controllers/sandbox-fixture.ts';
import { type EcsEmulator, startEcsEmulator } from '../ecs/server.ts';
import { type Csi, type CsiOptions, startCsi } from './start-csi.ts';

/** How far the clock goes at each look: polls of ECS wait for it. */
const CLOCK_STEP_MS = 500;

const events: ResourceKind<KubeObject> = { apiVersion: 'v1', kind: 'Event', plural: 'events' };

/** All of it, with what the suites do to it. */
export class CsiBench {
  readonly sandbox: Sandbox;
  readonly ecs: EcsEmulator;
  readonly dir: string;
  #csi: Csi | undefined;

  constructor(sandbox: Sandbox, ecs: EcsEmulator, dir: string) {
    this.sandbox = sandbox;
    this.ecs = ecs;
    this.dir = dir;
  }

  get faults() {
    return this.ecs.faults;
  }

  get csi(): Csi {
    if (this.#csi === undefined) throw new Error('Cannot ask the stand-in: it is not started');
    return this.#csi;
  }

  async startCsi(options: Partial<CsiOptions> = {}): Promise<void> {
    this.#csi = await startCsi({
      cluster: this.sandbox.access,
      ecs: { endpoint: this.ecs.url, accessKeyId: 'AKcsi', accessKeySecret: 'secret' },
      region: 'cn-hangzhou',
      clusterId: 'c-suite',
      now: this.sandbox.now,
      dir: join(this.dir, 'csi'),
      nasDirectory: (id) => join(this.dir, 'nas', id),
      diskDirectory: (id) => this.ecs.diskDirectory(id),
      ...options,
    });
  }

  async stopCsi(): Promise<void> {
    await this.#csi?.close();
    this.#csi = undefined;
  }

  /** Calls ECS as somebody else of the account would. */
  async call(action: string, query: Record<string, unknown>): Promise<Record<string, unknown>> {
    const caller = { url: this.ecs.url, accessKeyId: 'AKcsi', accessKeySecret: 'secret' };
    const style = 'RPC' as const;
    const reply = await callSdk(caller, { action, version: '2014-05-26', style, query });
    return asRecord(reply.body);
  }

  /** The disk as DescribeDisks shows it. */
  async disk(id: string | undefined): Promise<Record<string, unknown> | undefined> {
    const query = { RegionId: 'cn-hangzhou', DiskIds: JSON.stringify([id]) };
    const { Disks } = await this.call('DescribeDisks', query);
    return (asRecord(Disks).Disk as Record<string, unknown>[])[0];
  }

  /** The snapshot as DescribeSnapshots shows it. */
  async snapshot(id: string): Promise<Record<string, unknown> | undefined> {
    const query = { RegionId: 'cn-hangzhou', SnapshotIds: JSON.stringify([id]) };
    const { Snapshots } = await this.call('DescribeSnapshots', query);
    return (asRecord(Snapshots).Snapshot as Record<string, unknown>[])[0];
  }

  /** Ids of the disks that were made for the PVs of this suite's cluster. */
  async diskIds(): Promise<string[]> {
    const { Disks } = await this.call('DescribeDisks', {
      RegionId: 'cn-hangzhou',
      MaxResults: 500,
    });
    return (asRecord(Disks).Disk as { DiskId: string }[]).map((disk) => disk.DiskId);
  }

  /** A snapshot of a new disk with one file, as a backup leaves it behind. */
  async takenSnapshot(sizeGiB: number, file: string): Promise<string> {
    const disk = String(
      (
        await this.call('CreateDisk', {
          RegionId: 'cn-hangzhou',
          ZoneId: 'cn-hangzhou-h',
          Size: sizeGiB,
          DiskCategory: 'cloud_essd',
        })
      ).DiskId,
    );
    await this.untilDisk(disk, 'Available');
    await this.call('AttachDisk', { InstanceId: 'i-h', DiskId: disk });
    await this.untilDisk(disk, 'In_use');
    await writeFile(join(this.diskDirectory(disk), 'file'), file);
    const { SnapshotId } = await this.call('CreateSnapshot', { DiskId: disk });
    const id = String(SnapshotId);
    await this.until(
      () => this.snapshot(id),
      (found) => found?.Status === 'accomplished',
    );
    await this.call('DetachDisk', { InstanceId: 'i-h', DiskId: disk });
    await this.untilDisk(disk, 'Available');
    await this.call('DeleteDisk', { DiskId: disk });
    return id;
  }

  diskDirectory(id: string): string {
    return this.ecs.diskDirectory(id);
  }

  /** Waits until the disk has the status. */
  async untilDisk(id: string | undefined, status: string): Promise<void> {
    await this.until(
      () => this.disk(id),
      (found) => found?.Status === status,
    );
  }

  async claim(namespace: string, name: string, spec: object = {}): Promise<PersistentVolumeClaim> {
    await this.sandbox.client.create(claims, namespace, {
      metadata: { name },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'alicloud-disk-essd',
        resources: { requests: { storage: '20Gi' } },
        ...spec,
      },
    });
    await this.sandbox.idle();
    return this.getClaim(namespace, name);
  }

  getClaim(namespace: string, name: string): Promise<PersistentVolumeClaim> {
    return this.sandbox.get(claims, `${namespace}/${name}`);
  }

  /** The claim once it is bound, with its volume. */
  async bound(
    namespace: string,
    name: string,
  ): Promise<{ claim: PersistentVolumeClaim; volume: PersistentVolume }> {
    const claim = await this.until(
      () => this.getClaim(namespace, name),
      (found) => found.status?.phase === 'Bound',
    );
    return { claim, volume: await this.sandbox.get(volumes, claim.spec.volumeName ?? '') };
  }

  async pod(
    namespace: string,
    name: string,
    given: { claims: string[]; spec?: object },
  ): Promise<Pod> {
    await this.sandbox.client.create(pods, namespace, {
      metadata: { name },
      spec: {
        containers: [{ name: 'c', image: 'app:1' }],
        volumes: given.claims.map((claimName, index) => ({
          name: `v${index}`,
          persistentVolumeClaim: { claimName },
        })),
        ...given.spec,
      },
    });
    await this.sandbox.idle();
    return this.sandbox.get(pods, `${namespace}/${name}`);
  }

  /** `type reason message` of every Event about an object. */
  async events(object: KubeObject): Promise<string[]> {
    const page = await this.sandbox.client.list(events, {});
    return page.items
      .map(asRecord)
      .filter((event) => asRecord(event.involvedObject).uid === object.metadata.uid)
      .map(({ type, reason, message }) => `${String(type)} ${String(reason)} ${String(message)}`);
  }

  /** Asks again until it holds; the clock goes on meanwhile, for ECS and for who polls it. */
  until<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
    return vi.waitFor(
      async () => {
        this.sandbox.advance(CLOCK_STEP_MS);
        await this.sandbox.idle();
        const value = await read();
        if (!holds(value)) throw new Error(`It does not hold yet of ${JSON.stringify(value)}`);
        return value;
      },
      { timeout: 20_000, interval: 50 },
    );
  }

  async close(): Promise<void> {
    await this.stopCsi();
    await this.sandbox.close();
    await this.ecs.close();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Starts all but the stand-in itself. */
export async function startCsiBench(): Promise<CsiBench> {
  const dir = await mkdtemp(join(tmpdir(), 'csi-'));
  const sandbox = await startSandbox();
  const arn = 'acs:ram::1000:root';
  const credential = { accessKeySecret: 'secret', principalId: '1000', accountId: '1000', arn };
  const instances = NODES.map(({ instanceId, zone }) => ({ instanceId, zoneId: zone }));
  const ecs = await startEcsEmulator({
    dir: join(dir, 'ecs'),
    now: sandbox.now,
    region: 'cn-hangzhou',
    credentials: (id) => (id === 'AKcsi' ? credential : undefined),
    instances: [...instances, { instanceId: 'i-foreign', zoneId: 'cn-hangzhou-h' }],
  });
  // A real API server has its own controller manager beside it, which binds and protects.
  if (!onRealServer) await sandbox.controllers();
  await sandbox.nodes();
  return new CsiBench(sandbox, ecs, dir);
}
