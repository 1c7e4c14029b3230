/**
 * csi-provisioner: makes volumes for claims. The order is intent on disk, storage under a token of
 * the PV's name, PV, intent forgotten; so a stop at any point leaves what the next look completes or
 * takes back.
 */
import { ApiError } from '../controllers/engine/api-client.ts';
import { keyFor, keyOf } from '../controllers/engine/kube-objects.ts';
import type { Reconcilers } from '../controllers/engine/reconcilers.ts';
import {
  claims,
  type PersistentVolumeClaim,
  SELECTED_NODE_ANNOTATION,
  type StorageClass,
  storageClasses,
  storageClassOf,
  volumes,
  waitsForConsumer,
} from '../controllers/engine/storage-objects.ts';
import type { WorkQueue } from '../controllers/engine/work-queue.ts';
import { type Node, nodes } from '../controllers/engine/workload-objects.ts';
import { quantityBytes } from '../controllers/volume-fit.ts';
import { csiNodes } from './csi-node.ts';
import { DriverError, textOf } from './driver-error.ts';
import { type EventNote, EventRecorder } from './event-recorder.ts';
import type { ProvisioningJournal } from './provisioning-journal.ts';
import { isPassing, isStillWorking, RetryPlan } from './retry-plan.ts';
import { volumeSnapshots } from './snapshot-objects.ts';
import { dataSourceOf, isFromSnapshot, snapshotHandleFor } from './snapshot-source.ts';
import { volumeDraft } from './volume-draft.ts';
import type { VolumeDriver, VolumeRequest } from './volume-driver.ts';
import { chooseZone } from './zone-choice.ts';

/** On a claim: which provisioner is to make its volume. */
const ASKED_ANNOTATION = 'volume.kubernetes.io/storage-provisioner';
const ASKED_BETA_ANNOTATION = 'volume.beta.kubernetes.io/storage-provisioner';

/** What provisioning needs beside the cluster. */
export interface ProvisionerOptions {
  readonly drivers: readonly VolumeDriver[];
  readonly journal: ProvisioningJournal;
  /** Whether VolumeSnapshots are served. */
  readonly snapshots: boolean;
  /** Zones for claims that no consumer places; default: those of the nodes. */
  readonly zones?: readonly string[];
}

/** Makes volumes for the claims that the binder has asked the drivers for. */
export function runProvisioner(reconcilers: Reconcilers, options: ProvisionerOptions): void {
  const provisioner = new Provisioner(reconcilers, options);
  const { queue } = provisioner;
  const pending = reconcilers.cluster.informer(claims);
  const retry = (concerned: (claim: PersistentVolumeClaim) => boolean): void => {
    for (const claim of pending.all()) {
      if ((claim.spec.volumeName ?? '') === '' && concerned(claim)) queue.add(keyOf(claim));
    }
  };
  reconcilers.cluster.informer(volumes);
  reconcilers.cluster.informer(nodes);
  reconcilers.feed(claims, queue);
  reconcilers.follow(storageClasses, () => retry(() => true));
  reconcilers.follow(csiNodes, () => retry(() => true));
  if (options.snapshots) {
    reconcilers.follow(volumeSnapshots, (after) => {
      if (after?.status?.readyToUse !== true) return;
      const { namespace, name } = after.metadata;
      retry(
        (claim) => claim.metadata.namespace === namespace && dataSourceOf(claim)?.name === name,
      );
    });
  }
  for (const intent of options.journal.all()) queue.add(intent.claimKey);
}

class Provisioner {
  readonly queue: WorkQueue;
  readonly #reconcilers: Reconcilers;
  readonly #options: ProvisionerOptions;
  readonly #retries: RetryPlan;
  readonly #events = new Map<string, EventRecorder>();
  readonly #announced = new Set<string>();

  constructor(reconcilers: Reconcilers, options: ProvisionerOptions) {
    this.#reconcilers = reconcilers;
    this.#options = options;
    this.queue = reconcilers.queue('Volume of a claim', (key) => this.#reconcile(key));
    this.#retries = new RetryPlan(reconcilers, () => this.queue);
  }

  async #reconcile(key: string): Promise<void> {
    const claim = this.#reconcilers.cluster.informer(claims).get(key);
    await this.#takeBack(key, claim);
    if (claim === undefined) return this.#retries.forget(key);
    const driver = this.#driverFor(claim);
    const storageClass = this.#classOf(claim);
    if (driver === undefined || storageClass?.provisioner !== driver.name) return;
    const selected = claim.metadata.annotations?.[SELECTED_NODE_ANNOTATION];
    if (waitsForConsumer(storageClass) && selected === undefined) return;
    await this.#announce(claim, driver);
    try {
      await this.#provision(claim, { driver, storageClass, selected });
      this.#retries.forget(key);
    } catch (error) {
      await this.#failed(claim, { driver, storageClass, error });
    }
  }

  async #provision(
    claim: PersistentVolumeClaim,
    given: { driver: VolumeDriver; storageClass: StorageClass; selected: string | undefined },
  ): Promise<void> {
    const { cluster } = this.#reconcilers;
    const { driver, storageClass } = given;
    const name = `${driver.namePrefix}-${claim.metadata.uid}`;
    if ((await cluster.read(volumes, { name })) !== undefined) {
      return this.#options.journal.end(name);
    }
    const request = await this.#request(claim, { ...given, name });
    if (request === undefined) return;
    const { uid } = claim.metadata;
    const intent = { driver: driver.name, claimKey: keyOf(claim), claimUid: uid };
    await this.#options.journal.begin({ volumeName: name, ...intent });
    const made = await driver.make(request);
    try {
      const draft = volumeDraft({ claim, storageClass, driver, request, made });
      await cluster.create(volumes, undefined, draft);
    } catch (error) {
      if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
    }
    await this.#options.journal.end(name);
    await this.#note(driver, claim, {
      type: 'Normal',
      reason: 'ProvisioningSucceeded',
      message: `Successfully provisioned volume ${name}`,
    });
  }

  /** What to ask the driver for; undefined when it is somebody else's turn. */
  async #request(
    claim: PersistentVolumeClaim,
    given: {
      driver: VolumeDriver;
      storageClass: StorageClass;
      selected: string | undefined;
      name: string;
    },
  ): Promise<VolumeRequest | undefined> {
    const { cluster } = this.#reconcilers;
    const { driver, storageClass, name } = given;
    if (claim.spec.selector !== undefined) throw new Error('claim Selector is not supported');
    const source = dataSourceOf(claim);
    const fromSnapshot = isFromSnapshot(claim);
    if (source !== undefined && !fromSnapshot) return this.#refuseSource(claim, given.driver);
    if (fromSnapshot && !driver.hasSnapshots) {
      throw new Error(
        'CSI driver does not support snapshot restore: controller CREATE_DELETE_SNAPSHOT capability is not reported',
      );
    }
    const snapshotHandle = fromSnapshot
      ? await snapshotHandleFor(cluster, claim, driver.name)
      : undefined;
    const selectedNode = await this.#selectedNode(claim, given.selected);
    if (selectedNode === 'gone') return undefined;
    const zone = driver.hasTopology
      ? this.#zone(claim, { driver, storageClass, selectedNode })
      : '';
    const { namespace = '' } = claim.metadata;
    return {
      name,
      sizeBytes: quantityBytes(claim.spec.resources?.requests?.storage),
      parameters: plainParameters(storageClass),
      claim: { namespace, name: claim.metadata.name },
      accessModes: claim.spec.accessModes ?? [],
      block: claim.spec.volumeMode === 'Block',
      zone,
      ...(selectedNode === undefined ? {} : { selectedNode: selectedNode.metadata.name }),
      ...(snapshotHandle === undefined ? {} : { snapshotHandle }),
    };
  }

  async #refuseSource(claim: PersistentVolumeClaim, driver: VolumeDriver): Promise<undefined> {
    if (dataSourceOf(claim)?.kind === 'PersistentVolumeClaim') {
      throw new Error(
        'CSI driver does not support clone operations: controller CLONE_VOLUME capability is not reported',
      );
    }
    await this.#note(driver, claim, {
      type: 'Normal',
      reason: 'Provisioning',
      message: 'Assuming an external populator will provision the volume',
    });
    return undefined;
  }

  async #selectedNode(
    claim: PersistentVolumeClaim,
    selected: string | undefined,
  ): Promise<Node | 'gone' | undefined> {
    const { cluster } = this.#reconcilers;
    if (selected === undefined) return undefined;
    const node = cluster.informer(nodes).get(selected);
    if (node !== undefined) return node;
    await this.#reschedule(claim);
    return 'gone';
  }

  #zone(
    claim: PersistentVolumeClaim,
    given: { driver: VolumeDriver; storageClass: StorageClass; selectedNode: Node | undefined },
  ): string {
    const { driver, storageClass, selectedNode } = given;
    const { zones } = this.#options;
    const choice = chooseZone(this.#reconcilers.cluster, {
      driver: driver.name,
      claim,
      storageClass,
      ...(selectedNode === undefined ? {} : { selectedNode }),
      ...(zones === undefined ? {} : { zones }),
    });
    if ('obstacle' in choice) throw new Error(choice.obstacle);
    return choice.zone;
  }

  /** Tells about the failure and says when to try again; gives the node back if another may do. */
  async #failed(
    claim: PersistentVolumeClaim,
    given: { driver: VolumeDriver; storageClass: StorageClass; error: unknown },
  ): Promise<void> {
    const { driver, storageClass, error } = given;
    const key = keyOf(claim);
    if (isStillWorking(error)) return this.#retries.soon(key);
    if (error instanceof ApiError) throw error;
    const { name } = storageClass.metadata;
    const message = `failed to provision volume with StorageClass "${name}": ${textOf(error)}`;
    await this.#note(driver, claim, { type: 'Warning', reason: 'ProvisioningFailed', message });
    if (isPassing(error)) throw error;
    if (error instanceof DriverError && error.code === 'ResourceExhausted') {
      await this.#reschedule(claim);
    }
    this.#retries.later(key);
  }

  async #reschedule(claim: PersistentVolumeClaim): Promise<void> {
    if (claim.metadata.annotations?.[SELECTED_NODE_ANNOTATION] === undefined) return;
    const annotations = { [SELECTED_NODE_ANNOTATION]: null };
    await this.#reconcilers.cluster.patch(claims, claim, { metadata: { annotations } });
  }

  /** Deletes what was made for a claim that has gone before its PV came to be. */
  async #takeBack(key: string, claim: PersistentVolumeClaim | undefined): Promise<void> {
    for (const intent of this.#options.journal.all()) {
      if (intent.claimKey !== key || intent.claimUid === claim?.metadata.uid) continue;
      const { cluster } = this.#reconcilers;
      const driver = this.#options.drivers.find((each) => each.name === intent.driver);
      const volume = await cluster.read(volumes, { name: intent.volumeName });
      if (volume === undefined) {
        try {
          await driver?.removeUnused(intent.volumeName);
        } catch (error) {
          if (!isStillWorking(error)) throw error;
          this.#retries.soon(key);
          continue;
        }
      }
      await this.#options.journal.end(intent.volumeName);
    }
  }

  #driverFor(claim: PersistentVolumeClaim): VolumeDriver | undefined {
    if ((claim.spec.volumeName ?? '') !== '') return undefined;
    if (claim.metadata.deletionTimestamp !== undefined) return undefined;
    const annotations = claim.metadata.annotations ?? {};
    const asked = annotations[ASKED_ANNOTATION] ?? annotations[ASKED_BETA_ANNOTATION];
    return this.#options.drivers.find((each) => each.name === asked);
  }

  #classOf(claim: PersistentVolumeClaim): StorageClass | undefined {
    return this.#reconcilers.cluster.informer(storageClasses).get(storageClassOf(claim) ?? '');
  }

  async #announce(claim: PersistentVolumeClaim, driver: VolumeDriver): Promise<void> {
    const { namespace, name, uid } = claim.metadata;
    if (this.#announced.has(uid)) return;
    this.#announced.add(uid);
    const message = `External provisioner is provisioning volume for claim "${keyFor(namespace, name)}"`;
    await this.#note(driver, claim, { type: 'Normal', reason: 'Provisioning', message });
  }

  async #note(driver: VolumeDriver, claim: PersistentVolumeClaim, note: EventNote): Promise<void> {
    const { cluster, now } = this.#reconcilers;
    const recorder =
      this.#events.get(driver.name) ??
      new EventRecorder(cluster, `${driver.name}_csi-provisioner-0`, now);
    this.#events.set(driver.name, recorder);
    await recorder.note(claims, claim, note);
  }
}

/** The class's parameters without those that csi-provisioner keeps to itself. */
function plainParameters(storageClass: StorageClass): Record<string, string> {
  return Object.fromEntries(
    Object.entries(storageClass.parameters ?? {}).filter(
      ([key]) => !key.startsWith('csi.storage.k8s.io/'),
    ),
  );
}
