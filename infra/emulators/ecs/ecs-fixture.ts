import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AcsCredential } from '../acs-signature/credential.ts';
import {
  callSdk,
  refusedBySdk,
  type SdkCall,
  type SdkCaller,
  type SdkError,
} from '../acs-signature/sdk-client.ts';
import { type EcsEmulator, type EcsEmulatorOptions, startEcsEmulator } from './server.ts';

const ACCOUNTS: Readonly<Record<string, AcsCredential>> = {
  AKalice: {
    accessKeySecret: 's1',
    principalId: '201',
    accountId: '1000',
    arn: 'acs:ram::1000:user/alice',
  },
  AKeve: {
    accessKeySecret: 's2',
    principalId: '301',
    accountId: '2000',
    arn: 'acs:ram::2000:user/eve',
  },
};

/** Where the clock of a fixture starts. It stands still until a test moves it. */
const CLOCK_START_MS = Date.parse('2026-01-02T03:04:05Z');

type Fields = Readonly<Record<string, unknown>>;

/** A started emulator on a directory of its own, a clock that tests move, and callers. */
export interface EcsFixture {
  readonly dir: string;
  readonly ecs: EcsEmulator;
  /** Moves the clock ahead. */
  advance(ms: number): void;
  /** Calls an action as alice and gives the reply's body. */
  call(action: string, query?: Fields): Promise<Record<string, unknown>>;
  /** Calls an action that must be refused. */
  refused(action: string, query?: Fields): Promise<SdkError>;
  /** The caller of an access key; eve is of another account. */
  as(accessKeyId: 'AKalice' | 'AKeve'): SdkCaller;
  /** A disk in cn-hangzhou-k; ready. */
  makeDisk(query?: Fields): Promise<string>;
  /** A disk attached to the instance `i-1`; ready. */
  makeAttachedDisk(query?: Fields): Promise<string>;
  /** An accomplished snapshot of a disk. */
  makeSnapshot(diskId: string, query?: Fields): Promise<string>;
  /** Writes a file to a disk. */
  write(diskId: string, file: string, text: string): void;
  /** Closes the emulator and starts it again on the same directory. */
  restart(changes?: Partial<EcsEmulatorOptions>): Promise<void>;
  close(): Promise<void>;
}

/** An API call in the shape of the SDK client. */
export function ecsCall(action: string, query: Fields = {}): SdkCall {
  return { action, version: '2014-05-26', style: 'RPC', query };
}

/** Starts the emulator on a fresh directory with two instances, `i-1` in zone k and `i-2` in j. */
export async function startFixture(changes: Partial<EcsEmulatorOptions> = {}): Promise<EcsFixture> {
  const dir = mkdtempSync(join(tmpdir(), 'ecs-'));
  let nowMs = CLOCK_START_MS;
  const now = () => nowMs;
  const options: EcsEmulatorOptions = {
    dir,
    now,
    region: 'cn-hangzhou',
    credentials: (id) => ACCOUNTS[id],
    instances: [
      { instanceId: 'i-1', zoneId: 'cn-hangzhou-k' },
      { instanceId: 'i-2', zoneId: 'cn-hangzhou-j' },
    ],
    ...changes,
  };
  let ecs = await startEcsEmulator(options);
  const as: EcsFixture['as'] = (accessKeyId) => ({
    url: ecs.url,
    accessKeyId,
    accessKeySecret: ACCOUNTS[accessKeyId]?.accessKeySecret ?? '',
  });
  const call: EcsFixture['call'] = async (action, query) =>
    (await callSdk(as('AKalice'), ecsCall(action, query))).body as Record<string, unknown>;
  const advance = (ms: number) => {
    nowMs += ms;
  };
  const makeDisk: EcsFixture['makeDisk'] = async (query) => {
    const reply = await call('CreateDisk', {
      RegionId: 'cn-hangzhou',
      ZoneId: 'cn-hangzhou-k',
      DiskCategory: 'cloud_essd',
      Size: 20,
      ...query,
    });
    advance(1000);
    return String(reply.DiskId);
  };
  return {
    dir,
    get ecs() {
      return ecs;
    },
    advance,
    call,
    as,
    refused: (action, query) => refusedBySdk(as('AKalice'), ecsCall(action, query)),
    makeDisk,
    makeAttachedDisk: async (query) => {
      const diskId = await makeDisk(query);
      await call('AttachDisk', { DiskId: diskId, InstanceId: 'i-1' });
      return diskId;
    },
    makeSnapshot: async (diskId, query) => {
      const reply = await call('CreateSnapshot', { DiskId: diskId, ...query });
      advance(60_000);
      return String(reply.SnapshotId);
    },
    write: (diskId, file, text) => writeFileSync(join(ecs.diskDirectory(diskId), file), text),
    restart: async (later = {}) => {
      await ecs.close();
      ecs = await startEcsEmulator({ ...options, ...later });
    },
    close: async () => {
      await ecs.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The entries of a list reply: `Disks.Disk`, `Snapshots.Snapshot`. */
export function listed(reply: Fields, outer: string, inner: string): Record<string, unknown>[] {
  const wrapper = reply[outer] as Record<string, unknown> | undefined;
  return (wrapper?.[inner] ?? []) as Record<string, unknown>[];
}

/** The files of a directory and their text. */
export function filesOf(directory: string): Record<string, string> {
  const names = readdirSync(directory).sort();
  return Object.fromEntries(names.map((n) => [n, readFileSync(join(directory, n), 'utf8')]));
}
