import { callSdk } from '../acs-signature/sdk-client.ts';
import { asRecord } from '../controllers/engine/api-client.ts';
import type { Labels } from '../controllers/engine/kube-objects.ts';

/** How the drivers reach ECS: host and port (a scheme is cut off) and a key of the cluster's role. */
export interface EcsAccess {
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

/** The first call with this ClientToken still runs. */
const IN_WORK = ['LastTokenProcessing', 'IdempotentProcessing'];

/** A refusal by ECS, or a call that got no reply (code `NoReply`). */
export class EcsError extends Error {
  readonly code: string;
  /** Whether the same call may succeed by itself soon. */
  readonly transient: boolean;

  constructor(action: string, error: unknown) {
    const fields = asRecord(error);
    const data = asRecord(fields.data);
    const status = Number(fields.statusCode ?? 0);
    const code = status === 0 ? 'NoReply' : String(data.Code ?? fields.code ?? 'Unknown');
    // Of a broken connection the SDK tells the whole request, which says nothing to a user.
    const [message = ''] = String(data.Message ?? fields.message ?? error).split('POST http');
    super(`SDK.ServerError ErrorCode: ${code} Message: ${message} (${action})`);
    this.name = 'EcsError';
    this.code = code;
    this.transient =
      status === 0 || status >= 500 || code.startsWith('Throttling') || IN_WORK.includes(code);
  }
}

/** A disk as DescribeDisks shows it. */
export interface Disk {
  readonly id: string;
  readonly status: string;
  readonly category: string;
  readonly performanceLevel: string;
  readonly sizeGiB: number;
  readonly zone: string;
  /** Empty while it is attached to nothing. */
  readonly instanceId: string;
  readonly serialNumber: string;
}

/** A snapshot as DescribeSnapshots shows it. */
export interface Snapshot {
  readonly id: string;
  readonly available: boolean;
  readonly status: string;
  readonly sourceDiskSizeGiB: number;
  /** Absent until the snapshot is cut. */
  readonly createdAtMs?: number;
}

type Parameters = Readonly<Record<string, unknown>>;

/** The calls of the disk driver, in one region. Never retries: the work queues do. */
export class EcsClient {
  readonly region: string;
  readonly #caller;

  constructor(access: EcsAccess, region: string) {
    const { accessKeyId, accessKeySecret } = access;
    const url = `http://${access.endpoint.replace(/^[a-z]+:\/\//, '').replace(/\/$/, '')}`;
    this.#caller = { url, accessKeyId, accessKeySecret };
    this.region = region;
  }

  /** The id of the new disk, or of the one that the ClientToken made before. */
  async createDisk(parameters: Parameters): Promise<string> {
    const body = await this.#call('CreateDisk', { RegionId: this.region, ...parameters });
    return String(body.DiskId);
  }

  async findDisk(id: string): Promise<Disk | undefined> {
    const disks = await this.#disks({ DiskIds: JSON.stringify([id]) });
    return disks.find((disk) => disk.id === id);
  }

  /** The disks that bear all these tags. */
  findDisksByTags(tags: Labels): Promise<Disk[]> {
    return this.#disks({ Tag: ecsTags(tags) });
  }

  async attachDisk(diskId: string, instanceId: string): Promise<void> {
    await this.#call('AttachDisk', {
      InstanceId: instanceId,
      DiskId: diskId,
      DeleteWithInstance: false,
    });
  }

  async detachDisk(diskId: string, instanceId: string): Promise<void> {
    await this.#call('DetachDisk', { InstanceId: instanceId, DiskId: diskId });
  }

  async deleteDisk(diskId: string): Promise<void> {
    await this.#call('DeleteDisk', { DiskId: diskId });
  }

  async createSnapshot(parameters: Parameters): Promise<string> {
    return String((await this.#call('CreateSnapshot', parameters)).SnapshotId);
  }

  async findSnapshot(id: string): Promise<Snapshot | undefined> {
    const body = await this.#call('DescribeSnapshots', {
      RegionId: this.region,
      SnapshotIds: JSON.stringify([id]),
    });
    return listIn(body.Snapshots, 'Snapshot')
      .map(snapshotFrom)
      .find((snapshot) => snapshot.id === id);
  }

  /** Destroys it even where disks were made from it, as the driver does. */
  async deleteSnapshot(id: string): Promise<void> {
    await this.#call('DeleteSnapshot', { SnapshotId: id, Force: true });
  }

  async #disks(filter: Parameters): Promise<Disk[]> {
    const body = await this.#call('DescribeDisks', { RegionId: this.region, ...filter });
    return listIn(body.Disks, 'Disk').map(diskFrom);
  }

  async #call(action: string, query: Parameters): Promise<Record<string, unknown>> {
    try {
      const style = 'RPC' as const;
      const reply = await callSdk(this.#caller, { action, version: '2014-05-26', style, query });
      return asRecord(reply.body);
    } catch (error) {
      throw new EcsError(action, error);
    }
  }
}

/** Tags as ECS takes them, in the order of the map: the order counts for ClientTokens. */
export function ecsTags(tags: Labels): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

function listIn(wrapper: unknown, name: string): Record<string, unknown>[] {
  const items = asRecord(wrapper)[name];
  return Array.isArray(items) ? items.map(asRecord) : [];
}

function diskFrom(fields: Record<string, unknown>): Disk {
  return {
    id: String(fields.DiskId),
    status: String(fields.Status),
    category: String(fields.Category),
    performanceLevel: String(fields.PerformanceLevel ?? ''),
    sizeGiB: Number(fields.Size),
    zone: String(fields.ZoneId),
    instanceId: String(fields.InstanceId ?? ''),
    serialNumber: String(fields.SerialNumber ?? ''),
  };
}

function snapshotFrom(fields: Record<string, unknown>): Snapshot {
  const createdAtMs = Date.parse(String(fields.CreationTime ?? ''));
  return {
    id: String(fields.SnapshotId),
    available: fields.Available === true,
    status: String(fields.Status),
    sourceDiskSizeGiB: Number(fields.SourceDiskSize ?? 0),
    ...(Number.isNaN(createdAtMs) ? {} : { createdAtMs }),
  };
}
