/**
 * The link between claims and volumes, as kube-controller-manager's persistent volume controller
 * keeps it. One worker does it all, so that no volume is promised twice. The order of writes is the
 * real one (volume first, then claim), so a stop in between leaves what the next look repairs.
 */
import { changesNothing } from './engine/conditions.ts';
import { keyFor, keyOf } from './engine/kube-objects.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { selects } from './engine/selectors.ts';
import {
  BOUND_BY_CONTROLLER_ANNOTATION,
  claims,
  DEFAULT_CLASS_ANNOTATION,
  type PersistentVolume,
  type PersistentVolumeClaim,
  SELECTED_NODE_ANNOTATION,
  type StorageClass,
  storageClasses,
  storageClassOf,
  volumes,
  waitsForConsumer,
} from './engine/storage-objects.ts';
import { fits, smallestFirst } from './volume-fit.ts';

const BIND_COMPLETED_ANNOTATION = 'pv.kubernetes.io/bind-completed';
/** On a claim: which provisioner is to make its volume. Old provisioners read the second one. */
const PROVISIONER_ANNOTATION = 'volume.kubernetes.io/storage-provisioner';
const BETA_PROVISIONER_ANNOTATION = 'volume.beta.kubernetes.io/storage-provisioner';
/** On a volume: which provisioner made it. */
const PROVISIONED_BY_ANNOTATION = 'pv.kubernetes.io/provisioned-by';
const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

/** Binds claims to volumes and keeps the phases of both. */
export function runVolumeBinder(reconcilers: Reconcilers): void {
  const binder = new VolumeBinder(reconcilers);
  const queue = reconcilers.queue('Volume binding', (key) => binder.reconcile(key), { workers: 1 });
  const allClaims = reconcilers.cluster.informer(claims);
  const unbound = (className: string | undefined): void => {
    for (const claim of allClaims.all()) {
      if (claim.status?.phase === 'Bound') continue;
      if (className !== undefined && storageClassOf(claim) !== className) continue;
      queue.add(`claim/${keyOf(claim)}`);
    }
  };
  reconcilers.follow(claims, (after, before) => {
    const claim = after ?? before;
    if (claim === undefined) return;
    queue.add(`claim/${keyOf(claim)}`);
    const volume = claim.spec.volumeName ?? '';
    if (volume !== '') queue.add(`volume/${volume}`);
  });
  reconcilers.follow(volumes, (after, before) => {
    const volume = after ?? before;
    if (volume === undefined) return;
    queue.add(`volume/${keyOf(volume)}`);
    for (const each of [after, before]) {
      const reference = each?.spec.claimRef;
      if (reference?.name === undefined) continue;
      queue.add(`claim/${keyFor(reference.namespace, reference.name)}`);
    }
    // A volume that has become free may be what a claim waits for.
    const free = after !== undefined && after.spec.claimRef === undefined;
    if (free && after.status?.phase === 'Available') unbound(storageClassOf(after) ?? '');
  });
  reconcilers.follow(storageClasses, () => unbound(undefined));
}

class VolumeBinder {
  readonly #reconcilers: Reconcilers;

  constructor(reconcilers: Reconcilers) {
    this.#reconcilers = reconcilers;
  }

  async reconcile(key: string): Promise<void> {
    const { cluster } = this.#reconcilers;
    const name = key.slice(key.indexOf('/') + 1);
    if (key.startsWith('volume/')) {
      const volume = cluster.informer(volumes).get(name);
      if (volume !== undefined) await this.#syncVolume(volume);
      return;
    }
    const claim = cluster.informer(claims).get(name);
    if (claim === undefined) return;
    if (BIND_COMPLETED_ANNOTATION in (claim.metadata.annotations ?? {})) {
      await this.#syncBoundClaim(claim);
    } else {
      await this.#syncUnboundClaim(claim);
    }
  }

  async #syncUnboundClaim(claim: PersistentVolumeClaim): Promise<void> {
    if (claim.metadata.deletionTimestamp !== undefined) return;
    const { cluster } = this.#reconcilers;
    const named = claim.spec.volumeName ?? '';
    if (named !== '') {
      const volume = cluster.informer(volumes).get(named);
      const reference = volume?.spec.claimRef;
      const usable =
        volume !== undefined &&
        (reference === undefined ? fits(claim, volume) === undefined : refersTo(reference, claim));
      if (volume !== undefined && usable) return this.#bind(volume, claim);
      return this.#setClaimPhase(claim, 'Pending');
    }
    const storageClass = this.#classOf(claim);
    const delayed = waitsForConsumer(storageClass);
    const found = this.#volumeFor(claim, { delayed });
    if (found !== undefined) return this.#bind(found, claim);
    await this.#setClaimPhase(claim, 'Pending');
    if (storageClassOf(claim) === undefined) return this.#takeDefaultClass(claim);
    const chosen = claim.metadata.annotations?.[SELECTED_NODE_ANNOTATION] !== undefined;
    if (storageClass === undefined || storageClass.provisioner === NO_PROVISIONER) return;
    if (!delayed || chosen) await this.#askProvisioner(claim, storageClass.provisioner);
  }

  async #syncBoundClaim(claim: PersistentVolumeClaim): Promise<void> {
    const volume = this.#reconcilers.cluster.informer(volumes).get(claim.spec.volumeName ?? '');
    const reference = volume?.spec.claimRef;
    if (volume === undefined) return this.#setClaimPhase(claim, 'Lost');
    if (reference !== undefined && reference.uid !== claim.metadata.uid) {
      return this.#setClaimPhase(claim, 'Lost');
    }
    await this.#bind(volume, claim);
  }

  async #syncVolume(volume: PersistentVolume): Promise<void> {
    const { cluster } = this.#reconcilers;
    const reference = volume.spec.claimRef;
    // A reference without UID is a user's wish; the volume is free until its claim comes.
    if (reference?.uid === undefined || reference.uid === '') {
      return this.#setVolumePhase(volume, 'Available');
    }
    const key = keyFor(reference.namespace, reference.name ?? '');
    let claim = cluster.informer(claims).get(key);
    if (claim?.metadata.uid !== reference.uid) {
      // Releasing cannot be taken back: do not trust a cache that may lag behind.
      const { namespace, name = '' } = reference;
      const fresh = await cluster.read(claims, { namespace, name });
      claim = fresh?.metadata.uid === reference.uid ? fresh : undefined;
    }
    if (claim === undefined) {
      if (volume.status?.phase !== 'Failed') await this.#setVolumePhase(volume, 'Released');
      return;
    }
    const bound = claim.spec.volumeName ?? '';
    if (bound === volume.metadata.name) return this.#setVolumePhase(volume, 'Bound');
    if (bound !== '') await this.#unbind(volume);
  }

  /** The volume that was promised to the claim, else the smallest free one that fits. */
  #volumeFor(
    claim: PersistentVolumeClaim,
    options: { delayed: boolean },
  ): PersistentVolume | undefined {
    const all = this.#reconcilers.cluster.informer(volumes).all();
    const promised = all.find(
      (volume) =>
        volume.spec.claimRef !== undefined &&
        refersTo(volume.spec.claimRef, claim) &&
        fits(claim, volume) === undefined,
    );
    // Without a consumer nobody knows yet where the volume is wanted.
    if (promised !== undefined || options.delayed) return promised;
    return smallestFirst(
      all.filter(
        (volume) =>
          volume.spec.claimRef === undefined &&
          volume.metadata.deletionTimestamp === undefined &&
          volume.status?.phase === 'Available' &&
          (claim.spec.selector === undefined ||
            selects(claim.spec.selector, volume.metadata.labels)) &&
          fits(claim, volume) === undefined,
      ),
    )[0];
  }

  async #bind(volume: PersistentVolume, claim: PersistentVolumeClaim): Promise<void> {
    const promised = await this.#bindVolume(volume, claim);
    await this.#setVolumePhase(promised, 'Bound');
    const { cluster } = this.#reconcilers;
    const known = claim.metadata.annotations ?? {};
    const unnamed = (claim.spec.volumeName ?? '') === '';
    const annotations = {
      [BIND_COMPLETED_ANNOTATION]: 'yes',
      ...(unnamed ? { [BOUND_BY_CONTROLLER_ANNOTATION]: 'yes' } : {}),
    };
    const linked =
      !unnamed && changesNothing(known, annotations)
        ? claim
        : await cluster.patch(claims, claim, {
            metadata: { annotations },
            spec: { volumeName: volume.metadata.name },
          });
    const status = {
      phase: 'Bound',
      accessModes: volume.spec.accessModes,
      capacity: { storage: volume.spec.capacity?.storage },
    };
    if (!changesNothing(linked.status, status)) await cluster.patchStatus(claims, linked, status);
  }

  async #bindVolume(
    volume: PersistentVolume,
    claim: PersistentVolumeClaim,
  ): Promise<PersistentVolume> {
    const { name, namespace, uid } = claim.metadata;
    const reference = volume.spec.claimRef;
    if (reference?.name === name && reference.namespace === namespace && reference.uid === uid) {
      return volume;
    }
    const { resourceVersion } = claim.metadata;
    const target = { kind: 'PersistentVolumeClaim', apiVersion: 'v1' };
    const annotations = { [BOUND_BY_CONTROLLER_ANNOTATION]: 'yes' };
    return this.#reconcilers.cluster.patch(volumes, volume, {
      // A volume that the user promised to this claim stays the user's: no mark of ours.
      ...(reference === undefined ? { metadata: { annotations } } : {}),
      spec: { claimRef: { ...target, name, namespace, uid, resourceVersion } },
    });
  }

  /** Frees a volume whose claim chose another one. */
  async #unbind(volume: PersistentVolume): Promise<void> {
    const annotations = volume.metadata.annotations ?? {};
    const dynamic = PROVISIONED_BY_ANNOTATION in annotations;
    if (dynamic && volume.spec.persistentVolumeReclaimPolicy === 'Delete') {
      return this.#setVolumePhase(volume, 'Released');
    }
    if (!(BOUND_BY_CONTROLLER_ANNOTATION in annotations)) return;
    const freed = await this.#reconcilers.cluster.patch(volumes, volume, {
      metadata: { annotations: { [BOUND_BY_CONTROLLER_ANNOTATION]: null } },
      spec: { claimRef: null },
    });
    await this.#setVolumePhase(freed, 'Available');
  }

  async #askProvisioner(claim: PersistentVolumeClaim, provisioner: string): Promise<void> {
    const annotations = {
      [PROVISIONER_ANNOTATION]: provisioner,
      [BETA_PROVISIONER_ANNOTATION]: provisioner,
    };
    if (changesNothing(claim.metadata.annotations, annotations)) return;
    await this.#reconcilers.cluster.patch(claims, claim, { metadata: { annotations } });
  }

  /** A claim that names no class takes the default one as soon as there is one. */
  async #takeDefaultClass(claim: PersistentVolumeClaim): Promise<void> {
    const { cluster } = this.#reconcilers;
    const [newest] = cluster
      .informer(storageClasses)
      .all()
      .filter((each) => each.metadata.annotations?.[DEFAULT_CLASS_ANNOTATION] === 'true')
      .sort((a, b) => (a.metadata.creationTimestamp > b.metadata.creationTimestamp ? -1 : 1));
    if (newest === undefined) return;
    const storageClassName = newest.metadata.name;
    await cluster.patch(claims, claim, { spec: { storageClassName } });
  }

  #classOf(claim: PersistentVolumeClaim): StorageClass | undefined {
    const name = storageClassOf(claim) ?? '';
    return this.#reconcilers.cluster.informer(storageClasses).get(name);
  }

  async #setClaimPhase(claim: PersistentVolumeClaim, phase: string): Promise<void> {
    if (claim.status?.phase === phase) return;
    await this.#reconcilers.cluster.patchStatus(claims, claim, { phase });
  }

  async #setVolumePhase(volume: PersistentVolume, phase: string): Promise<void> {
    if (volume.status?.phase === phase) return;
    await this.#reconcilers.cluster.patchStatus(volumes, volume, { phase });
  }
}

/** Whether the reference means this claim: by name, and by UID where it has one. */
function refersTo(
  reference: { namespace?: string; name?: string; uid?: string },
  claim: PersistentVolumeClaim,
): boolean {
  const { name, namespace, uid } = claim.metadata;
  const named = reference.name === name && reference.namespace === namespace;
  return named && (reference.uid === undefined || reference.uid === '' || reference.uid === uid);
}
