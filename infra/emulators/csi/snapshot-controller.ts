/**
 * snapshot-controller 8: binds VolumeSnapshots to VolumeSnapshotContents, makes contents for those
 * that are to be taken, and lets both go. It never speaks to a driver.
 */
import { ApiError } from '../controllers/engine/api-client.ts';
import {
  type KubeObject,
  keyFor,
  keyOf,
  type ResourceKind,
  timestamp,
} from '../controllers/engine/kube-objects.ts';
import type { Reconcilers } from '../controllers/engine/reconcilers.ts';
import {
  claims,
  type PersistentVolume,
  type PersistentVolumeClaim,
  volumes,
} from '../controllers/engine/storage-objects.ts';
import { textOf } from './driver-error.ts';
import { EventRecorder } from './event-recorder.ts';
import { RetryPlan } from './retry-plan.ts';
import { releaseSnapshot } from './snapshot-deletion.ts';
import {
  type VolumeSnapshot,
  type VolumeSnapshotClass,
  type VolumeSnapshotContent,
  volumeSnapshotClasses,
  volumeSnapshotContents,
  volumeSnapshots,
} from './snapshot-objects.ts';
import {
  AS_SOURCE_FINALIZER,
  BEING_DELETED_ANNOTATION,
  BOUND_FINALIZER,
  CLAIM_FINALIZER,
  CONTENT_FINALIZER,
  contentNameFor,
  differs,
  isBound,
  pointsTo,
  snapshotKeyOf,
  statusFrom,
} from './snapshot-status.ts';

const DEFAULT_CLASS_ANNOTATION = 'snapshot.storage.kubernetes.io/is-default-class';

/** Runs the controller; the CRDs must be served. */
export function runSnapshotController(reconcilers: Reconcilers): void {
  const controller = new SnapshotController(reconcilers);
  reconcilers.feed(volumeSnapshots, controller.snapshotQueue);
  reconcilers.feed(volumeSnapshotContents, controller.contentQueue);
  reconcilers.follow(volumeSnapshots, (after, before) => {
    const name = (after ?? before)?.status?.boundVolumeSnapshotContentName;
    if (name !== undefined) controller.contentQueue.add(name);
  });
  reconcilers.follow(volumeSnapshotContents, (after, before) => {
    const content = after ?? before;
    if (content !== undefined) controller.snapshotQueue.add(snapshotKeyOf(content));
  });
  reconcilers.cluster.informer(volumeSnapshotClasses);
  reconcilers.cluster.informer(claims);
  reconcilers.cluster.informer(volumes);
}

class SnapshotController {
  readonly snapshotQueue;
  readonly contentQueue;
  readonly #reconcilers: Reconcilers;
  readonly #retries: RetryPlan;
  readonly #events: EventRecorder;

  constructor(reconcilers: Reconcilers) {
    const { cluster, now } = reconcilers;
    this.#reconcilers = reconcilers;
    this.#events = new EventRecorder(cluster, 'snapshot-controller', now);
    this.snapshotQueue = reconcilers.queue('VolumeSnapshot', (key) => this.#syncSnapshot(key));
    this.contentQueue = reconcilers.queue('VolumeSnapshotContent', (key) => this.#syncContent(key));
    this.#retries = new RetryPlan(reconcilers, () => this.snapshotQueue);
  }

  async #syncContent(key: string): Promise<void> {
    const { cluster } = this.#reconcilers;
    const content = cluster.informer(volumeSnapshotContents).get(key);
    if (content === undefined || (content.spec.volumeSnapshotRef.uid ?? '') === '') return;
    const { deletionTimestamp, finalizers = [], annotations = {} } = content.metadata;
    if (deletionTimestamp === undefined && !finalizers.includes(CONTENT_FINALIZER)) {
      await cluster.patch(volumeSnapshotContents, content, {
        metadata: { finalizers: [...finalizers, CONTENT_FINALIZER] },
      });
      return;
    }
    const snapshot = cluster.informer(volumeSnapshots).get(snapshotKeyOf(content));
    if (snapshot === undefined || !isBound(content, snapshot)) return;
    if (snapshot.metadata.deletionTimestamp === undefined) return;
    if (BEING_DELETED_ANNOTATION in annotations) return;
    await cluster.patch(volumeSnapshotContents, content, {
      metadata: { annotations: { [BEING_DELETED_ANNOTATION]: 'yes' } },
    });
  }

  async #syncSnapshot(key: string): Promise<void> {
    const { cluster } = this.#reconcilers;
    const snapshot = cluster.informer(volumeSnapshots).get(key);
    if (snapshot === undefined) return this.#retries.forget(key);
    await this.#releaseClaim(snapshot);
    if (snapshot.metadata.deletionTimestamp !== undefined) {
      const { snapshotQueue: queue } = this;
      await releaseSnapshot(
        { reconcilers: this.#reconcilers, queue, events: this.#events },
        snapshot,
      );
      return;
    }
    try {
      await this.#bringUp(snapshot);
      this.#retries.forget(key);
    } catch (error) {
      if (error instanceof ApiError) throw error;
      if (!(error instanceof SnapshotRefusal)) throw error;
      await this.#refuse(snapshot, error);
      this.#retries.later(key);
    }
  }

  async #bringUp(snapshot: VolumeSnapshot): Promise<void> {
    const { source } = snapshot.spec;
    const ready = snapshot.status?.readyToUse === true;
    const bound = snapshot.status?.boundVolumeSnapshotContentName;
    if (ready && bound !== undefined) return this.#checkReady(snapshot, bound);
    const named = source.volumeSnapshotContentName;
    const content =
      named === undefined
        ? await this.#dynamicContent(snapshot)
        : await this.#promisedContent(snapshot, named);
    const held = await this.#hold(snapshot, content);
    const status = statusFrom(content);
    if (!differs(held.status, status)) return;
    await this.#reconcilers.cluster.patchStatus(volumeSnapshots, held, status);
    if (status.readyToUse !== true) return;
    const message = `Snapshot ${keyOf(snapshot)} is ready to use.`;
    const note = { type: 'Normal', reason: 'SnapshotReady', message } as const;
    await this.#events.note(volumeSnapshots, snapshot, note);
  }

  #checkReady(snapshot: VolumeSnapshot, bound: string): void {
    const content = this.#reconcilers.cluster.informer(volumeSnapshotContents).get(bound);
    if (content === undefined) {
      throw new SnapshotRefusal('SnapshotContentMissing', 'VolumeSnapshotContent is missing');
    }
    if (isBound(content, snapshot)) return;
    throw new SnapshotRefusal(
      'SnapshotMisbound',
      'VolumeSnapshotContent is not bound to the VolumeSnapshot correctly',
    );
  }

  /** The content that was made beforehand, bound to this snapshot. */
  async #promisedContent(snapshot: VolumeSnapshot, name: string): Promise<VolumeSnapshotContent> {
    const { cluster } = this.#reconcilers;
    const content = cluster.informer(volumeSnapshotContents).get(name);
    if (content === undefined) {
      throw new SnapshotRefusal('SnapshotContentMissing', 'VolumeSnapshotContent is missing');
    }
    if (content.spec.source.snapshotHandle === undefined) {
      throw new SnapshotRefusal(
        'SnapshotContentMismatch',
        'VolumeSnapshotContent is dynamically provisioned while expecting a pre-provisioned one',
      );
    }
    if (!pointsTo(content, snapshot)) throw misbound(name);
    if (isBound(content, snapshot)) return content;
    const { volumeSnapshotClassName } = snapshot.spec;
    return cluster.patch(volumeSnapshotContents, content, {
      spec: {
        volumeSnapshotRef: { uid: snapshot.metadata.uid },
        ...(volumeSnapshotClassName === undefined ? {} : { volumeSnapshotClassName }),
      },
    });
  }

  /** The content of a snapshot that is to be taken; made if there is none. */
  async #dynamicContent(snapshot: VolumeSnapshot): Promise<VolumeSnapshotContent> {
    const { cluster } = this.#reconcilers;
    const name = contentNameFor(snapshot);
    const present = await cluster.read(volumeSnapshotContents, { name });
    if (present !== undefined) {
      if (present.spec.source.volumeHandle === undefined) {
        throw new SnapshotRefusal(
          'SnapshotContentMismatch',
          `VolumeSnapshotContent ${name} is pre-provisioned while expecting a dynamically provisioned one`,
        );
      }
      if (!isBound(present, snapshot)) throw misbound(name);
      return present;
    }
    try {
      return await this.#makeContent(snapshot, name);
    } catch (error) {
      if (error instanceof ApiError) throw error;
      const message = `Failed to create snapshot content with error ${textOf(error)}`;
      throw new SnapshotRefusal('SnapshotContentCreationFailed', message);
    }
  }

  async #makeContent(
    snapshot: VolumeSnapshot,
    contentName: string,
  ): Promise<VolumeSnapshotContent> {
    const { cluster } = this.#reconcilers;
    const { claim, volume } = this.#source(snapshot);
    await this.#setFinalizers(claims, claim, { add: [CLAIM_FINALIZER] });
    const storage = volume.spec.csi;
    if (storage === undefined) {
      const { name } = volume.metadata;
      throw new Error(`cannot find CSI PersistentVolumeSource for volume ${name}`);
    }
    const snapshotClass = this.#classFor(snapshot, storage.driver);
    const { name, namespace, uid, resourceVersion } = snapshot.metadata;
    const { apiVersion, kind } = volumeSnapshots;
    const content = await cluster.create(volumeSnapshotContents, undefined, {
      metadata: { name: contentName },
      spec: {
        volumeSnapshotRef: { apiVersion, kind, namespace, name, uid, resourceVersion },
        source: { volumeHandle: storage.volumeHandle },
        volumeSnapshotClassName: snapshotClass.metadata.name,
        deletionPolicy: snapshotClass.deletionPolicy,
        driver: snapshotClass.driver,
        sourceVolumeMode: volume.spec.volumeMode ?? 'Filesystem',
      },
    });
    await this.#events.note(volumeSnapshots, snapshot, {
      type: 'Normal',
      reason: 'CreatingSnapshot',
      message: `Waiting for a snapshot ${keyOf(snapshot)} to be created by the CSI driver.`,
    });
    return content;
  }

  #source(snapshot: VolumeSnapshot): { claim: PersistentVolumeClaim; volume: PersistentVolume } {
    const { cluster } = this.#reconcilers;
    const name = snapshot.spec.source.persistentVolumeClaimName ?? '';
    const claim = cluster.informer(claims).get(keyFor(snapshot.metadata.namespace, name));
    if (claim === undefined || claim.metadata.deletionTimestamp !== undefined) {
      throw new Error(
        `snapshot controller failed to update ${snapshot.metadata.name} on API server: cannot get claim from snapshot`,
      );
    }
    const volume = cluster.informer(volumes).get(claim.spec.volumeName ?? '');
    if (volume === undefined || claim.status?.phase !== 'Bound') {
      throw new Error(
        `failed to get input parameters to create snapshot ${snapshot.metadata.name}: "the PVC ${name} is not yet bound to a PV, will not attempt to take a snapshot"`,
      );
    }
    return { claim, volume };
  }

  #classFor(snapshot: VolumeSnapshot, driver: string): VolumeSnapshotClass {
    const all = this.#reconcilers.cluster.informer(volumeSnapshotClasses).all();
    const named = snapshot.spec.volumeSnapshotClassName;
    const found = all.find(({ metadata, driver: served }) =>
      named === undefined
        ? served === driver && metadata.annotations?.[DEFAULT_CLASS_ANNOTATION] === 'true'
        : metadata.name === named,
    );
    if (found !== undefined) return found;
    throw new Error(
      named === undefined
        ? 'cannot find default snapshot class'
        : `failed to retrieve snapshot class ${named} from the informer: "volumesnapshotclass.snapshot.storage.k8s.io \\"${named}\\" not found"`,
    );
  }

  /** Gives a snapshot the finalizers that its content's deletion policy demands. */
  #hold(snapshot: VolumeSnapshot, content: VolumeSnapshotContent): Promise<VolumeSnapshot> {
    const deletes = content.spec.deletionPolicy === 'Delete';
    const add = deletes ? [AS_SOURCE_FINALIZER, BOUND_FINALIZER] : [AS_SOURCE_FINALIZER];
    return this.#setFinalizers(volumeSnapshots, snapshot, { add });
  }

  /** Lets the source claim go once no snapshot of it is being taken. */
  async #releaseClaim(snapshot: VolumeSnapshot): Promise<void> {
    const { cluster } = this.#reconcilers;
    const name = snapshot.spec.source.persistentVolumeClaimName;
    if (name === undefined) return;
    const { namespace } = snapshot.metadata;
    const claim = cluster.informer(claims).get(keyFor(namespace, name));
    if (claim?.metadata.finalizers?.includes(CLAIM_FINALIZER) !== true) return;
    const taking = cluster
      .informer(volumeSnapshots)
      .inNamespace(namespace)
      .filter((each) => each.spec.source.persistentVolumeClaimName === name)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .some((each) => each.status?.readyToUse !== true && each.status?.error === undefined);
    if (!taking) await this.#setFinalizers(claims, claim, { remove: CLAIM_FINALIZER });
  }

  async #setFinalizers<T extends KubeObject>(
    kind: ResourceKind<T>,
    object: T,
    change: { add?: readonly string[]; remove?: string },
  ): Promise<T> {
    const present = object.metadata.finalizers ?? [];
    const missing = (change.add ?? []).filter((each) => !present.includes(each));
    const finalizers = [...present.filter((each) => each !== change.remove), ...missing];
    if (missing.length === 0 && finalizers.length === present.length) return object;
    const { resourceVersion } = object.metadata;
    return this.#reconcilers.cluster.patch(kind, object, {
      metadata: { resourceVersion, finalizers },
    });
  }

  async #refuse(snapshot: VolumeSnapshot, refusal: SnapshotRefusal): Promise<void> {
    const { message, reason } = refusal;
    if (snapshot.status?.error?.message === message) return;
    const { cluster, now } = this.#reconcilers;
    const error = { message, time: timestamp(now()) };
    await cluster.patchStatus(volumeSnapshots, snapshot, { error, readyToUse: false });
    await this.#events.note(volumeSnapshots, snapshot, { type: 'Warning', reason, message });
  }
}

/** Why a snapshot cannot be bound, as its status and an Event say it. */
class SnapshotRefusal extends Error {
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

function misbound(contentName: string): SnapshotRefusal {
  return new SnapshotRefusal(
    'SnapshotContentMisbound',
    `VolumeSnapshotContent [${contentName}] is bound to a different snapshot`,
  );
}
