/**
 * The attach-detach controller of kube-controller-manager, for the drivers of this stand-in: wherever
 * a pod with a volume has a node, a VolumeAttachment says so. A real one leaves these nodes alone, for
 * they lack the annotation by which a kubelet asks for it.
 */
import { createHash } from 'node:crypto';
import { ApiError } from '../controllers/engine/api-client.ts';
import { keyFor } from '../controllers/engine/kube-objects.ts';
import { claimNamesOf } from '../controllers/engine/pod-state.ts';
import type { Reconcilers } from '../controllers/engine/reconcilers.ts';
import {
  claims,
  type PersistentVolume,
  type VolumeAttachment,
  volumeAttachments,
  volumes,
} from '../controllers/engine/storage-objects.ts';
import { type Pod, pods } from '../controllers/engine/workload-objects.ts';
import { EventRecorder } from './event-recorder.ts';
import { DISK_DRIVER, OSS_DRIVER } from './volume-driver.ts';
import { usersOf } from './volume-users.ts';

/** The drivers whose CSIDriver says attachRequired. */
const ATTACHED_DRIVERS = [DISK_DRIVER, OSS_DRIVER];
const SHARED_MODES = ['ReadOnlyMany', 'ReadWriteMany'];

/** Makes and deletes VolumeAttachments as pods come and go. */
export function runAttachDetach(reconcilers: Reconcilers): void {
  const { cluster, now } = reconcilers;
  const events = new EventRecorder(cluster, 'attachdetach-controller', now);
  const queue = reconcilers.queue('Attachments of a volume', (key) =>
    reconcile(reconcilers, events, key),
  );
  const cachedClaims = cluster.informer(claims);
  const addClaim = (namespace: string | undefined, name: string): void => {
    const volume = cachedClaims.get(keyFor(namespace, name))?.spec.volumeName ?? '';
    if (volume !== '') queue.add(volume);
  };
  const addPod = (pod: Pod | undefined): void => {
    if (pod === undefined || (pod.spec.nodeName ?? '') === '') return;
    for (const name of claimNamesOf(pod)) addClaim(pod.metadata.namespace, name);
  };
  reconcilers.follow(pods, (after, before) => {
    if (after !== undefined && before !== undefined && placeOf(after) === placeOf(before)) return;
    addPod(after ?? before);
  });
  reconcilers.follow(claims, (after, before) => {
    if (after?.status?.phase === before?.status?.phase) return;
    for (const claim of [after, before]) {
      if (claim !== undefined) addClaim(claim.metadata.namespace, claim.metadata.name);
    }
  });
  reconcilers.feed(volumes, queue);
  reconcilers.follow(volumeAttachments, (after, before) => {
    const name = (after ?? before)?.spec.source.persistentVolumeName;
    if (name !== undefined) queue.add(name);
  });
}

async function reconcile(
  reconcilers: Reconcilers,
  events: EventRecorder,
  volumeName: string,
): Promise<void> {
  const { cluster, now } = reconcilers;
  const present = cluster
    .informer(volumeAttachments)
    .all()
    .filter((each) => each.spec.source.persistentVolumeName === volumeName);
  const volume = cluster.informer(volumes).get(volumeName);
  const driver = volume?.spec.csi?.driver ?? '';
  if (volume === undefined || !ATTACHED_DRIVERS.includes(driver)) return;
  const users = usersOf(cluster, volume);
  const wanted = new Set(users.map((pod) => pod.spec.nodeName ?? ''));
  for (const attachment of present) {
    if (wanted.has(attachment.spec.nodeName)) continue;
    if (attachment.metadata.deletionTimestamp !== undefined) continue;
    await cluster.remove(volumeAttachments, attachment, { now: now() });
  }
  for (const nodeName of wanted) {
    if (present.some((each) => each.spec.nodeName === nodeName)) continue;
    const elsewhere = present.find((each) => each.spec.nodeName !== nodeName);
    if (elsewhere !== undefined && !isShared(volume)) {
      await tellMultiAttach({ reconcilers, events, volume, nodeName, users });
      continue;
    }
    await attach(reconcilers, { volume, driver, nodeName });
    if (!isShared(volume)) return;
  }
}

async function attach(
  reconcilers: Reconcilers,
  given: { volume: PersistentVolume; driver: string; nodeName: string },
): Promise<void> {
  const { volume, driver, nodeName } = given;
  const { name } = volume.metadata;
  const handle = volume.spec.csi?.volumeHandle ?? '';
  const draft: Pick<VolumeAttachment, 'spec'> & { metadata: object } = {
    metadata: { name: attachmentName({ handle, driver, nodeName }) },
    spec: { attacher: driver, nodeName, source: { persistentVolumeName: name } },
  };
  try {
    await reconcilers.cluster.create(volumeAttachments, undefined, draft);
  } catch (error) {
    if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
  }
}

async function tellMultiAttach(given: {
  reconcilers: Reconcilers;
  events: EventRecorder;
  volume: PersistentVolume;
  nodeName: string;
  users: readonly Pod[];
}): Promise<void> {
  const { events, volume, nodeName, users } = given;
  const message =
    `Multi-Attach error for volume "${volume.metadata.name}" Volume is already exclusively ` +
    `attached to one node and can't be attached to another`;
  for (const pod of users.filter((each) => each.spec.nodeName === nodeName)) {
    await events.note(pods, pod, { type: 'Warning', reason: 'FailedAttachVolume', message });
  }
}

/** The name that kube-controller-manager gives: one per volume, driver and node. */
function attachmentName(of: { handle: string; driver: string; nodeName: string }): string {
  const text = `${of.handle}${of.driver}${of.nodeName}`;
  return `csi-${createHash('sha256').update(text).digest('hex')}`;
}

function isShared(volume: PersistentVolume): boolean {
  return (volume.spec.accessModes ?? []).some((mode) => SHARED_MODES.includes(mode));
}

/** What of a pod decides about its volumes' attachments. */
function placeOf(pod: Pod): string {
  const done = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
  return `${pod.spec.nodeName ?? ''}/${done}`;
}
