/** What the suites of DiskCloud work on and ask for. */
import { randomBytes } from 'node:crypto';
import type { DiskCloud, DiskSnapshot, SnapshotRequest } from '../../shared/ports/disk-cloud.ts';

/** How long the clouds under test take for each thing, ms of their clock. */
export const PACE = { snapshotMs: 10_000, availableMs: 1_000, copyMs: 20_000, diskMs: 2_000 };

/** A cloud under test, and what a test does beside its port. */
export interface DiskCloudHarness {
  readonly cloud: DiskCloud;
  readonly region: string;
  readonly otherRegion: string;
  readonly zone: string;
  /** Makes an empty disk of 40 GiB that is ready, attached to an instance `i-1` or never. */
  makeDisk(options?: { readonly category?: string; readonly attached?: boolean }): Promise<string>;
  detach(diskId: string): Promise<void>;
  /** The next snapshot or copy fails at the end of its creation. */
  failNextSnapshot(): void;
  /** Moves the cloud's clock ahead. */
  advance(ms: number): Promise<void>;
  close(): Promise<void>;
}

/** The cloud of the suite, made before its tests run. */
export type Get = () => DiskCloudHarness;

/** A text that no other test uses; fits a ClientToken. */
export function token(): string {
  return randomBytes(16).toString('hex');
}

/** A snapshot to ask for. */
export function asked({ region }: DiskCloudHarness, diskId: string): SnapshotRequest {
  return {
    region,
    diskId,
    name: 'bc-one',
    description: 'of a backup',
    retentionDays: 3,
    tags: { 'bc-cluster': 'c1', 'bc-empty': '' },
    clientToken: token(),
  };
}

/** A snapshot as the cloud shows it. */
export async function snapshot(
  { cloud, region }: DiskCloudHarness,
  id: string,
): Promise<DiskSnapshot | undefined> {
  return (await cloud.describeSnapshots(region, [id]))[0];
}

/** A finished snapshot of a disk. */
export async function taken(harness: DiskCloudHarness, diskId: string): Promise<string> {
  const id = await harness.cloud.createSnapshot(asked(harness, diskId));
  await harness.advance(PACE.snapshotMs);
  return id;
}

/** A disk of 40 GiB to ask for. */
export function diskOf(
  place: { readonly region: string; readonly zone: string },
  snapshotId: string,
) {
  return {
    ...place,
    snapshotId,
    name: 'bc-disk',
    category: 'cloud_essd',
    performanceLevel: 'PL1',
    sizeGiB: 40,
    tags: { 'bc-restore': token() },
    clientToken: token(),
  };
}
