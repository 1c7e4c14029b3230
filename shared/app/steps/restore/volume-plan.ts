/**
 * What a restore does with each volume whose data is in the backup, as fixed by its plan: in the run's
 * scratch, since the objects read for it are too much for a row. What was made of it stands in the
 * results of later steps and in the record.
 */
import { BackupCentreError } from '../../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../domain/json.ts';
import type { DiskSource } from '../../../domain/volume-backup.ts';
import { packMember, unpackMember } from '../../../format/gzip-member.ts';
import type { RunScratch } from '../../run-scratch.ts';

/** Name of the step that makes snapshot copies and disks. */
export const VOLUMES_STEP = 'volumes';

/** The way in which a claim gets its data, or why it gets none. */
export type VolumeWay =
  /** The cluster's own driver makes a disk of the snapshot. */
  | { readonly kind: 'driver'; readonly snapshotVersion: 'v1' | 'v1beta1' }
  /** A disk is made first; a static volume names it. */
  | { readonly kind: 'disk'; readonly zone: string; readonly sizeGiB: number }
  /** The claim is in the target already and stays as it is. */
  | { readonly kind: 'exists' }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

/** A volume on its way back from a snapshot. */
export interface VolumePlan {
  /** Names in the backup. */
  readonly namespace: string;
  readonly pvc: string;
  readonly pv: string;
  /** Namespace of the claim in the target. */
  readonly place: string;
  readonly way: VolumeWay;
  /** Id in the region of the source. */
  readonly snapshotId: string;
  /** Days from its creation for which the snapshot must be kept, where it would end too early. */
  readonly keepDays?: number;
  /** Whether the target needs a copy in its own region. */
  readonly copied: boolean;
  readonly source: DiskSource;
  /** Of the volume's object, what a disk does not tell. */
  readonly backupVolume?: JsonObject;
}

/** Writes the plans; returns the number of chunks. */
export async function writeVolumePlans(
  scratch: RunScratch,
  plans: readonly VolumePlan[],
): Promise<number> {
  if (plans.length === 0) return 0;
  await scratch.write('volumes', 0, await packMember(Buffer.from(JSON.stringify(plans))));
  return 1;
}

/** The plans of the run. @throws BackupCentreError `internal` they are gone */
export async function readVolumePlans(
  scratch: RunScratch,
  chunks: number,
): Promise<readonly VolumePlan[]> {
  if (chunks === 0) return [];
  const packed = await scratch.chunk('volumes', 0);
  const text = (await unpackMember(packed, 'the volumes of the restore')).toString('utf8');
  const value: unknown = JSON.parse(text);
  // Written by `writeVolumePlans` of the same run.
  if (Array.isArray(value)) return value as VolumePlan[];
  throw new BackupCentreError('internal', 'Cannot read the volumes of the restore: found no list');
}

/** `<namespace>/<pvc>` of the backup: by it later steps name a volume. */
export function volumeKey({ namespace, pvc }: Pick<VolumePlan, 'namespace' | 'pvc'>): string {
  return `${namespace}/${pvc}`;
}

/** What the volumes step made, or why it could not. */
export interface MadeVolumes {
  /** By the snapshot's id: its copy in the target's region. */
  readonly copies: Readonly<Record<string, MadeResource>>;
  /** By `volumeKey`. */
  readonly disks: Readonly<Record<string, MadeResource>>;
}

/** What ECS has begun to make. */
export interface StartedResource {
  readonly id: string;
  readonly sinceMs: number;
  readonly ready: boolean;
}

/** A copy or a disk on its way. */
export type MadeResource = StartedResource | { readonly failed: string; readonly message: string };

/** Reads what was made from a checkpoint or a result. */
export function readMade(saved: Json | undefined): MadeVolumes {
  if (!isJsonObject(saved)) return { copies: {}, disks: {} };
  return { copies: resources(saved.copies), disks: resources(saved.disks) };
}

function resources(value: unknown): Readonly<Record<string, MadeResource>> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, made]): [string, MadeResource][] => {
      if (!isJsonObject(made)) return [];
      const { id, sinceMs, ready, failed, message } = made;
      if (typeof failed === 'string') return [[key, { failed, message: String(message) }]];
      return [[key, { id: String(id), sinceMs: Number(sinceMs), ready: ready === true }]];
    }),
  );
}

/** As it stands in a checkpoint or a result. */
export function madeJson({ copies, disks }: MadeVolumes): { readonly [key: string]: Json } {
  const plain = (made: Readonly<Record<string, MadeResource>>): Json =>
    Object.fromEntries(Object.entries(made).map(([key, value]) => [key, { ...value }]));
  return { copies: plain(copies), disks: plain(disks) };
}
