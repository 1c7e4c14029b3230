import { keyOf } from '../controllers/engine/kube-objects.ts';
import type { Reconcilers } from '../controllers/engine/reconcilers.ts';
import {
  type PersistentVolume,
  volumeAttachments,
  volumes,
} from '../controllers/engine/storage-objects.ts';
import { textOf } from './driver-error.ts';
import { EventRecorder } from './event-recorder.ts';
import { isPassing, isStillWorking, RetryPlan } from './retry-plan.ts';
import { PROVISIONED_BY_ANNOTATION, PROVISIONER_FINALIZER } from './volume-draft.ts';
import type { VolumeDriver } from './volume-driver.ts';

/**
 * The deleting half of csi-provisioner: a released volume of policy Delete loses its storage, then
 * its PV. Storage first: a stop in between repeats a deletion, which does no harm.
 */
export function runVolumeReclaimer(
  reconcilers: Reconcilers,
  drivers: readonly VolumeDriver[],
): void {
  const reclaimer = new VolumeReclaimer(reconcilers, drivers);
  reconcilers.feed(volumes, reclaimer.queue);
  reconcilers.follow(volumeAttachments, (after, before) => {
    const name = before?.spec.source.persistentVolumeName;
    if (after === undefined && name !== undefined) reclaimer.queue.add(name);
  });
}

class VolumeReclaimer {
  readonly queue;
  readonly #reconcilers: Reconcilers;
  readonly #drivers: readonly VolumeDriver[];
  readonly #retries: RetryPlan;
  readonly #events: EventRecorder;

  constructor(reconcilers: Reconcilers, drivers: readonly VolumeDriver[]) {
    this.#reconcilers = reconcilers;
    this.#drivers = drivers;
    this.queue = reconcilers.queue('Released volume', (key) => this.#reconcile(key));
    this.#retries = new RetryPlan(reconcilers, () => this.queue);
    const { cluster, now } = reconcilers;
    this.#events = new EventRecorder(cluster, 'csi-provisioner-0', now);
  }

  async #reconcile(key: string): Promise<void> {
    const volume = this.#reconcilers.cluster.informer(volumes).get(key);
    if (volume === undefined) return this.#retries.forget(key);
    const madeBy = volume.metadata.annotations?.[PROVISIONED_BY_ANNOTATION];
    const driver = this.#drivers.find((each) => each.name === madeBy);
    if (driver === undefined || volume.spec.csi?.driver !== driver.name) return;
    if (volume.spec.persistentVolumeReclaimPolicy !== 'Delete') {
      await this.#setFinalizer(volume, false);
      return;
    }
    const going = volume.metadata.deletionTimestamp !== undefined;
    if (!going) await this.#setFinalizer(volume, true);
    const phase = volume.status?.phase;
    if (phase !== 'Released' && phase !== 'Failed') return;
    await this.#delete(volume, driver);
  }

  async #delete(volume: PersistentVolume, driver: VolumeDriver): Promise<void> {
    const { cluster, now } = this.#reconcilers;
    const key = keyOf(volume);
    try {
      this.#checkDetached(volume);
      await driver.remove(volume);
    } catch (error) {
      if (isStillWorking(error)) return this.#retries.soon(key);
      const note = {
        type: 'Warning',
        reason: 'VolumeFailedDelete',
        message: textOf(error),
      } as const;
      await this.#events.note(volumes, volume, note);
      if (isPassing(error)) throw error;
      return this.#retries.later(key);
    }
    this.#retries.forget(key);
    if (volume.metadata.deletionTimestamp === undefined) {
      await cluster.remove(volumes, volume, { now: now() });
    }
    const latest = await cluster.read(volumes, { name: volume.metadata.name });
    if (latest !== undefined) await this.#setFinalizer(latest, false);
  }

  #checkDetached(volume: PersistentVolume): void {
    const { name } = volume.metadata;
    const attached = this.#reconcilers.cluster
      .informer(volumeAttachments)
      .all()
      .find((each) => each.spec.source.persistentVolumeName === name);
    if (attached === undefined) return;
    const { nodeName } = attached.spec;
    throw new Error(`persistentvolume ${name} is still attached to node ${nodeName}`);
  }

  async #setFinalizer(volume: PersistentVolume, wanted: boolean): Promise<void> {
    const finalizers = volume.metadata.finalizers ?? [];
    if (finalizers.includes(PROVISIONER_FINALIZER) === wanted) return;
    const changed = wanted
      ? [...finalizers, PROVISIONER_FINALIZER]
      : finalizers.filter((each) => each !== PROVISIONER_FINALIZER);
    const { resourceVersion } = volume.metadata;
    await this.#reconcilers.cluster.patch(volumes, volume, {
      metadata: { resourceVersion, finalizers: changed },
    });
  }
}
