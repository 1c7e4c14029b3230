import type { EcsStore } from './ecs-store.ts';
import { refuse } from './errors.ts';
import type { Parameters } from './parameters.ts';
import { optional, required } from './parameters.ts';
import type { DiskRecord, EcsInstance, SnapshotGroupRecord, SnapshotRecord } from './records.ts';
import type { EcsRegion, EcsZone } from './region-catalogue.ts';
import { isExpired } from './snapshot-state.ts';

/** What a duration may depend on. */
interface DiskShape {
  readonly diskId: string;
  readonly category: string;
  readonly sizeGib: number;
}

/** How long things take, in milliseconds of the emulators' clock; 0 = at once. */
export interface EcsDurations {
  /** Creating a snapshot. */
  readonly snapshotMs: (disk: DiskShape) => number;
  /** From the call until disks can be made of a snapshot with instant access. */
  readonly availableMs: (disk: DiskShape) => number;
  /** Creating or resetting a disk. */
  readonly diskMs: (disk: DiskShape) => number;
  /** Copying a snapshot to another region. */
  readonly copyMs: (snapshot: { snapshotId: string; sourceDiskSizeGib: number }) => number;
  /** Attaching and detaching. */
  readonly attachMs: () => number;
}

/** How much is allowed. */
export interface EcsQuotas {
  readonly snapshotsPerDisk: number;
  readonly concurrentSnapshots: { readonly essd: number; readonly other: number };
  readonly disksPerInstance: number;
  /** Disks of an account in a region. */
  readonly disks: number;
}

/** What all calls share. */
export interface EcsWorld {
  readonly store: EcsStore;
  readonly regionId: string;
  readonly regions: readonly EcsRegion[];
  readonly durations: EcsDurations;
  readonly quotas: EcsQuotas;
  /** Whether the next snapshot is one that was planned to fail; counts it. */
  takePlannedFailure(): boolean;
}

/** The fields of a reply beside RequestId. */
export type EcsReply = Readonly<Record<string, unknown>>;

/** One call of an account: its parameters, and the resources that it may see. */
export class EcsCall {
  readonly world: EcsWorld;
  readonly parameters: Parameters;
  readonly accountId: string;
  readonly nowMs: number;

  constructor(world: EcsWorld, parameters: Parameters, accountId: string, nowMs: number) {
    this.world = world;
    this.parameters = parameters;
    this.accountId = accountId;
    this.nowMs = nowMs;
  }

  get store(): EcsStore {
    return this.world.store;
  }

  /** The region asked for, which must exist. */
  region(name = 'RegionId'): EcsRegion {
    const regionId = required(this.parameters, name);
    const region = this.world.regions.find((r) => r.regionId === regionId);
    if (region === undefined) throw refuse.regionNotFound();
    return region;
  }

  /** A zone of a region. */
  zone(region: EcsRegion, zoneId: string): EcsZone {
    const zone = region.zones.find((z) => z.zoneId === zoneId);
    if (zone === undefined) throw refuse.zoneNotFound();
    return zone;
  }

  /** The account's disk of that id, in the region asked for if one is. */
  disk(diskId: string): DiskRecord | undefined {
    return this.visible(this.store.disks.get(diskId));
  }

  /** The account's living snapshot of that id, in the region asked for if one is. */
  snapshot(snapshotId: string): SnapshotRecord | undefined {
    const snapshot = this.visible(this.store.snapshots.get(snapshotId));
    return snapshot === undefined || isExpired(snapshot, this.nowMs) ? undefined : snapshot;
  }

  group(groupId: string): SnapshotGroupRecord | undefined {
    return this.visible(this.store.groups.get(groupId));
  }

  instance(instanceId: string): EcsInstance | undefined {
    const instance = this.store.instances.get(instanceId);
    return instance !== undefined && this.seesInstance(instance) ? instance : undefined;
  }

  /** The account's disks in a region, newest first. */
  disksOf(regionId: string): DiskRecord[] {
    return this.newestFirst(this.store.allDisks(), regionId);
  }

  /** The account's living snapshots in a region, newest first. */
  snapshotsOf(regionId: string): SnapshotRecord[] {
    const living = this.store.allSnapshots().filter((s) => !isExpired(s, this.nowMs));
    return this.newestFirst(living, regionId);
  }

  /** The account's snapshot groups in a region, newest first. */
  groupsOf(regionId: string): SnapshotGroupRecord[] {
    const all = [...this.store.groups.getRange()].map(({ value }) => value);
    return this.newestFirst(all, regionId);
  }

  /** The instances that the account sees in a region, by id. */
  instancesOf(regionId: string): EcsInstance[] {
    return [...this.store.instances.getRange()]
      .map(({ value }) => value)
      .filter((i) => (i.regionId ?? this.world.regionId) === regionId && this.seesInstance(i));
  }

  private seesInstance(instance: EcsInstance): boolean {
    return instance.accountId === undefined || instance.accountId === this.accountId;
  }

  private visible<T extends { accountId: string; regionId: string }>(
    resource: T | undefined,
  ): T | undefined {
    if (resource === undefined || resource.accountId !== this.accountId) return undefined;
    const regionId = optional(this.parameters, 'RegionId');
    return regionId === undefined || regionId === resource.regionId ? resource : undefined;
  }

  private newestFirst<T extends { accountId: string; regionId: string; seq: number }>(
    resources: readonly T[],
    regionId: string,
  ): T[] {
    return resources
      .filter((r) => r.accountId === this.accountId && r.regionId === regionId)
      .sort((a, b) => b.seq - a.seq);
  }
}
