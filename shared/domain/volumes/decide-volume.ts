/**
 * How a volume's data gets into a backup: the table of ACK §4.4 as design §6 overrides it, first
 * match wins. A cloud disk goes by ECS snapshot where the cluster qualifies; everything else by
 * Cloud Backup; what neither can take is not backed up, with the reason, which is what a user
 * reads.
 */
import type { PodMounts } from './pod-mounts.ts';
import { type RuledCluster, snapshotRule } from './snapshot-rule.ts';
import { SKIP_LABEL, type VolumeFacts } from './volume-facts.ts';

/** A pod that uses the volume. */
export interface VolumeMount extends Pick<PodMounts, 'pod' | 'podUid' | 'node' | 'running'> {
  /** Whether its node is a virtual one. */
  readonly virtualNode: boolean;
}

/** A mount that Cloud Backup's agent can read through. */
type NodeMount = VolumeMount & { readonly node: string };

/** The disk as ECS knows it; one that is gone is `exists: false`. */
type DiskState =
  | { readonly exists: false }
  | {
      readonly exists: true;
      readonly everAttached: boolean;
      readonly status: string;
      readonly category: string;
    };

/** What a decision rests on besides the volume. */
export interface DecisionContext {
  /** Whether the backup takes volumes' data at all. */
  readonly volumeBackup: boolean;
  /** Whether a filter leaves the claim out. */
  readonly excluded: boolean;
  readonly cluster: RuledCluster;
  /** Absent where ECS was not asked, or the volume is no cloud disk. */
  readonly disk?: DiskState | undefined;
  readonly mounts: readonly VolumeMount[];
  /**
   * Whether Cloud Backup's agent runs in the cluster; absent where Cloud Backup does not answer.
   */
  readonly agent?: 'READY' | 'MISS' | 'UNKNOWN' | 'UNREGISTERED' | undefined;
  /** Whether NAS file systems may be taken by plans of Cloud Backup, without an agent. */
  readonly nasPlans: boolean;
}

/** What becomes of a volume's data. */
export type VolumeDecision =
  | { readonly method: 'ecsSnapshot'; readonly reason: string; readonly diskId: string }
  | {
      readonly method: 'cloudBackup';
      readonly reason: string;
      readonly way: 'nas';
      readonly fileSystemId: string;
    }
  | {
      readonly method: 'cloudBackup';
      readonly reason: string;
      readonly way: 'container';
      readonly mount: NodeMount;
    }
  | { readonly method: 'yamlOnly' | 'notBackedUp'; readonly reason: string };

/** Categories that ECS cannot snapshot: local disks and elastic ephemeral disks. */
const NO_SNAPSHOTS = /^(ephemeral|local_|elastic_ephemeral)/;

/** The decision; undefined where neither the data nor the objects of the volume are wanted. */
export function decideVolume(
  facts: VolumeFacts,
  context: DecisionContext,
): VolumeDecision | undefined {
  if (!context.volumeBackup) {
    if (context.excluded) return undefined;
    return { method: 'yamlOnly', reason: 'volume backup is off' };
  }
  if (context.excluded) return notBackedUp('claim excluded');
  if (facts.skip) return notBackedUp(`skipped by label ${SKIP_LABEL}`);
  if (facts.kind === 'hostPath') {
    return notBackedUp('hostPath: a folder of a node is no storage that a restore could give back');
  }
  if (facts.diskId !== undefined && context.disk?.exists === false) {
    return notBackedUp(`disk ${facts.diskId} does not exist any more`);
  }
  if (facts.kind === 'disk' && !facts.flexVolume) return decideDisk(facts, context);
  return decideFiles(facts, context, describeStorage(facts));
}

function decideDisk(facts: VolumeFacts, context: DecisionContext): VolumeDecision {
  const { diskId } = facts;
  const { disk } = context;
  const { snapshots, why } = snapshotRule(context.cluster);
  if (diskId === undefined) return notBackedUp('the volume names no disk');
  if (!snapshots) return decideFiles(facts, context, why);
  if (disk?.exists === true && NO_SNAPSHOTS.test(disk.category)) {
    return decideFiles(facts, context, `disks of category ${disk.category} have no snapshots`);
  }
  // A disk without data of its own: ECS refuses a snapshot of it (API §C2).
  if (disk?.exists === true && !disk.everAttached && disk.status !== 'In_use') {
    return notBackedUp(`never attached: ECS takes no snapshot of disk ${diskId}`);
  }
  return { method: 'ecsSnapshot', reason: why, diskId };
}

/** Cloud Backup reads files: through the file system itself, or on a node that mounts it. */
function decideFiles(facts: VolumeFacts, context: DecisionContext, why: string): VolumeDecision {
  if (facts.volumeMode === 'Block') {
    return notBackedUp(`Block mode: Cloud Backup takes files only (${why})`);
  }
  const { fileSystemId } = facts;
  if (facts.kind === 'nas' && fileSystemId !== undefined && context.nasPlans) {
    return { method: 'cloudBackup', way: 'nas', reason: why, fileSystemId };
  }
  if (context.mounts.length === 0) return notBackedUp(`not mounted by any pod (${why})`);
  const mount = context.mounts.find(isReadable);
  if (mount === undefined) return unavailable('no running pod mounts it on a node of its own', why);
  if (context.agent !== 'READY') {
    const found = context.agent ?? 'not known to Cloud Backup';
    return unavailable(`the agent in the cluster is ${found}, not READY`, why);
  }
  return { method: 'cloudBackup', way: 'container', reason: why, mount };
}

function isReadable(mount: VolumeMount): mount is NodeMount {
  return mount.running && mount.node !== undefined && !mount.virtualNode;
}

function describeStorage({ kind, driver, flexVolume }: VolumeFacts): string {
  if (flexVolume) return `FlexVolume ${driver}`;
  return kind === 'other' ? `volume of ${driver || 'an unknown driver'}` : `${kind} volume`;
}

function unavailable(found: string, why: string): VolumeDecision {
  return notBackedUp(`cloud_backup_unavailable: ${found} (${why})`);
}

function notBackedUp(reason: string): VolumeDecision {
  return { method: 'notBackedUp', reason };
}
