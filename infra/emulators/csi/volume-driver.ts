import type { Labels } from '../controllers/engine/kube-objects.ts';
import type { PersistentVolume } from '../controllers/engine/storage-objects.ts';

/** Names of the drivers of an ACK cluster. */
export const DISK_DRIVER = 'diskplugin.csi.alibabacloud.com';
export const NAS_DRIVER = 'nasplugin.csi.alibabacloud.com';
export const OSS_DRIVER = 'ossplugin.csi.alibabacloud.com';

/** By which the disk driver places volumes: a label of nodes, a key of CSINode and of PVs. */
export const ZONE_TOPOLOGY = 'topology.diskplugin.csi.alibabacloud.com/zone';

/** What is asked of a driver: the CSI call CreateVolume, with ACK's extra metadata. */
export interface VolumeRequest {
  /** The PV's name; the same name always means the same volume. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly parameters: Labels;
  readonly claim: { readonly namespace: string; readonly name: string };
  readonly accessModes: readonly string[];
  readonly block: boolean;
  /** Where it should be, for drivers with topology. */
  readonly zone: string;
  readonly selectedNode?: string;
  /** Handle of the snapshot whose bytes it starts with. */
  readonly snapshotHandle?: string;
}

/** A volume that a driver has made. */
export interface MadeVolume {
  readonly handle: string;
  readonly sizeBytes: number;
  readonly attributes: Labels;
  /** Where alone it can be used. */
  readonly zone?: string;
}

/** The controller half of a CSI driver that provisions. All calls may be repeated. */
export interface VolumeDriver {
  readonly name: string;
  /** The prefix of PV names: csi-provisioner's --volume-name-prefix in ACK. */
  readonly namePrefix: string;
  readonly hasTopology: boolean;
  readonly hasSnapshots: boolean;
  make(request: VolumeRequest): Promise<MadeVolume>;
  /** Deletes the storage of a released volume. */
  remove(volume: PersistentVolume): Promise<void>;
  /** Deletes what `make` may have left for a PV that never came to be. */
  removeUnused(name: string): Promise<void>;
}
