/**
 * Claims of a restore whose files Cloud Backup holds, and how each gets them: fixed by the plan and kept
 * in the run's scratch. The claim is created like any other, on a new volume; its files land in it before
 * the workloads begin.
 */
import { BackupCentreError } from '../../../domain/errors.ts';
import type { Finding } from '../../../domain/finding.ts';
import { type JsonObject, objectAt } from '../../../domain/json.ts';
import type { FileSource, VolumeBackup } from '../../../domain/volume-backup.ts';
import { classOfClaim } from '../../../domain/volumes/claim-class.ts';
import { targetClasses } from '../../../domain/volumes/conversion-target.ts';
import { GIB } from '../../../domain/volumes/quantity.ts';
import type { ClaimConversion } from '../../../domain/volumes/storage-class-conversion.ts';
import { packMember, unpackMember } from '../../../format/gzip-member.ts';
import type { AgentStatus } from '../../../ports/cloud-backup.ts';
import type { RunScratch } from '../../run-scratch.ts';

/** Why the volumes of such claims are not restored themselves. */
export const RESTORED_FROM_CLOUD_BACKUP = 'restored_from_cloud_backup';

/** Least size of a disk, GiB (ACK §10-33). */
const DISK_GIB_MIN = 20;

/** A file system needs some room for itself. */
const ROOM = 1.05;

/** A claim and where its files come from. */
export interface LandingPlan {
  /** Names in the backup. */
  readonly namespace: string;
  readonly pvc: string;
  readonly pv: string;
  /** Namespace of the claim in the target. */
  readonly place: string;
  readonly source: FileSource;
  /** The restore point. */
  readonly point: { readonly id: string; readonly hash: string };
  /** Whether the backup could not read every file. */
  readonly partial: boolean;
  /** Bytes of the files. */
  readonly sizeBytes: number;
  /** What the claim asks for in the target, where that is not what it asked for before. */
  readonly converted?: Pick<ClaimConversion, 'storageClass' | 'accessModes' | 'changes'>;
  /** What it asks for besides, so that its files can be written. */
  readonly addedMode?: 'ReadWriteOnce';
  /** GiB that the claim must ask for at least. */
  readonly sizeGiBMin: number;
  /** Through which pod the files are written, or the volume gets its node; absent where none is needed. */
  readonly pod?: LandingPodPlan;
  /** Why the claim is not even created. */
  readonly refused?: { readonly code: string; readonly message: string };
}

/** Claims that one pod will mount land through one pod too: their volumes must be of one zone. */
interface LandingPodPlan {
  /** The same for claims that go together. */
  readonly group: string;
  /** Fields of a pod's spec that say where it may run. */
  readonly placement: JsonObject;
}

/** Something of the backup that mounts claims. */
interface Mounting {
  readonly namespace: string;
  readonly name: string;
  /** Names of claims; `#` at the end stands for any ordinal of a StatefulSet. */
  readonly claims: readonly string[];
  readonly podSpec: JsonObject;
}

/** What planning rests on. */
export interface LandingFacts {
  /** Claims that come back, each with its row in the backup. */
  readonly claims: readonly {
    readonly row: VolumeBackup;
    readonly claim: JsonObject;
    /** Namespace in the target. */
    readonly place: string;
    /** Whether the target has it already, so that it will be left as it is. */
    readonly exists: boolean;
  }[];
  readonly mountings: readonly Mounting[];
  readonly conversions: readonly ClaimConversion[];
  /** StorageClass objects that the target has, or will have. */
  readonly classes: readonly JsonObject[];
  /** Whether Cloud Backup's client works in the target; undefined where nobody can tell. */
  readonly agent: AgentStatus | undefined;
}

/** Whether Cloud Backup has a restore point of the volume's files. */
export function holdsFiles({ method, phase, resourceId, source }: VolumeBackup): boolean {
  const isTaken = phase === 'Completed' || phase === 'PartiallyFailed';
  return (
    method === 'cloudBackup' && isTaken && resourceId !== undefined && source?.kind === 'files'
  );
}

/** The claims that get their files from Cloud Backup. */
export function planLandings(facts: LandingFacts): readonly LandingPlan[] {
  const classes = targetClasses(facts.classes);
  return facts.claims.flatMap(({ row, claim, place, exists }): LandingPlan[] => {
    const { namespace, pvc, pv, source, resourceId, sizeBytes = 0 } = row;
    if (!holdsFiles(row) || source?.kind !== 'files') return [];
    const converted = facts.conversions.find((c) => claimKey(c) === claimKey(row));
    const target = classes.get(converted?.storageClass ?? classOfClaim(claim));
    const needsPod = source.files.way === 'container' || target?.waitsForConsumer === true;
    const dataGiB = Math.ceil((sizeBytes * ROOM) / GIB);
    const refused = exists ? undefined : refusalOf(source, facts.agent);
    return [
      {
        namespace,
        pvc,
        pv,
        place,
        source,
        point: { id: resourceId ?? '', hash: source.snapshotHash ?? '' },
        partial: row.phase === 'PartiallyFailed',
        sizeBytes,
        sizeGiBMin: target?.kind === 'disk' ? Math.max(dataGiB, DISK_GIB_MIN) : dataGiB,
        ...(converted === undefined ? {} : { converted }),
        ...(source.files.way === 'container' && isReadOnly(claim, converted)
          ? { addedMode: 'ReadWriteOnce' as const }
          : {}),
        ...(needsPod ? { pod: podOf(facts.mountings, row) } : {}),
        ...(refused === undefined ? {} : { refused }),
      },
    ];
  });
}

/**
 * Cloud Backup's client writes through a pod, and a volume that is for reading only is mounted so: such a
 * claim may be written to by one node as well.
 */
function isReadOnly(claim: JsonObject, converted: ClaimConversion | undefined): boolean {
  const own = objectAt(claim, 'spec')?.accessModes;
  const modes: readonly unknown[] = converted?.accessModes ?? (Array.isArray(own) ? own : []);
  return modes.length > 0 && modes.every((mode) => mode === 'ReadOnlyMany');
}

/** Claims whose volumes were one folder: each gets files of its own. */
export function separatedFolders(plans: readonly LandingPlan[]): readonly Omit<Finding, 'step'>[] {
  const byFolder = new Map<string, LandingPlan[]>();
  for (const plan of plans) {
    const { files, region } = plan.source;
    if (files.way !== 'nas') continue;
    const folder = `${files.path} of file system ${files.fileSystemId} in ${region}`;
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), plan]);
  }
  return [...byFolder].flatMap(([folder, sharing]) => {
    if (sharing.length < 2) return [];
    const names = sharing.map(claimKey).join(', ');
    return [
      {
        code: 'folder_not_shared',
        message: `Claims ${names} shared folder ${folder}: each gets files of its own now`,
        hint: 'To share them again, let one claim keep its new volume and point the others at it',
      },
    ];
  });
}

function refusalOf(
  source: FileSource,
  agent: AgentStatus | undefined,
): LandingPlan['refused'] | undefined {
  if (source.hbrVaultId === undefined || source.snapshotHash === undefined) {
    return {
      code: 'lost',
      message: 'the backup does not name the Cloud Backup point of its files',
    };
  }
  if (source.files.way === 'nas' || agent === 'READY') return undefined;
  const found = agent === undefined ? 'Cloud Backup does not answer' : `its client is ${agent}`;
  const message = `Cloud Backup's client must write its files in the target cluster, and ${found}`;
  return { code: 'cloud_backup_unavailable', message };
}

/** Claims that one pod mounts together; of a StatefulSet, those of one ordinal. */
function podOf(mountings: readonly Mounting[], { namespace, pvc }: VolumeBackup): LandingPodPlan {
  for (const mounting of mountings) {
    if (mounting.namespace !== namespace) continue;
    for (const claim of mounting.claims) {
      const ordinal = ordinalIn(claim, pvc);
      if (ordinal === undefined) continue;
      const { nodeSelector, tolerations, affinity } = mounting.podSpec;
      const group = `${namespace}/${mounting.name}#${ordinal}`;
      return { group, placement: { nodeSelector, tolerations, affinity } };
    }
  }
  return { group: `${namespace}/${pvc}`, placement: {} };
}

/** The ordinal with which a template's name means the claim; '' for the very name. */
function ordinalIn(claim: string, pvc: string): string | undefined {
  if (!claim.endsWith('#')) return claim === pvc ? '' : undefined;
  const stem = claim.slice(0, -1);
  const ordinal = pvc.startsWith(stem) ? pvc.slice(stem.length) : '';
  return /^\d+$/.test(ordinal) ? ordinal : undefined;
}

/** The record's row of a claim whose files are to land, before they do. */
export function landingRow(plan: LandingPlan, row: VolumeBackup): VolumeBackup {
  const { place, point, source, refused } = plan;
  const base = { ...row, namespace: place, progress: 0 };
  if (refused !== undefined) {
    return { ...base, phase: 'Failed', reason: `${refused.code}: ${refused.message}` };
  }
  const by = source.files.way === 'nas' ? 'written by Cloud Backup itself' : 'through a node';
  const reason = `files of Cloud Backup point ${point.id} into a new volume, ${by}`;
  return { ...base, phase: 'Pending', reason };
}

/** `<namespace>/<pvc>` of the backup. */
export function claimKey({
  namespace,
  pvc,
}: {
  readonly namespace: string;
  readonly pvc: string;
}): string {
  return `${namespace}/${pvc}`;
}

/** Writes the plans; returns the number of chunks. */
export async function writeLandingPlans(
  scratch: RunScratch,
  plans: readonly LandingPlan[],
): Promise<number> {
  if (plans.length === 0) return 0;
  await scratch.write('landings', 0, await packMember(Buffer.from(JSON.stringify(plans))));
  return 1;
}

/** The plans of the run. @throws BackupCentreError `internal` they are gone */
export async function readLandingPlans(
  scratch: RunScratch,
  chunks: number,
): Promise<readonly LandingPlan[]> {
  if (chunks === 0) return [];
  const packed = await scratch.chunk('landings', 0);
  const text = (await unpackMember(packed, 'the landings of the restore')).toString('utf8');
  const value: unknown = JSON.parse(text);
  // Written by `writeLandingPlans` of the same run.
  if (Array.isArray(value)) return value as LandingPlan[];
  throw new BackupCentreError('internal', 'Cannot read the landings of the restore: found no list');
}
