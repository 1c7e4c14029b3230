/**
 * What ECS remembers of each resource. A record holds facts and points in time; what a caller sees
 * (Creating, progressing, "37%") follows from them and the clock (disk-state.ts, snapshot-state.ts),
 * so that nothing has to be written while time passes.
 */

/** A tag of a resource. */
export interface Tag {
  readonly key: string;
  readonly value: string;
}

/** A place of a disk on an instance. */
interface Attachment {
  readonly instanceId: string;
  readonly device: string;
  readonly attachedAtMs: number;
  readonly deleteWithInstance: boolean;
}

/** What a disk goes through until `endsAtMs`. */
interface DiskChange {
  readonly kind: 'Attaching' | 'Detaching' | 'ReIniting';
  readonly endsAtMs: number;
  /** The instance that a detaching disk leaves. */
  readonly instanceId?: string;
}

/** A cloud disk; its bytes are a directory of its own. */
export interface DiskRecord {
  readonly diskId: string;
  readonly accountId: string;
  readonly regionId: string;
  /** Empty for regional disks. */
  readonly zoneId: string;
  /** Place in the order of creation. */
  readonly seq: number;
  readonly name: string;
  readonly description: string;
  readonly category: string;
  /** Of `cloud_essd` only. */
  readonly performanceLevel?: string;
  readonly sizeGib: number;
  readonly encrypted: boolean;
  readonly kmsKeyId: string;
  readonly multiAttach: boolean;
  readonly sourceSnapshotId: string;
  readonly resourceGroupId: string;
  readonly createdAtMs: number;
  readonly readyAtMs: number;
  readonly attachments: readonly Attachment[];
  /** Last attachment; absent = never attached. */
  readonly attachedAtMs?: number;
  readonly detachedAtMs?: number;
  readonly change?: DiskChange;
  /** The snapshot whose bytes are being put in the place of the disk's; done again after a crash. */
  readonly resetFrom?: string;
  readonly tags: readonly Tag[];
}

/** A snapshot; its bytes are a directory of its own, complete from the start. */
export interface SnapshotRecord {
  readonly snapshotId: string;
  readonly accountId: string;
  readonly regionId: string;
  readonly seq: number;
  readonly name: string;
  readonly description: string;
  readonly sourceDiskId: string;
  readonly sourceDiskSizeGib: number;
  readonly sourceDiskCategory: string;
  /** Both empty unless this is a copy. */
  readonly sourceSnapshotId: string;
  readonly sourceRegionId: string;
  readonly encrypted: boolean;
  readonly kmsKeyId: string;
  readonly resourceGroupId: string;
  readonly fullSizeBytes: number;
  readonly createdAtMs: number;
  readonly modifiedAtMs: number;
  /** From here disks can be made of it; before `readyAtMs` for disks with instant access. */
  readonly availableAtMs: number;
  readonly readyAtMs: number;
  readonly failsAtMs?: number;
  readonly retentionDays?: number;
  readonly groupId?: string;
  readonly tags: readonly Tag[];
}

/** Snapshots of several disks at one moment. */
export interface SnapshotGroupRecord {
  readonly groupId: string;
  readonly accountId: string;
  readonly regionId: string;
  readonly seq: number;
  readonly name: string;
  readonly description: string;
  /** Empty when the disks are of several instances. */
  readonly instanceId: string;
  readonly resourceGroupId: string;
  readonly createdAtMs: number;
  readonly tags: readonly Tag[];
}

/** An instance as the host of the emulator describes it. */
export interface EcsInstance {
  readonly instanceId: string;
  /** The emulator's region unless given. */
  readonly regionId?: string;
  readonly zoneId: string;
  /** Any account sees it unless given. */
  readonly accountId?: string;
  /** `Running` unless given. */
  readonly status?: 'Pending' | 'Running' | 'Starting' | 'Stopping' | 'Stopped';
  readonly instanceName?: string;
  readonly hostName?: string;
  readonly instanceType?: string;
  readonly privateIpAddress?: string;
  readonly lockedForSecurity?: boolean;
  readonly tags?: Readonly<Record<string, string>>;
}

/** A used ClientToken and the reply that it stands for. */
export interface TokenRecord {
  readonly parameters: string;
  readonly reply: Readonly<Record<string, string>>;
  readonly usedAtMs: number;
}
