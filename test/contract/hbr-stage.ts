/** The HBR adapter before its emulator, with a vault, a registered cluster, and a file in each place. */
import { HbrFixture, MOUNT } from '../../infra/emulators/hbr/hbr-fixture.ts';
import { HbrCloudBackup } from '../../shared/adapters/hbr/hbr-cloud-backup.ts';
import type { FilesBackup, HbrPoint } from '../../shared/ports/cloud-backup.ts';
import { CallProxy } from '../support/call-proxy.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { SeededEntropy } from '../support/seeded-entropy.ts';
import { REGION } from './cloud-backup-harness.ts';

/** Name of the vault. */
export const VAULT_NAME = 'ack-backup-data';

/** An adapter, and what stands behind it. */
export class HbrStage {
  readonly fixture: HbrFixture;
  readonly proxy: CallProxy;
  readonly cloud: HbrCloudBackup;
  readonly vaultId: string;
  readonly clusterId: string;

  private constructor(parts: {
    readonly fixture: HbrFixture;
    readonly proxy: CallProxy;
    readonly vaultId: string;
    readonly clusterId: string;
  }) {
    this.fixture = parts.fixture;
    this.proxy = parts.proxy;
    this.vaultId = parts.vaultId;
    this.clusterId = parts.clusterId;
    this.cloud = this.adapter();
  }

  static async start(): Promise<HbrStage> {
    const fixture = new HbrFixture();
    await fixture.start();
    const proxy = await CallProxy.start(() => fixture.hbr.url);
    fixture.fileSystems.set('fs-1', fixture.directory('fs-1', { 'shop/data/a': 'text' }));
    const pod = fixture.directory('pod', { a: 'text' });
    fixture.mount(pod);
    fixture.mount(pod, `/var/lib/kubelet/pods/${MOUNT.prefix}`);
    const vaultId = await fixture.vault();
    return new HbrStage({ fixture, proxy, vaultId, clusterId: await fixture.cluster() });
  }

  async close(): Promise<void> {
    await this.proxy.close();
    await this.fixture.remove();
  }

  adapter(options: { readonly nasEndpointOf?: () => string } = {}): HbrCloudBackup {
    const clock = new FakeClock({ startMs: this.fixture.nowMs, impatient: true });
    return new HbrCloudBackup(
      () => this.proxy.url,
      () => ({ accessKeyId: 'AKalice', accessKeySecret: 'secret' }),
      { clock, entropy: new SeededEntropy() },
      options,
    );
  }

  /** The parameters of every call of an action that reached HBR. */
  sent(action: string): readonly Readonly<Record<string, string>>[] {
    return this.fixture.hbr.calls(action).map(({ parameters }) => parameters);
  }

  /** Runs a backup to its end; its point. */
  async pointOf(request: FilesBackup, cloud = this.cloud): Promise<HbrPoint> {
    const jobId = await cloud.startBackup(request);
    this.fixture.advance(60_000);
    const [point] = await cloud.findPoints(REGION, this.vaultId, request.files.way, [jobId]);
    if (point === undefined) throw new Error(`job ${jobId} left no point`);
    return point;
  }
}
