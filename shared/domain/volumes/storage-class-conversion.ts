/**
 * Which claims of a restore get another StorageClass, and whether the target can give each claim
 * the class it asks for (ACK §6.5). Only what Cloud Backup took can be converted: its data are
 * files. All of it is found out before anything is created; nothing falls back to another class by
 * itself.
 */
import type { Finding } from '../finding.ts';
import type { JsonObject } from '../json.ts';
import { objectAt } from '../json.ts';
import type { VolumeBackup } from '../volume-backup.ts';
import { classOfClaim } from './claim-class.ts';
import { type ConversionEntry, describeEntry, isNamed, mostSpecific } from './conversion-entry.ts';
import {
  DISK_CLASS,
  FILE_CLASS,
  resolveClass,
  type TargetClass,
  targetClasses,
} from './conversion-target.ts';

/** A claim of the backup. */
export interface ClaimToRestore {
  readonly volume: VolumeBackup;
  /** Its object in the backup; where it is not at hand, what the volume's row holds counts. */
  readonly claim?: JsonObject;
}

/** What is found before a restore, without the step that found it. */
export type VolumeFinding = Omit<Finding, 'step'>;

/** A claim that gets another class. */
export interface ClaimConversion {
  /** Names in the backup. */
  readonly namespace: string;
  readonly pvc: string;
  readonly storageClass: string;
  readonly accessModes: readonly string[];
  /** One line per change, for the restore's list. */
  readonly changes: readonly string[];
}

/** Everything that a restore must know of classes before it starts. */
export interface ConversionPlan {
  readonly conversions: readonly ClaimConversion[];
  readonly warnings: readonly VolumeFinding[];
  readonly errors: readonly VolumeFinding[];
}

/** A claim with what entries and rules ask for. */
interface Candidate {
  readonly volume: VolumeBackup;
  readonly storageClass: string;
  readonly accessModes: readonly string[];
  readonly driver: string;
}

/** Decides all claims of a restore; entries name claims by their names in the backup. */
export function planConversions(given: {
  readonly entries: readonly ConversionEntry[];
  readonly claims: readonly ClaimToRestore[];
  /** StorageClass objects of the target. */
  readonly classes: readonly JsonObject[];
  /** Zones of the target's nodes; names may repeat. */
  readonly zones: readonly string[];
  readonly region: string;
}): ConversionPlan {
  const planner = new Planner(targetClasses(given.classes), given);
  for (const claim of given.claims) planner.decide(candidateOf(claim));
  return planner.plan();
}

/** Collects decisions claim by claim. */
class Planner {
  private readonly classes: ReadonlyMap<string, TargetClass>;
  private readonly entries: readonly ConversionEntry[];
  private readonly region: string;
  private readonly manyZones: boolean;
  private readonly used = new Set<ConversionEntry>();
  private readonly conversions: ClaimConversion[] = [];
  private readonly warnings: VolumeFinding[] = [];
  private readonly errors: VolumeFinding[] = [];

  constructor(
    classes: ReadonlyMap<string, TargetClass>,
    given: { entries: readonly ConversionEntry[]; zones: readonly string[]; region: string },
  ) {
    this.classes = classes;
    this.entries = given.entries;
    this.region = given.region;
    this.manyZones = new Set(given.zones).size > 1;
  }

  decide(candidate: Candidate): void {
    const { volume } = candidate;
    const entry = mostSpecific(this.entries, { ...volume, storageClass: candidate.storageClass });
    if (entry !== undefined) this.used.add(entry);
    if (!holdsFiles(volume)) {
      if (entry !== undefined) this.leaveOut(entry, volume);
      if (volume.method === 'ecsSnapshot' && hasData(volume)) this.expectClass(candidate);
      return;
    }
    const home = volume.source?.region ?? this.region;
    if (home !== this.region) {
      const found = `Cloud Backup holds them in ${home}, the target is in ${this.region}`;
      const message = `Cannot restore the files of claim ${nameOf(volume)}: ${found}`;
      const hint = 'Restore into a cluster of that region, or leave the claim out';
      this.errors.push(finding('cross_region_unsupported', volume, message, hint));
      return;
    }
    if (entry === undefined) this.expectClass(candidate);
    else this.convert(entry, candidate);
  }

  plan(): ConversionPlan {
    for (const entry of this.entries) {
      if (this.used.has(entry)) continue;
      const conversion = `${describeEntry(entry)} to ${entry.to}`;
      const message = `StorageClass conversion of ${conversion} applies to no claim of the restore`;
      this.warnings.push({ code: 'conversion_unused', message });
    }
    const { conversions, warnings, errors } = this;
    return { conversions, warnings, errors };
  }

  /** A claim that an entry names must be converted; one that it only covers need not. */
  private leaveOut(entry: ConversionEntry, volume: VolumeBackup): void {
    const found = hasData(volume)
      ? `its data is ${HELD_AS[volume.method]}`
      : 'the backup has no data of it';
    const attempt = `Cannot convert claim ${nameOf(volume)} to StorageClass ${entry.to}`;
    const message = `${attempt}: ${found}; only what Cloud Backup took can be converted`;
    if (isNamed(entry.pvc)) {
      const hint = 'Leave the entry out: the claim comes back with the StorageClass it had';
      this.errors.push(finding('conversion_not_allowed', volume, message, hint));
    } else {
      this.warnings.push(finding('conversion_skipped', volume, message));
    }
  }

  private convert(entry: ConversionEntry, candidate: Candidate): void {
    const { volume } = candidate;
    const target = resolveClass(this.classes, entry.to);
    const attempt = `Cannot convert claim ${nameOf(volume)} to StorageClass ${entry.to}`;
    if (target === undefined) {
      const message = `${attempt}: the target has no such class`;
      this.errors.push(
        finding('storage_class_missing', volume, message, proposalFor(candidate, entry.to)),
      );
      return;
    }
    if (target.kind === 'other') {
      const found = `its provisioner is ${target.provisioner || 'not given'}`;
      const message = `${attempt}: ${found}, not a driver of Alibaba Cloud's disks, NAS or OSS`;
      const hint = proposalFor(candidate, entry.to);
      this.errors.push(finding('conversion_not_allowed', volume, message, hint));
      return;
    }
    if (!this.takesFiles(candidate, target, attempt)) return;
    const accessModes = entry.accessModes ?? candidate.accessModes;
    if (target.kind === 'disk' && !this.fitsDisk(candidate, target, accessModes, attempt)) return;
    this.conversions.push({
      namespace: volume.namespace,
      pvc: volume.pvc,
      storageClass: target.name,
      accessModes,
      changes: changesOf(candidate, target, accessModes),
    });
  }

  /** What Cloud Backup read from NAS by itself it writes to NAS only: no client has a part in it. */
  private takesFiles({ volume }: Candidate, target: TargetClass, attempt: string): boolean {
    const { source } = volume;
    const isFromNas = source?.kind === 'files' && source.files.way === 'nas';
    if (!holdsFiles(volume) || !isFromNas || target.kind === 'nas') return true;
    const found = `Cloud Backup took them from NAS itself, and ${target.name} is no class of NAS`;
    const hint = `Convert it to ${FILE_CLASS} or to another class of NAS`;
    const message = `${attempt}: ${found}`;
    this.errors.push(finding('conversion_not_allowed', volume, message, hint));
    return false;
  }

  /** A disk is of one zone and on one node at a time. */
  private fitsDisk(
    { volume, accessModes: had }: Candidate,
    target: TargetClass,
    accessModes: readonly string[],
    attempt: string,
  ): boolean {
    // Also where the entry gives other modes: replicas that share the data would lose each other.
    const shared = [had, accessModes].find((modes) => modes.includes('ReadWriteMany'));
    if (shared !== undefined) {
      const found = `its access modes are ${listOf(shared)}, and disks cannot be ReadWriteMany`;
      const message = `${attempt}: ${found}`;
      const hint = `Convert it to ${FILE_CLASS}, which replicas can share`;
      this.errors.push(finding('access_mode_unsupported', volume, message, hint));
      return false;
    }
    if (this.manyZones && !target.waitsForConsumer) {
      const found = `the target has nodes in several zones, and ${target.name} binds in any`;
      const message = `${attempt}: ${found}, before a pod is placed`;
      const hint = `Choose a class that waits for its first consumer, such as ${DISK_CLASS}`;
      this.errors.push(finding('immediate_binding', volume, message, hint));
      return false;
    }
    if (had.includes('ReadOnlyMany') || accessModes.includes('ReadOnlyMany')) {
      const found = `is ReadOnlyMany and becomes a disk of ${target.name}`;
      const message = `Claim ${nameOf(volume)} ${found}: pods on one node only can mount it`;
      const hint = 'Keep its replicas on one node: a second node would take the disk away';
      this.warnings.push(finding('single_node_only', volume, message, hint));
    }
    return true;
  }

  /** The class that the claim comes back with must be there. */
  private expectClass(candidate: Candidate): void {
    const { volume, storageClass } = candidate;
    const target = this.classes.get(storageClass);
    if (target !== undefined) {
      this.takesFiles(candidate, target, `Cannot restore the files of claim ${nameOf(volume)}`);
      return;
    }
    // A disk without a class comes back as a static volume; files need a driver that makes one.
    if (storageClass === '' && volume.method === 'ecsSnapshot') return;
    const found =
      storageClass === ''
        ? 'it has no StorageClass, and its data needs a new volume'
        : `the target has no StorageClass ${storageClass}`;
    const message = `Cannot restore the data of claim ${nameOf(volume)}: ${found}`;
    this.errors.push(
      finding('storage_class_missing', volume, message, proposalFor(candidate, storageClass)),
    );
  }
}

const HELD_AS = {
  ecsSnapshot: 'a snapshot of its disk',
  cloudBackup: 'held by Cloud Backup',
  yamlOnly: 'not in the backup (YAML only)',
  notBackedUp: 'not in the backup',
} as const satisfies Record<VolumeBackup['method'], string>;

function candidateOf({ volume, claim }: ClaimToRestore): Candidate {
  const { source } = volume;
  const files = source?.kind === 'files' ? source : undefined;
  const modes = claim === undefined ? files?.accessModes : objectAt(claim, 'spec')?.accessModes;
  return {
    volume,
    storageClass: claim === undefined ? (source?.storageClass ?? '') : classOfClaim(claim),
    accessModes: Array.isArray(modes) ? modes.filter((mode) => typeof mode === 'string') : [],
    driver: files?.driver ?? '',
  };
}

function hasData({ phase }: VolumeBackup): boolean {
  return phase === 'Completed' || phase === 'PartiallyFailed';
}

function holdsFiles(volume: VolumeBackup): boolean {
  return volume.method === 'cloudBackup' && hasData(volume);
}

/** What to do about a class that is missing or no target. */
function proposalFor({ volume, accessModes, driver }: Candidate, wanted: string): string {
  if (volume.method === 'ecsSnapshot') {
    const like = wanted === DISK_CLASS ? 'ACK installs it with its CSI driver' : `as ${DISK_CLASS}`;
    return `Create the class in the target: ${like}; a disk's snapshot cannot be converted`;
  }
  const shared = accessModes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
  const proposed = shared || driver.includes('nas') ? FILE_CLASS : DISK_CLASS;
  if (proposed === wanted)
    return `Create ${wanted} in the target: ACK's storage components bring it`;
  return `Create the class in the target, or convert the claim to ${proposed}`;
}

function changesOf(
  candidate: Candidate,
  target: TargetClass,
  accessModes: readonly string[],
): readonly string[] {
  const { storageClass, accessModes: had } = candidate;
  const changes: string[] = [];
  if (storageClass !== target.name) {
    changes.push(`storageClassName: ${storageClass || 'none'} becomes ${target.name}`);
  }
  if (listOf(had) !== listOf(accessModes)) {
    changes.push(`accessModes: ${listOf(had)} becomes ${listOf(accessModes)}`);
  }
  return changes;
}

function listOf(modes: readonly string[]): string {
  return modes.join(', ');
}

function nameOf({ namespace, pvc }: VolumeBackup): string {
  return `${namespace}/${pvc}`;
}

function finding(
  code: string,
  { namespace, pvc }: VolumeBackup,
  message: string,
  hint?: string,
): VolumeFinding {
  const object = {
    apiVersion: 'v1',
    resource: 'persistentvolumeclaims',
    kind: 'PersistentVolumeClaim',
    namespace,
    name: pvc,
  };
  return { code, object, message, ...(hint === undefined ? {} : { hint }) };
}
