/** DiskCloud over ECS: disks, their snapshots, and copies of them, in every region. */
import { BackupCentreError } from '../../domain/errors.ts';
import { type JsonObject, textAt } from '../../domain/json.ts';
import type {
  CloudDisk,
  CopyRequest,
  DiskCloud,
  DiskRequest,
  DiskSnapshot,
  SnapshotRequest,
} from '../../ports/disk-cloud.ts';
import type { Pacing } from '../bounded-retry.ts';
import type { CredentialsProvider } from '../credentials.ts';
import { assertKept, assertRetention, creationParameters } from './creation-parameters.ts';
import { type EcsCall, EcsCalls } from './ecs-calls.ts';
import { diskFrom, isEncrypted, snapshotFrom } from './ecs-resources.ts';

/**
 * Calls a second that change something, in one region. ECS counts per operation, region and account,
 * RAM users together; CopySnapshot, the only one with a published figure, has 1,000 a minute, and
 * others of the account share it.
 * @see https://api.aliyun.com/document/Ecs/2014-05-26/CopySnapshot
 * @see https://www.alibabacloud.com/help/doc-detail/437902.htm
 */
const WRITES_PER_SECOND = 10;
/** Ids in one call, and entries on one page (API reference of DescribeSnapshots, DescribeDisks). */
const IDS_PER_CALL = 100;
/** A tag filter of a Describe call shows no more; ListTagResources does (same pages). */
const TAG_FILTER_MATCHES_MAX = 1_000;

/** A snapshot's retention may only grow (API reference of ModifySnapshotAttribute, read 2026-11). */
const KEPT_LONGER = 'InvalidOperation.DecreaseRetentionDaysUnsupported';

/** How a kind of resource is looked for. */
interface Kind {
  readonly action: string;
  readonly ids: string;
  readonly path: readonly string[];
  /** As ListTagResources calls it. */
  readonly resourceType: string;
}

const DISKS: Kind = {
  action: 'DescribeDisks',
  ids: 'DiskIds',
  path: ['Disks', 'Disk'],
  resourceType: 'disk',
};

const SNAPSHOTS: Kind = {
  action: 'DescribeSnapshots',
  ids: 'SnapshotIds',
  path: ['Snapshots', 'Snapshot'],
  resourceType: 'snapshot',
};

/** A tag that is looked for. */
type SoughtTag = Parameters<DiskCloud['findDisks']>[1];

/** Disks and snapshots of an account. */
export class EcsDiskCloud implements DiskCloud {
  private readonly calls: EcsCalls;
  private readonly clock: Pacing['clock'];

  constructor(
    endpointOf: (region: string) => string,
    credentials: CredentialsProvider,
    pacing: Pacing,
    limits: { readonly callsPerSecond?: number } = {},
  ) {
    const writesPerSecond = limits.callsPerSecond ?? WRITES_PER_SECOND;
    this.calls = new EcsCalls(endpointOf, credentials, { pacing, writesPerSecond });
    this.clock = pacing.clock;
  }

  async describeDisks(region: string, ids: readonly string[]): Promise<readonly CloudDisk[]> {
    return (await this.describe(DISKS, region, ids)).map(diskFrom);
  }

  async findDisks(region: string, tag: SoughtTag): Promise<readonly CloudDisk[]> {
    return (await this.find(DISKS, region, tag)).map(diskFrom);
  }

  async createSnapshot(request: SnapshotRequest): Promise<string> {
    const { region, diskId } = request;
    const attempt = `snapshot disk ${diskId}`;
    assertKept(`the snapshot of ${diskId}`, request);
    return await this.create('SnapshotId', {
      region,
      action: 'CreateSnapshot',
      attempt,
      query: {
        DiskId: diskId,
        SnapshotName: request.name,
        Description: request.description,
        RetentionDays: request.retentionDays,
        ...creationParameters(`the snapshot of ${diskId}`, request),
      },
    });
  }

  async describeSnapshots(
    region: string,
    ids: readonly string[],
  ): Promise<readonly DiskSnapshot[]> {
    return this.snapshots(await this.describe(SNAPSHOTS, region, ids));
  }

  async findSnapshots(region: string, tag: SoughtTag): Promise<readonly DiskSnapshot[]> {
    return this.snapshots(await this.find(SNAPSHOTS, region, tag));
  }

  /** Retention counts from the snapshot's creation, and ECS refuses to shorten it (API reference). */
  async keepSnapshot(region: string, id: string, retentionDays: number): Promise<void> {
    const attempt = `keep snapshot ${id} for ${retentionDays} days`;
    assertRetention(`snapshot ${id}`, retentionDays);
    try {
      const query = { SnapshotId: id, RetentionDays: retentionDays };
      await this.calls.write({ region, action: 'ModifySnapshotAttribute', attempt, query });
    } catch (error) {
      if (!(error instanceof BackupCentreError) || error.details.code !== KEPT_LONGER) throw error;
    }
  }

  /** Forced, as disks that were made of it live on; they can only not be reset to it any more. */
  async deleteSnapshot(region: string, id: string): Promise<void> {
    await this.remove('snapshot_not_found', {
      region,
      action: 'DeleteSnapshot',
      attempt: `delete snapshot ${id}`,
      query: { SnapshotId: id, Force: true },
    });
  }

  async copySnapshot(request: CopyRequest): Promise<string> {
    const { region, snapshotId, targetRegion } = request;
    const copy = `the copy of ${snapshotId}`;
    assertKept(copy, request);
    return await this.create('SnapshotId', {
      region,
      action: 'CopySnapshot',
      attempt: `copy snapshot ${snapshotId} from ${region} to ${targetRegion}`,
      query: {
        RegionId: region,
        SnapshotId: snapshotId,
        DestinationRegionId: targetRegion,
        DestinationSnapshotName: request.name,
        DestinationSnapshotDescription: request.description,
        RetentionDays: request.retentionDays,
        ...(await this.encryption(region, snapshotId)),
        ...creationParameters(copy, request),
      },
    });
  }

  async createDisk(request: DiskRequest): Promise<string> {
    const { region, zone, snapshotId, performanceLevel } = request;
    return await this.create('DiskId', {
      region,
      action: 'CreateDisk',
      attempt: `create a disk in ${zone} of snapshot ${snapshotId}`,
      query: {
        RegionId: region,
        ZoneId: zone,
        SnapshotId: snapshotId,
        DiskName: request.name,
        DiskCategory: request.category,
        ...(performanceLevel === undefined ? {} : { PerformanceLevel: performanceLevel }),
        Size: request.sizeGiB,
        ...(await this.encryption(region, snapshotId)),
        ...creationParameters(`the disk of ${snapshotId}`, request),
      },
    });
  }

  async deleteDisk(region: string, id: string): Promise<void> {
    try {
      await this.remove('disk_not_found', {
        region,
        action: 'DeleteDisk',
        attempt: `delete disk ${id}`,
        query: { DiskId: id },
      });
    } catch (error) {
      // Only a disk that is `Available` can be deleted: one that is attached or made gets there.
      if (!(error instanceof BackupCentreError) || error.code !== 'disk_state') throw error;
      const { message, details } = error;
      throw new BackupCentreError('disk_busy', message, { retryable: true, details });
    }
  }

  /** An empty array of ids shows nothing, but no parameter at all shows everything: no call then. */
  private async describe(
    kind: Kind,
    region: string,
    ids: readonly string[],
  ): Promise<readonly JsonObject[]> {
    const wanted = [...new Set(ids)];
    const found: JsonObject[] = [];
    for (let from = 0; from < wanted.length; from += IDS_PER_CALL) {
      const part = wanted.slice(from, from + IDS_PER_CALL);
      const attempt = `describe ${part.length} ${kind.resourceType}s in ${region}`;
      const query = { [kind.ids]: JSON.stringify(part) };
      const call = { region, action: kind.action, attempt, query };
      found.push(...(await this.pages(kind, call, part.length)));
    }
    return found;
  }

  private async find(kind: Kind, region: string, tag: SoughtTag): Promise<readonly JsonObject[]> {
    const attempt = `find ${kind.resourceType}s of ${region} with tag ${tag.key}=${tag.value}`;
    const query = { Tag: [{ Key: tag.key, Value: tag.value }] };
    const call = { region, action: kind.action, attempt, query };
    const found = await this.pages(kind, call, TAG_FILTER_MATCHES_MAX);
    if (found.length < TAG_FILTER_MATCHES_MAX) return found;
    const tagged = await this.calls.list(
      {
        region,
        action: 'ListTagResources',
        attempt,
        query: { ...query, RegionId: region, ResourceType: kind.resourceType },
      },
      ['TagResources', 'TagResource'],
    );
    return await this.describe(
      kind,
      region,
      tagged.map((t) => textAt(t, 'ResourceId') ?? ''),
    );
  }

  private async pages(kind: Kind, call: EcsCall, countMax: number): Promise<readonly JsonObject[]> {
    const query = { ...call.query, RegionId: call.region, MaxResults: IDS_PER_CALL };
    return await this.calls.list({ ...call, query }, kind.path, countMax);
  }

  private async create(idField: string, call: EcsCall): Promise<string> {
    const id = textAt(await this.calls.write(call), idField);
    if (id !== undefined) return id;
    throw new BackupCentreError(
      'cloud_refused',
      `Cannot ${call.attempt}: the reply holds no ${idField}`,
    );
  }

  private async remove(goneCode: string, call: EcsCall): Promise<void> {
    try {
      await this.calls.write(call);
    } catch (error) {
      if (!(error instanceof BackupCentreError) || error.code !== goneCode) throw error;
    }
  }

  /**
   * What is made of an encrypted snapshot must be encrypted, and ECS wants to be told so. It takes
   * the snapshot's key, in another region the service's own. Of a snapshot that is gone nothing is
   * told: its token may still stand for what was made of it.
   */
  private async encryption(region: string, snapshotId: string): Promise<JsonObject> {
    const [snapshot] = await this.describe(SNAPSHOTS, region, [snapshotId]);
    return isEncrypted(snapshot) ? { Encrypted: true } : {};
  }

  private snapshots(found: readonly JsonObject[]): readonly DiskSnapshot[] {
    return found.map((fields) => snapshotFrom(fields, this.clock.now()));
  }
}
