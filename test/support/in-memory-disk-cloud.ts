import {
  assertKept,
  assertRetention,
  creationParameters,
} from '../../shared/adapters/ecs/creation-parameters.ts';
import { BackupCentreError, type ErrorCode } from '../../shared/domain/errors.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type {
  CloudDisk,
  CloudTags,
  CopyRequest,
  DiskCloud,
  DiskRequest,
  DiskSnapshot,
  SnapshotRequest,
} from '../../shared/ports/disk-cloud.ts';
import { type Intercept, passThrough } from './interception.ts';

/** Ids in one call to ECS. */
const IDS_PER_CALL = 100;
const SNAPSHOTS_PER_DISK_MAX = 256;
const DAY_MS = 86_400_000;
/** States in which a disk may be snapshotted or, where it is not attached, deleted. */
const AT_REST = ['In_use', 'Available'];

/** How long things take by the double's clock, ms. */
export interface DiskCloudPace {
  readonly snapshotMs: number;
  /** Until disks can be made of a snapshot of an ESSD. */
  readonly availableMs: number;
  readonly copyMs: number;
  readonly diskMs: number;
}

interface HeldDisk {
  readonly region: string;
  readonly disk: CloudDisk;
  readonly readyAtMs: number;
}

interface HeldSnapshot {
  readonly region: string;
  readonly id: string;
  readonly disk: Pick<CloudDisk, 'id' | 'category' | 'sizeGiB'>;
  readonly createdAtMs: number;
  readonly availableAtMs: number;
  readonly readyAtMs: number;
  readonly fails: boolean;
  readonly isCopy: boolean;
  readonly retentionDays: number;
  readonly tags: CloudTags;
}

/** DiskCloud over maps: states, limits, tokens and retention as ECS has them, by a test's clock. */
export class InMemoryDiskCloud implements DiskCloud {
  /** Replace to see, refuse or lose calls. */
  intercept: Intercept = passThrough;
  /** Calls that ECS would see, by method: 100 ids to a call, none for no ids. */
  readonly calls: Record<keyof DiskCloud, number> = {
    describeDisks: 0,
    findDisks: 0,
    createSnapshot: 0,
    describeSnapshots: 0,
    findSnapshots: 0,
    keepSnapshot: 0,
    deleteSnapshot: 0,
    copySnapshot: 0,
    createDisk: 0,
    deleteDisk: 0,
  };
  private readonly clock: Pick<Clock, 'now'>;
  private readonly pace: DiskCloudPace;
  private readonly disks = new Map<string, HeldDisk>();
  private readonly snapshots = new Map<string, HeldSnapshot>();
  private readonly tokens = new Map<string, { readonly request: string; readonly id: string }>();
  private readonly refusals: { readonly method: keyof DiskCloud; readonly error: Error }[] = [];
  private failuresPlanned = 0;
  private counter = 0;

  constructor(clock: Pick<Clock, 'now'>, pace: Partial<DiskCloudPace> = {}) {
    this.clock = clock;
    this.pace = { snapshotMs: 30_000, availableMs: 500, copyMs: 60_000, diskMs: 1_000, ...pace };
  }

  /** Puts a disk there, attached to `i-1` unless told otherwise, or replaces the one of that id. */
  addDisk(region: string, disk: Partial<CloudDisk> & { readonly id: string }): void {
    const isFree = disk.instance === undefined && disk.status !== undefined;
    const made: CloudDisk = {
      status: 'In_use',
      category: 'cloud_essd',
      sizeGiB: 20,
      zone: `${region}-k`,
      everAttached: true,
      tags: {},
      ...(isFree ? {} : { instance: 'i-1' }),
      ...disk,
    };
    this.disks.set(disk.id, { region, disk: made, readyAtMs: 0 });
  }

  /** Attaches a disk, or detaches it. */
  attach(id: string, instance: string | undefined): void {
    const held = this.disks.get(id);
    if (held === undefined) throw new Error(`No disk ${id}`);
    const { instance: _before, ...bare } = held.disk;
    const disk =
      instance === undefined
        ? { ...bare, status: 'Available' }
        : { ...bare, status: 'In_use', instance, everAttached: true };
    this.disks.set(id, { ...held, disk });
  }

  /** Makes the next `times` snapshots and copies fail when their creation would end. */
  failNextSnapshots(times: number): void {
    this.failuresPlanned += times;
  }

  /** The next call of a method ends in this error and changes nothing; each is used once. */
  refuseNext(method: keyof DiskCloud, error: Error): void {
    this.refusals.push({ method, error });
  }

  /** Ids of the disks that are there, and of the snapshots. */
  living(): { readonly disks: string[]; readonly snapshots: string[] } {
    const snapshots = [...this.snapshots.values()].filter((s) => !this.isExpired(s));
    return { disks: [...this.disks.keys()], snapshots: snapshots.map((s) => s.id) };
  }

  async describeDisks(region: string, ids: readonly string[]): Promise<readonly CloudDisk[]> {
    return await this.run('describeDisks', { subject: region, ids }, () =>
      this.disksOf(region).filter((disk) => ids.includes(disk.id)),
    );
  }

  async findDisks(
    region: string,
    tag: { readonly key: string; readonly value: string },
  ): Promise<readonly CloudDisk[]> {
    return await this.run('findDisks', { subject: `${tag.key}=${tag.value}` }, () =>
      this.disksOf(region).filter((disk) => disk.tags[tag.key] === tag.value),
    );
  }

  async createSnapshot(request: SnapshotRequest): Promise<string> {
    const { region, diskId } = request;
    const of = `the snapshot of ${diskId}`;
    assertKept(of, request);
    creationParameters(of, request);
    return await this.run('createSnapshot', { subject: diskId }, () =>
      this.once('createSnapshot', request, () => {
        const attempt = `snapshot disk ${diskId}`;
        const disk = this.disksOf(region).find((d) => d.id === diskId);
        if (disk === undefined) throw refusal('disk_not_found', attempt, 'there is no such disk');
        this.checkRoom(disk, attempt);
        const { snapshotMs, availableMs } = this.pace;
        const isInstant = isEssd(disk.category);
        const times = { takesMs: snapshotMs, availableMs: isInstant ? availableMs : snapshotMs };
        return this.addSnapshot(region, disk, { ...request, ...times, isCopy: false });
      }),
    );
  }

  async describeSnapshots(
    region: string,
    ids: readonly string[],
  ): Promise<readonly DiskSnapshot[]> {
    return await this.run('describeSnapshots', { subject: region, ids }, () =>
      this.snapshotsOf(region)
        .filter((s) => ids.includes(s.id))
        .map((s) => this.shown(s)),
    );
  }

  async findSnapshots(
    region: string,
    tag: { readonly key: string; readonly value: string },
  ): Promise<readonly DiskSnapshot[]> {
    return await this.run('findSnapshots', { subject: `${tag.key}=${tag.value}` }, () =>
      this.snapshotsOf(region)
        .filter((s) => s.tags[tag.key] === tag.value)
        .map((s) => this.shown(s)),
    );
  }

  async keepSnapshot(region: string, id: string, retentionDays: number): Promise<void> {
    assertRetention(`snapshot ${id}`, retentionDays);
    await this.run('keepSnapshot', { subject: id }, () => {
      const attempt = `keep snapshot ${id} for ${retentionDays} days`;
      const held = this.source(region, id, attempt);
      if (this.shown(held).status !== 'accomplished') {
        throw refusal('disk_busy', attempt, 'the snapshot has not completed yet');
      }
      if (retentionDays > held.retentionDays) this.snapshots.set(id, { ...held, retentionDays });
    });
  }

  async deleteSnapshot(region: string, id: string): Promise<void> {
    await this.run('deleteSnapshot', { subject: id }, () => {
      if (this.snapshots.get(id)?.region === region) this.snapshots.delete(id);
    });
  }

  async copySnapshot(request: CopyRequest): Promise<string> {
    const { region, snapshotId, targetRegion } = request;
    const of = `the copy of ${snapshotId}`;
    assertKept(of, request);
    creationParameters(of, request);
    return await this.run('copySnapshot', { subject: snapshotId }, () =>
      this.once('copySnapshot', request, () => {
        const attempt = `copy snapshot ${snapshotId} from ${region} to ${targetRegion}`;
        if (targetRegion === region) throw refusal('cloud_refused', attempt, 'it is one region');
        const source = this.source(region, snapshotId, attempt);
        if (this.shown(source).status !== 'accomplished') {
          throw refusal('disk_busy', attempt, 'the snapshot has not completed yet');
        }
        const copying = this.snapshotsOf(targetRegion).find(
          (s) => s.isCopy && s.disk.id === source.disk.id && this.isInCreation(s),
        );
        if (copying !== undefined) {
          throw refusal('disk_busy', attempt, `copy ${copying.id} of the disk is unfinished`);
        }
        const { copyMs } = this.pace;
        const times = { takesMs: copyMs, availableMs: copyMs };
        return this.addSnapshot(targetRegion, source.disk, { ...request, ...times, isCopy: true });
      }),
    );
  }

  async createDisk(request: DiskRequest): Promise<string> {
    const { region, zone, snapshotId, performanceLevel, category, sizeGiB, tags } = request;
    creationParameters(`the disk of ${snapshotId}`, request);
    return await this.run('createDisk', { subject: snapshotId }, () =>
      this.once('createDisk', request, () => {
        const attempt = `create a disk in ${zone} of snapshot ${snapshotId}`;
        const source = this.source(region, snapshotId, attempt);
        if (!this.shown(source).available) {
          throw refusal('disk_busy', attempt, 'the snapshot has not completed yet');
        }
        if (sizeGiB < source.disk.sizeGiB) {
          throw refusal('cloud_refused', attempt, `its size is ${source.disk.sizeGiB} GiB`);
        }
        const id = this.newId('d');
        const level = performanceLevel === undefined ? {} : { performanceLevel };
        const shape = { status: 'Available', category, sizeGiB, zone, everAttached: false, tags };
        const readyAtMs = this.clock.now() + this.pace.diskMs;
        this.disks.set(id, { region, readyAtMs, disk: { id, ...shape, ...level } });
        return id;
      }),
    );
  }

  async deleteDisk(region: string, id: string): Promise<void> {
    await this.run('deleteDisk', { subject: id }, () => {
      const disk = this.disksOf(region).find((d) => d.id === id);
      if (disk === undefined) return;
      if (disk.status !== 'Available' || this.inCreation(id) > 0) {
        throw refusal('disk_busy', `delete disk ${id}`, `it is ${disk.status}`);
      }
      this.disks.delete(id);
    });
  }

  private async run<T>(
    method: keyof DiskCloud,
    { subject, ids }: { readonly subject: string; readonly ids?: readonly string[] },
    work: () => T,
  ): Promise<T> {
    const vendorCalls = ids === undefined ? 1 : Math.ceil(new Set(ids).size / IDS_PER_CALL);
    if (vendorCalls === 0) return work();
    return await this.intercept({ method, subject }, async () => {
      this.calls[method] += vendorCalls;
      await Promise.resolve();
      const planned = this.refusals.findIndex((r) => r.method === method);
      const [refused] = planned < 0 ? [] : this.refusals.splice(planned, 1);
      if (refused !== undefined) throw refused.error;
      return work();
    });
  }

  /** The same token and request give the same id, whatever became of it. */
  private once(
    method: string,
    request: { readonly clientToken: string; readonly tags: CloudTags },
    create: () => string,
  ): string {
    const token = `${method}/${request.clientToken}`;
    const text = JSON.stringify(Object.entries({ ...request, tags: sorted(request.tags) }).sort());
    const used = this.tokens.get(token);
    if (used !== undefined && used.request !== text) {
      throw refusal('cloud_refused', method, `token ${request.clientToken} was another request's`);
    }
    const id = used?.id ?? create();
    this.tokens.set(token, { request: text, id });
    return id;
  }

  private checkRoom(disk: CloudDisk, attempt: string): void {
    if (!AT_REST.includes(disk.status) || !disk.everAttached) {
      const found = disk.everAttached ? `it is ${disk.status}` : 'it was never attached';
      throw refusal('disk_state', attempt, found);
    }
    const taken = [...this.snapshots.values()].filter((s) => !s.isCopy && s.disk.id === disk.id);
    if (taken.filter((s) => !this.isExpired(s)).length >= SNAPSHOTS_PER_DISK_MAX) {
      throw refusal('cloud_quota', attempt, `it has ${SNAPSHOTS_PER_DISK_MAX} snapshots`);
    }
    if (this.inCreation(disk.id) >= (isEssd(disk.category) ? 10 : 1)) {
      throw refusal('disk_busy', attempt, 'a snapshot of it is being made');
    }
  }

  private addSnapshot(
    region: string,
    disk: HeldSnapshot['disk'],
    spec: Pick<HeldSnapshot, 'retentionDays' | 'tags' | 'isCopy'> & {
      readonly takesMs: number;
      readonly availableMs: number;
    },
  ): string {
    const createdAtMs = this.clock.now();
    const fails = this.failuresPlanned > 0;
    if (fails) this.failuresPlanned -= 1;
    const id = this.newId('s');
    this.snapshots.set(id, {
      region,
      id,
      disk: { id: disk.id, category: disk.category, sizeGiB: disk.sizeGiB },
      createdAtMs,
      availableAtMs: createdAtMs + spec.availableMs,
      readyAtMs: createdAtMs + spec.takesMs,
      fails,
      isCopy: spec.isCopy,
      retentionDays: spec.retentionDays,
      tags: spec.tags,
    });
    return id;
  }

  private source(region: string, id: string, attempt: string): HeldSnapshot {
    const source = this.snapshotsOf(region).find((s) => s.id === id);
    if (source !== undefined) return source;
    throw refusal('snapshot_not_found', attempt, 'there is no such snapshot');
  }

  private shown(s: HeldSnapshot): DiskSnapshot {
    const now = this.clock.now();
    const isOver = now >= s.readyAtMs;
    const done = (now - s.createdAtMs) / Math.max(1, s.readyAtMs - s.createdAtMs);
    const percent = Math.min(isOver && !s.fails ? 100 : 99, Math.floor(done * 100));
    return {
      id: s.id,
      status: isOver ? (s.fails ? 'failed' : 'accomplished') : 'progressing',
      progress: percent / 100,
      available: now >= s.availableAtMs && !(isOver && s.fails),
      sourceDiskId: s.disk.id,
      sizeGiB: s.disk.sizeGiB,
      createdAtMs: s.createdAtMs,
      retentionDays: s.retentionDays,
      tags: s.tags,
    };
  }

  private disksOf(region: string): CloudDisk[] {
    const now = this.clock.now();
    return [...this.disks.values()]
      .filter((held) => held.region === region)
      .map(({ disk, readyAtMs }) => (now < readyAtMs ? { ...disk, status: 'Creating' } : disk));
  }

  private snapshotsOf(region: string): HeldSnapshot[] {
    return [...this.snapshots.values()].filter((s) => s.region === region && !this.isExpired(s));
  }

  private inCreation(diskId: string): number {
    const taken = [...this.snapshots.values()].filter((s) => !s.isCopy && s.disk.id === diskId);
    return taken.filter((s) => this.isInCreation(s)).length;
  }

  private isInCreation(snapshot: HeldSnapshot): boolean {
    return this.clock.now() < snapshot.readyAtMs;
  }

  private isExpired({ createdAtMs, retentionDays }: HeldSnapshot): boolean {
    return this.clock.now() >= createdAtMs + retentionDays * DAY_MS;
  }

  private newId(prefix: 'd' | 's'): string {
    this.counter += 1;
    return `${prefix}-${String(this.counter).padStart(4, '0')}`;
  }
}

function refusal(code: ErrorCode, attempt: string, found: string): BackupCentreError {
  const retryable = code === 'disk_busy';
  return new BackupCentreError(code, `Cannot ${attempt}: ${found}`, { retryable });
}

function isEssd(category: string): boolean {
  return category.startsWith('cloud_essd') || category.startsWith('cloud_auto');
}

function sorted(tags: CloudTags): [string, string][] {
  return Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
}
