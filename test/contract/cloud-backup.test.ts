/** CloudBackup's suite on the double, and on the adapter over the HBR emulator. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { HbrFixture, MOUNT } from '../../infra/emulators/hbr/hbr-fixture.ts';
import { HbrCloudBackup } from '../../shared/adapters/hbr/hbr-cloud-backup.ts';
import { UnavailableError } from '../../shared/domain/errors.ts';
import type { CloudFiles } from '../../shared/domain/volume-backup.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { InMemoryCloudBackup } from '../support/in-memory-cloud-backup.ts';
import { passThrough } from '../support/interception.ts';
import { SeededEntropy } from '../support/seeded-entropy.ts';
import { describeCloudBackup } from './cloud-backup.contract.ts';
import type { CloudBackupHarness } from './cloud-backup-harness.ts';

const START_ACTIONS = {
  backup: { container: 'CreateBackupJob', nas: 'ExecuteBackupPlan' },
  restore: { container: 'CreateRestoreJob', nas: 'CreateRestoreJob' },
} as const;

describeCloudBackup('InMemoryCloudBackup', async ({ activated }) => {
  await Promise.resolve();
  const clock = new FakeClock({ impatient: true });
  const double = new InMemoryCloudBackup(clock);
  double.activated = activated;
  return {
    cloudBackup: double,
    now: () => clock.now(),
    advance: (ms) => void clock.sleep(ms),
    setAgent: async (cluster, status) => double.setAgent(cluster, status),
    place: (files, content) => double.write(files, content),
    contentOf: async (files) => double.contentOf(files),
    failJob: (kind, state, message) => double.failJob({ kind, state, message }),
    loseReply: (kind) => {
      const method = kind === 'backup' ? 'startBackup' : 'startRestore';
      double.intercept = async (call, proceed) => {
        const reply = await proceed();
        if (call.method !== method) return reply;
        double.intercept = passThrough;
        throw new UnavailableError('internal', 'reply lost');
      };
    },
    started: (kind) => double.started(kind),
    dropVault: async (id) => double.dropVault(id),
    close: async () => undefined,
  };
});

describeCloudBackup('HbrCloudBackup on the emulator', async ({ activated }) => {
  const fixture = new HbrFixture();
  await fixture.start({ isActivated: activated });
  const clock = new FakeClock({ startMs: fixture.nowMs, impatient: true });
  return emulatorHarness(fixture, clock);
});

function emulatorHarness(fixture: HbrFixture, clock: FakeClock): CloudBackupHarness {
  return {
    cloudBackup: new HbrCloudBackup(
      () => fixture.hbr.url,
      () => ({ accessKeyId: 'AKalice', accessKeySecret: 'secret' }),
      { clock, entropy: new SeededEntropy() },
    ),
    now: () => fixture.nowMs,
    advance: (ms) => {
      fixture.advance(ms);
      void clock.sleep(fixture.nowMs - clock.now());
    },
    setAgent: async (cluster, status) => {
      await fixture.cluster(cluster);
      await fixture.hbr.setAgentStatus(cluster, status);
    },
    place: (files, content) => {
      rmSync(folderOf(fixture, files), { recursive: true, force: true });
      const name = folderName(files);
      const written = content === '' ? {} : { 'orders.txt': content };
      const folder = fixture.directory(name, written);
      if (files.way === 'nas') {
        fixture.fileSystems.set(files.fileSystemId, join(fixture.dir, files.fileSystemId));
        return;
      }
      const prefix = `${files.podUid}/volumes/${files.folder}`;
      for (const hostPrefix of [prefix, `/var/lib/kubelet/pods/${prefix}`]) {
        fixture.mounts.set([MOUNT.cluster, files.node, hostPrefix].join(' '), folder);
      }
    },
    contentOf: async (files) => {
      await fixture.hbr.advance();
      const path = join(folderOf(fixture, files), 'orders.txt');
      return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    },
    failJob: (kind, state, message) => {
      const status = state === 'failed' ? 'FAILED' : 'PARTIAL_COMPLETE';
      fixture.hbr.failJob({ kind, status, message });
    },
    loseReply: (kind, way) => {
      const action = START_ACTIONS[kind][way];
      fixture.hbr.faults.add({ action, kind: 'lostReply', times: 1 });
    },
    started: (kind) => (kind === 'backup' ? fixture.hbr.jobs() : fixture.hbr.restores()).length,
    dropVault: async (id) => {
      await fixture.call('DeleteVault', { VaultId: id });
    },
    close: async () => await fixture.remove(),
  };
}

function folderName(files: CloudFiles): string {
  return files.way === 'nas' ? `${files.fileSystemId}${files.path}` : `pods/${files.podUid}`;
}

function folderOf(fixture: HbrFixture, files: CloudFiles): string {
  return join(fixture.dir, folderName(files));
}
