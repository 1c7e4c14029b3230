/** Disks and their snapshots (ECS), in every region that the account uses. */

/** A disk as ECS describes it. */
export interface CloudDisk {
  readonly id: string;
  readonly status: string;
  readonly category: string;
  readonly performanceLevel?: string;
  readonly sizeGiB: number;
  readonly zone: string;
  /** Instance it is attached to. */
  readonly instance?: string;
  /** Whether it was ever attached: a disk that never was cannot be snapshotted (API §C2). */
  readonly everAttached: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** A snapshot as ECS describes it. */
export interface DiskSnapshot {
  readonly id: string;
  readonly status: 'progressing' | 'accomplished' | 'failed';
  /** 0 to 1. */
  readonly progress: number;
  /** Whether disks can be made from it already. */
  readonly available: boolean;
  /** '' where the disk is unknown. */
  readonly sourceDiskId: string;
  readonly sizeGiB: number;
  readonly createdAtMs: number;
  /** Absent: kept for ever. */
  readonly retentionDays?: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** Tags of a resource: at most 20, keys and values of at most 128 characters (API §C1). */
export type CloudTags = Readonly<Record<string, string>>;

/** What to snapshot. */
export interface SnapshotRequest {
  readonly region: string;
  readonly diskId: string;
  /** 2 to 128 characters, starts with a letter, not with `auto`. */
  readonly name: string;
  readonly description: string;
  /** 1 to 65536. */
  readonly retentionDays: number;
  readonly tags: CloudTags;
  /** At most 64 ASCII characters; the same token and request give the same snapshot. */
  readonly clientToken: string;
}

/** What to copy into another region. */
export interface CopyRequest {
  readonly region: string;
  readonly snapshotId: string;
  readonly targetRegion: string;
  readonly name: string;
  readonly description: string;
  readonly retentionDays: number;
  readonly tags: CloudTags;
  readonly clientToken: string;
}

/** A disk to make of a snapshot. */
export interface DiskRequest {
  readonly region: string;
  readonly zone: string;
  readonly snapshotId: string;
  readonly name: string;
  readonly category: string;
  readonly performanceLevel?: string;
  readonly sizeGiB: number;
  readonly tags: CloudTags;
  readonly clientToken: string;
}

/**
 * Contract: a call whose reply was lost is repeated under its token, so that it happens once. Codes:
 * `disk_not_found`, `snapshot_not_found`, `disk_busy` (retryable: another snapshot of the disk is being
 * made, or its token is in work), `disk_state` (never attached, being created or detached), `cloud_quota`,
 * `cloud_access_denied`; ThrottledError and UnavailableError after bounded retries. A rate limit of the
 * caller's own keeps below the account's (API §C2).
 */
export interface DiskCloud {
  /** Unknown ids are left out. Any number of ids: 100 to a call. */
  describeDisks(region: string, ids: readonly string[]): Promise<readonly CloudDisk[]>;
  /** Disks that carry the tag. */
  findDisks(
    region: string,
    tag: { readonly key: string; readonly value: string },
  ): Promise<readonly CloudDisk[]>;
  /** Starts a snapshot and returns its id. */
  createSnapshot(request: SnapshotRequest): Promise<string>;
  /** Unknown ids are left out. Any number of ids: 100 to a call. */
  describeSnapshots(region: string, ids: readonly string[]): Promise<readonly DiskSnapshot[]>;
  /** Snapshots that carry the tag. */
  findSnapshots(
    region: string,
    tag: { readonly key: string; readonly value: string },
  ): Promise<readonly DiskSnapshot[]>;
  /**
   * Keeps a complete snapshot for at least so many days from its creation; one that is kept longer, or
   * for ever, stays so. `disk_busy` while it is being made.
   */
  keepSnapshot(region: string, id: string, retentionDays: number): Promise<void>;
  /** Also one in creation, and one that disks were made from; one that is gone is fine. */
  deleteSnapshot(region: string, id: string): Promise<void>;
  /** Starts a copy and returns its id in the target region. `disk_busy` while another copy runs. */
  copySnapshot(request: CopyRequest): Promise<string>;
  /** Starts a disk and returns its id. */
  createDisk(request: DiskRequest): Promise<string>;
  /** One that is gone is fine; `disk_busy` while it is attached. */
  deleteDisk(region: string, id: string): Promise<void>;
}
