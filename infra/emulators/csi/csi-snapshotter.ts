/**
 * csi-snapshotter beside the disk driver: takes the snapshots that contents ask for, reads those
 * that they name, and destroys those that they are to take along. The snapshot's name and token come
 * from the VolumeSnapshot's UID, so asking twice takes one.
 */
import { ApiError } from '../controllers/engine/api-client.ts';
import { timestamp } from '../controllers/engine/kube-objects.ts';
import type { Reconcilers } from '../controllers/engine/reconcilers.ts';
import { clientToken } from './client-token.ts';
import { DriverError, textOf } from './driver-error.ts';
import { type EcsClient, EcsError, ecsTags, type Snapshot } from './ecs-client.ts';
import { EventRecorder } from './event-recorder.ts';
import { isPassing, RetryPlan } from './retry-plan.ts';
import {
  type VolumeSnapshotContent,
  volumeSnapshotClasses,
  volumeSnapshotContents,
  volumeSnapshots,
} from './snapshot-objects.ts';
import {
  BEING_CREATED_ANNOTATION,
  BEING_DELETED_ANNOTATION,
  CONTENT_FINALIZER,
  differs,
  nanoseconds,
} from './snapshot-status.ts';
import { DISK_DRIVER } from './volume-driver.ts';

const GIB = 2 ** 30;
/** On a VolumeSnapshot: days to keep the snapshot, before what its class says. */
const TTL_ANNOTATION = 'storage.alibabacloud.com/snapshot-ttl';
const RETENTION_PARAMETER = 'retentionDays';

/** Serves the contents of the disk driver; the CRDs must be served. */
export function runCsiSnapshotter(
  reconcilers: Reconcilers,
  options: { ecs: EcsClient; clusterId: string },
): void {
  const snapshotter = new CsiSnapshotter(reconcilers, options);
  reconcilers.feed(volumeSnapshotContents, snapshotter.queue);
}

class CsiSnapshotter {
  readonly queue;
  readonly #reconcilers: Reconcilers;
  readonly #ecs: EcsClient;
  readonly #clusterId: string;
  readonly #retries: RetryPlan;
  readonly #events: EventRecorder;

  constructor(reconcilers: Reconcilers, options: { ecs: EcsClient; clusterId: string }) {
    const { cluster, now } = reconcilers;
    this.#reconcilers = reconcilers;
    this.#ecs = options.ecs;
    this.#clusterId = options.clusterId;
    this.queue = reconcilers.queue('Snapshot of a content', (key) => this.#reconcile(key));
    this.#retries = new RetryPlan(reconcilers, () => this.queue);
    this.#events = new EventRecorder(cluster, `csi-snapshotter ${DISK_DRIVER}`, now);
  }

  async #reconcile(key: string): Promise<void> {
    const content = this.#reconcilers.cluster.informer(volumeSnapshotContents).get(key);
    if (content === undefined) return this.#retries.forget(key);
    if (content.spec.driver !== DISK_DRIVER) return;
    try {
      if (mayGo(content)) await this.#letGo(content);
      else if (content.status?.readyToUse !== true) await this.#bringUp(content);
    } catch (error) {
      await this.#failed(content, error);
    }
  }

  async #bringUp(content: VolumeSnapshotContent): Promise<void> {
    const handle = content.spec.source.snapshotHandle ?? content.status?.snapshotHandle;
    const snapshot =
      handle === undefined ? await this.#take(content) : await this.#ecs.findSnapshot(handle);
    if (snapshot === undefined) {
      const { name } = content.metadata;
      throw new Error(
        `failed to list snapshot for content ${name}: "can not find snapshot for snapshotID ${handle}"`,
      );
    }
    const { name } = content.metadata;
    const createdAtMs = snapshot.createdAtMs ?? this.#reconcilers.now();
    const status = {
      snapshotHandle: snapshot.id,
      creationTime: content.status?.creationTime ?? nanoseconds(createdAtMs),
      restoreSize: snapshot.sourceDiskSizeGiB * GIB,
      readyToUse: snapshot.available,
      error: null,
    };
    const known = await this.#setCreating(content, false);
    if (differs(known.status, status)) {
      await this.#reconcilers.cluster.patchStatus(volumeSnapshotContents, known, status);
    }
    if (snapshot.available) this.#retries.forget(name);
    else this.#retries.soon(name);
  }

  /** Asks for a snapshot of the content's volume; undefined until it is cut. */
  async #take(content: VolumeSnapshotContent): Promise<Snapshot | undefined> {
    const disk = content.spec.source.volumeHandle ?? '';
    const uid = content.spec.volumeSnapshotRef.uid ?? '';
    const name = `snapshot-${uid}`;
    const parameters = await this.#parameters(content);
    await this.#setCreating(content, true);
    if ((await this.#ecs.findDisk(disk)) === undefined) {
      const text = `CreateSnapshot:: failed to get disk from sourceVolumeID: ${disk}`;
      throw new DriverError('Internal', text);
    }
    try {
      const id = await this.#ecs.createSnapshot({
        DiskId: disk,
        SnapshotName: name,
        ClientToken: clientToken(name),
        ...parameters,
      });
      return await this.#ecs.findSnapshot(id);
    } catch (error) {
      if (!(error instanceof EcsError) || error.transient) throw error;
      const code = error.code === 'QuotaExceed.Snapshot' ? 'ResourceExhausted' : 'Internal';
      throw new DriverError(code, `create snapshot ${name} failed: ${error.message}`);
    }
  }

  async #parameters(content: VolumeSnapshotContent): Promise<Record<string, unknown>> {
    const { cluster } = this.#reconcilers;
    const className = content.spec.volumeSnapshotClassName;
    if (className === undefined) {
      const { name } = content.metadata;
      throw new Error(`failed to take snapshot ${name} without a snapshot class`);
    }
    const found = await cluster.read(volumeSnapshotClasses, { name: className });
    const { namespace, name = '' } = content.spec.volumeSnapshotRef;
    const snapshot = await cluster.read(volumeSnapshots, { namespace, name });
    const days =
      snapshot?.metadata.annotations?.[TTL_ANNOTATION] ?? found?.parameters?.[RETENTION_PARAMETER];
    if (days !== undefined && !/^\d+$/.test(days)) {
      const text = `get volumesnapshot config failed: failed to parse retentionDays: ${days}`;
      throw new DriverError('InvalidArgument', text);
    }
    const tags = {
      createdby: 'alibabacloud-csi-plugin',
      'force.delete.snapshot.k8s.aliyun.com': 'true',
      'ack.aliyun.com': this.#clusterId,
      'kubernetes.io/created-for/volumesnapshot/name': name,
      'kubernetes.io/created-for/volumesnapshot/namespace': namespace ?? '',
    };
    return { Tag: ecsTags(tags), ...(days === undefined ? {} : { RetentionDays: Number(days) }) };
  }

  /** Takes the snapshot along under policy Delete, and the content's finalizer away. */
  async #letGo(content: VolumeSnapshotContent): Promise<void> {
    const { cluster } = this.#reconcilers;
    const handle = content.status?.snapshotHandle ?? content.spec.source.snapshotHandle;
    if (content.spec.deletionPolicy === 'Delete' && handle !== undefined) {
      await this.#ecs.deleteSnapshot(handle);
    }
    const { finalizers = [], resourceVersion } = content.metadata;
    if (!finalizers.includes(CONTENT_FINALIZER)) return;
    await cluster.patch(volumeSnapshotContents, content, {
      metadata: {
        resourceVersion,
        finalizers: finalizers.filter((each) => each !== CONTENT_FINALIZER),
      },
    });
  }

  async #setCreating(
    content: VolumeSnapshotContent,
    creating: boolean,
  ): Promise<VolumeSnapshotContent> {
    const { cluster } = this.#reconcilers;
    const { name } = content.metadata;
    const latest = (await cluster.read(volumeSnapshotContents, { name })) ?? content;
    const marked = BEING_CREATED_ANNOTATION in (latest.metadata.annotations ?? {});
    if (marked === creating) return latest;
    const annotations = { [BEING_CREATED_ANNOTATION]: creating ? 'yes' : null };
    return cluster.patch(volumeSnapshotContents, latest, { metadata: { annotations } });
  }

  async #failed(content: VolumeSnapshotContent, error: unknown): Promise<void> {
    if (error instanceof ApiError || isPassing(error)) throw error;
    const { cluster, now } = this.#reconcilers;
    const { name } = content.metadata;
    this.#retries.later(name);
    const latest = await this.#setCreating(content, false);
    const note = noteOf(content, error);
    if (latest.status?.error?.message === note.message) return;
    const failure = { message: note.message, time: timestamp(now()) };
    const status = { error: failure, readyToUse: false };
    await cluster.patchStatus(volumeSnapshotContents, latest, status);
    await this.#events.note(volumeSnapshotContents, content, note);
  }
}

function noteOf(content: VolumeSnapshotContent, error: unknown) {
  const { deletionTimestamp } = content.metadata;
  const type = 'Warning' as const;
  if (deletionTimestamp !== undefined) {
    return {
      type,
      reason: 'SnapshotDeleteError',
      message: `Failed to delete snapshot: ${textOf(error)}`,
    };
  }
  const volume = content.spec.source.volumeHandle;
  if (volume !== undefined && content.status === undefined) {
    const message = `Failed to create snapshot: failed to take snapshot of the volume ${volume}: "${textOf(error)}"`;
    return { type, reason: 'SnapshotCreationFailed', message };
  }
  const message = `Failed to check and update snapshot content: ${textOf(error)}`;
  return { type, reason: 'SnapshotContentCheckandUpdateFailed', message };
}

/** Whether the content is deleted and nothing holds it: not a snapshot in the making either. */
function mayGo(content: VolumeSnapshotContent): boolean {
  const { deletionTimestamp, annotations = {} } = content.metadata;
  if (deletionTimestamp === undefined) return false;
  const { source, volumeSnapshotRef } = content.spec;
  if (source.snapshotHandle !== undefined && (volumeSnapshotRef.uid ?? '') === '') return true;
  return !(BEING_CREATED_ANNOTATION in annotations) && BEING_DELETED_ANNOTATION in annotations;
}
