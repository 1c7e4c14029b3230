/**
 * csi-attacher: does what VolumeAttachments ask for. A disk that is attached elsewhere, be it to
 * another cluster's node, is torn off there, as the driver does.
 */
import { ApiError } from '../controllers/engine/api-client.ts';
import { keyOf, timestamp } from '../controllers/engine/kube-objects.ts';
import type { Reconcilers } from '../controllers/engine/reconcilers.ts';
import {
  type PersistentVolume,
  type VolumeAttachment,
  volumeAttachments,
  volumes,
} from '../controllers/engine/storage-objects.ts';
import { nodes, pods } from '../controllers/engine/workload-objects.ts';
import { instanceOf } from './cluster-setup.ts';
import { DriverError, StillWorkingError, textOf } from './driver-error.ts';
import type { Disk, EcsClient } from './ecs-client.ts';
import { EventRecorder } from './event-recorder.ts';
import { isPassing, isStillWorking, RetryPlan } from './retry-plan.ts';
import { DISK_DRIVER, OSS_DRIVER } from './volume-driver.ts';
import { usersOf } from './volume-users.ts';

/** Attaches disks by ECS; OSS volumes count as attached at once. */
export function runAttacher(reconcilers: Reconcilers, ecs: EcsClient): void {
  const attacher = new Attacher(reconcilers, ecs);
  reconcilers.follow(volumeAttachments, (after, before) => {
    // Its own errors in the status are no reason to try again before the pause is over.
    const going = after?.metadata.deletionTimestamp;
    if (
      after === undefined ||
      (before !== undefined && going === before.metadata.deletionTimestamp)
    ) {
      return;
    }
    attacher.queue.add(keyOf(after));
  });
  reconcilers.follow(volumes, (after) => {
    if (after?.metadata.deletionTimestamp !== undefined) attacher.volumeQueue.add(keyOf(after));
  });
  reconcilers.follow(volumeAttachments, (after, before) => {
    const name = before?.spec.source.persistentVolumeName;
    if (after === undefined && name !== undefined) attacher.volumeQueue.add(name);
  });
}

class Attacher {
  readonly queue;
  readonly volumeQueue;
  readonly #reconcilers: Reconcilers;
  readonly #ecs: EcsClient;
  readonly #retries: RetryPlan;
  readonly #events: EventRecorder;

  constructor(reconcilers: Reconcilers, ecs: EcsClient) {
    const { cluster, now } = reconcilers;
    this.#reconcilers = reconcilers;
    this.#ecs = ecs;
    this.queue = reconcilers.queue('VolumeAttachment', (key) => this.#reconcile(key));
    this.volumeQueue = reconcilers.queue('Attached volume', (key) => this.#releaseVolume(key));
    this.#retries = new RetryPlan(reconcilers, () => this.queue);
    this.#events = new EventRecorder(cluster, 'attachdetach-controller', now);
  }

  async #reconcile(key: string): Promise<void> {
    const attachment = this.#reconcilers.cluster.informer(volumeAttachments).get(key);
    if (attachment === undefined) return this.#retries.forget(key);
    if (![DISK_DRIVER, OSS_DRIVER].includes(attachment.spec.attacher)) return;
    const detaching = attachment.metadata.deletionTimestamp !== undefined;
    try {
      if (detaching) await this.#detach(attachment);
      else if (attachment.status?.attached !== true) await this.#attach(attachment);
      this.#retries.forget(key);
    } catch (error) {
      if (isStillWorking(error)) return this.#retries.soon(key);
      if (error instanceof ApiError) throw error;
      await this.#failed(attachment, error);
      if (isPassing(error)) throw error;
      this.#retries.later(key);
    }
  }

  async #attach(attachment: VolumeAttachment): Promise<void> {
    const { cluster } = this.#reconcilers;
    const { attacher, source } = attachment.spec;
    const name = source.persistentVolumeName ?? '';
    const volume = await cluster.read(volumes, { name });
    if (volume === undefined) throw new Error(`persistentvolume "${name}" not found`);
    await this.#hold(volume, attacher);
    const finalizer = finalizerOf(attacher);
    const { finalizers = [] } = attachment.metadata;
    const held = finalizers.includes(finalizer)
      ? attachment
      : await cluster.patch(volumeAttachments, attachment, {
          metadata: { finalizers: [...finalizers, finalizer] },
        });
    if (attacher === DISK_DRIVER) await this.#attachDisk(volume, this.#instance(attachment));
    const status = { attached: true, attachError: null };
    await cluster.patchStatus(volumeAttachments, held, status);
    await this.#tell(attachment, 'SuccessfulAttachVolume', {
      type: 'Normal',
      message: `AttachVolume.Attach succeeded for volume "${name}" `,
    });
  }

  async #attachDisk(volume: PersistentVolume, instance: string): Promise<void> {
    const id = volume.spec.csi?.volumeHandle ?? '';
    const disk = await this.#ecs.findDisk(id);
    if (disk === undefined) {
      throw new DriverError(
        'Internal',
        `ControllerPublishVolume: attach disk: can't find disk ${id}`,
      );
    }
    if (disk.status === 'In_use' && disk.instanceId === instance) return;
    if (disk.status === 'In_use') await this.#ecs.detachDisk(id, disk.instanceId);
    else if (disk.status !== 'Available')
      throw new StillWorkingError(`disk ${id} is ${disk.status}`);
    await this.#settled(id, (now) => now.status === 'Available');
    await this.#ecs.attachDisk(id, instance);
    await this.#settled(id, (now) => now.status === 'In_use' && now.instanceId === instance);
  }

  async #detach(attachment: VolumeAttachment): Promise<void> {
    const { cluster } = this.#reconcilers;
    const { attacher, source, nodeName } = attachment.spec;
    const finalizer = finalizerOf(attacher);
    const { finalizers = [], resourceVersion } = attachment.metadata;
    if (!finalizers.includes(finalizer)) return;
    const volume = await cluster.read(volumes, { name: source.persistentVolumeName ?? '' });
    const users = volume === undefined ? [] : usersOf(cluster, volume);
    // Deleted by hand under a running pod: the pod keeps its disk and gets a new attachment.
    const inUse = users.some((pod) => pod.spec.nodeName === nodeName);
    if (volume !== undefined && attacher === DISK_DRIVER && !inUse) {
      await this.#detachDisk(volume.spec.csi?.volumeHandle ?? '', attachment);
    }
    await cluster.patch(volumeAttachments, attachment, {
      metadata: { resourceVersion, finalizers: finalizers.filter((each) => each !== finalizer) },
    });
  }

  async #detachDisk(id: string, attachment: VolumeAttachment): Promise<void> {
    const disk = await this.#ecs.findDisk(id);
    // A node that is gone took its instance along: nothing is known to compare with.
    const instance = this.#knownInstance(attachment) ?? disk?.instanceId;
    if (disk === undefined || disk.instanceId === '' || disk.instanceId !== instance) return;
    if (disk.status === 'In_use') await this.#ecs.detachDisk(id, instance);
    await this.#settled(id, (now) => now.instanceId !== instance);
  }

  /** @throws StillWorkingError until the disk is so */
  async #settled(id: string, holds: (disk: Disk) => boolean): Promise<void> {
    const disk = await this.#ecs.findDisk(id);
    if (disk !== undefined && !holds(disk))
      throw new StillWorkingError(`disk ${id} is ${disk.status}`);
  }

  #instance(attachment: VolumeAttachment): string {
    const instance = this.#knownInstance(attachment);
    if (instance !== undefined) return instance;
    throw new Error(`node "${attachment.spec.nodeName}" has no NodeID annotation`);
  }

  #knownInstance(attachment: VolumeAttachment): string | undefined {
    return instanceOf(this.#reconcilers.cluster.informer(nodes).get(attachment.spec.nodeName));
  }

  async #hold(volume: PersistentVolume, attacher: string): Promise<void> {
    const { finalizers = [], resourceVersion } = volume.metadata;
    if (finalizers.includes(finalizerOf(attacher))) return;
    await this.#reconcilers.cluster.patch(volumes, volume, {
      metadata: { resourceVersion, finalizers: [...finalizers, finalizerOf(attacher)] },
    });
  }

  /** Lets a deleted PV go once nothing attaches it. */
  async #releaseVolume(key: string): Promise<void> {
    const { cluster } = this.#reconcilers;
    const volume = await cluster.read(volumes, { name: key });
    if (volume?.metadata.deletionTimestamp === undefined) return;
    const attachments = cluster.informer(volumeAttachments).all();
    if (attachments.some((each) => each.spec.source.persistentVolumeName === key)) return;
    const finalizer = finalizerOf(volume.spec.csi?.driver ?? '');
    const { finalizers = [], resourceVersion } = volume.metadata;
    if (!finalizers.includes(finalizer)) return;
    await cluster.patch(volumes, volume, {
      metadata: { resourceVersion, finalizers: finalizers.filter((each) => each !== finalizer) },
    });
  }

  async #failed(attachment: VolumeAttachment, error: unknown): Promise<void> {
    const { cluster, now } = this.#reconcilers;
    const { persistentVolumeName: name } = attachment.spec.source;
    const latest = await cluster.read(volumeAttachments, { name: attachment.metadata.name });
    if (latest === undefined) return;
    const failure = { message: textOf(error), time: timestamp(now()) };
    const detaching = latest.metadata.deletionTimestamp !== undefined;
    const known = detaching ? latest.status?.detachError : latest.status?.attachError;
    if (known?.message === failure.message) return;
    const status = detaching
      ? { attached: true, detachError: failure }
      : { attached: false, attachError: failure };
    await cluster.patchStatus(volumeAttachments, latest, status);
    if (detaching) return;
    const message = `AttachVolume.Attach failed for volume "${name}" : ${failure.message}`;
    await this.#tell(attachment, 'FailedAttachVolume', { type: 'Warning', message });
  }

  /** Writes an Event for each pod that the attachment is for. */
  async #tell(
    attachment: VolumeAttachment,
    reason: string,
    note: { type: 'Normal' | 'Warning'; message: string },
  ): Promise<void> {
    const { cluster } = this.#reconcilers;
    const { source, nodeName } = attachment.spec;
    const volume = cluster.informer(volumes).get(source.persistentVolumeName ?? '');
    if (volume === undefined) return;
    for (const pod of usersOf(cluster, volume)) {
      if (pod.spec.nodeName === nodeName) await this.#events.note(pods, pod, { reason, ...note });
    }
  }
}

/** csi-attacher's finalizer, on attachments and on volumes that were attached. */
function finalizerOf(driver: string): string {
  return `external-attacher/${driver.replaceAll('.', '-')}`;
}
