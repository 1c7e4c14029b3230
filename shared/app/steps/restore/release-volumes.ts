/**
 * Lets go of what a restore made for its claims beside them: snapshot objects once the claim is bound,
 * copies of snapshots once every claim from them is, disks and volumes that no claim uses. It is found by
 * the run's id, so that also what nobody lived to write down goes. Safe to repeat.
 */
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import type { VolumeBackup } from '../../../domain/volume-backup.ts';
import { RUN_TAG } from '../../../domain/volumes/snapshot-tags.ts';
import { connectCluster } from '../../backup-services.ts';
import { type RestoreServices, targetCluster } from '../../restore-services.ts';
import { isSettled } from '../backup/volume-rows.ts';
import { lookAtRelease, nameFor, type ReleaseLook } from './release-look.ts';
import { SNAPSHOT_TAG, VOLUME_TAG } from './restore-tags.ts';
import { PENDING_CONSUMER } from './restored-rows.ts';
import { removeSnapshotObjects } from './snapshot-objects.ts';
import { type MadeResource, readMade, VOLUMES_STEP } from './volume-plan.ts';

/** What a look found, and what it changes. */
export interface Release {
  /** Changes of the record's rows, by `<namespace>/<claim>` of the target. */
  readonly changes: ReadonlyMap<string, Partial<VolumeBackup>>;
  /** Claims that still need what was made for them. */
  readonly waiting: readonly VolumeBackup[];
}

/**
 * Looks at the claims and removes what none of them needs. `giveUp`: waiting claims lose what was made
 * for them.
 */
export async function releaseVolumes(
  services: RestoreServices,
  record: RestoreRecord,
  { giveUp }: { readonly giveUp: boolean },
): Promise<Release> {
  const rows = record.volumes.filter(isOpen);
  if (rows.length === 0 || record.spec.dryRun) return { changes: new Map(), waiting: [] };
  const look = await lookAtRelease(await connectCluster(services, record), record, rows);
  const waiting = rows.filter((row) => look.standingOf(row).kind === 'waiting');
  const kept = giveUp ? [] : waiting;
  await removeSnapshots(look, record, kept);
  await removeCopies(services, record, kept);
  await removeDisks(services, record, look);
  const changes = rows.flatMap((row) => {
    const change = changeOf(look, row, giveUp);
    return change === undefined ? [] : [[`${row.namespace}/${row.pvc}`, change] as const];
  });
  return { changes: new Map(changes), waiting: kept };
}

/** Whether something may be left beside the claim of a row. */
function isOpen({ method, phase, source }: VolumeBackup): boolean {
  return method === 'ecsSnapshot' && source?.kind === 'disk' && phase !== 'Completed';
}

function changeOf(
  look: ReleaseLook,
  row: VolumeBackup,
  giveUp: boolean,
): Partial<VolumeBackup> | undefined {
  const standing = look.standingOf(row);
  switch (standing.kind) {
    case 'bound': {
      const { volume } = standing;
      const reason = `new volume ${volume}, of snapshot ${row.resourceId}`;
      return { phase: 'Completed', progress: 1, pv: volume, reason };
    }
    case 'waiting':
      if (!giveUp) return { phase: 'InProgress', reason: PENDING_CONSUMER };
      return standing.on === 'volume'
        ? { phase: 'Completed', progress: 1, reason: 'its volume is there, and was never claimed' }
        : { phase: 'Failed', reason: `${PENDING_CONSUMER}: no pod mounted the claim in time` };
    case 'free':
      return isSettled(row) ? undefined : { phase: 'Skipped', reason: 'its claim is not there' };
  }
}

async function removeSnapshots(
  { client, kinds, snapshots }: ReleaseLook,
  record: RestoreRecord,
  kept: readonly VolumeBackup[],
): Promise<void> {
  if (kinds === undefined) return;
  const names = new Set(kept.map((row) => nameFor(record, row)));
  const gone = new Map(snapshots.filter(({ name }) => !names.has(name)).map((s) => [s.name, s]));
  for (const { namespace, name } of gone.values()) {
    await removeSnapshotObjects(client, kinds, { runId: record.runId, namespace, name });
  }
}

/** Copies in the target's region; the snapshots themselves are the backup's and stay. */
async function removeCopies(
  services: RestoreServices,
  record: RestoreRecord,
  kept: readonly VolumeBackup[],
): Promise<void> {
  const { region } = await targetCluster(services, record);
  const isAway = record.volumes.some(
    ({ source }) => source !== undefined && source.region !== region,
  );
  if (!isAway) return;
  const tagged = await services.disks.findSnapshots(region, { key: RUN_TAG, value: record.runId });
  const made = await madeOf(services, record);
  const copies = new Map([
    ...Object.entries(made.copies).flatMap(([of, copy]) => idAnd(copy, of)),
    ...tagged.map(({ id, tags }) => [id, tags[SNAPSHOT_TAG] ?? ''] as const),
  ]);
  const needed = new Set(kept.map(({ resourceId }) => resourceId));
  for (const [id, of] of copies) {
    if (!needed.has(of)) await services.disks.deleteSnapshot(region, id);
  }
}

/** Disks that no claim uses, with their volumes; one that any other volume names stays. */
async function removeDisks(
  services: RestoreServices,
  record: RestoreRecord,
  look: ReleaseLook,
): Promise<void> {
  const { region } = await targetCluster(services, record);
  const used = new Set(
    record.volumes
      .filter((row) => !isOpen(row) || look.standingOf(row).kind !== 'free')
      .map((row) => nameFor(record, row)),
  );
  for (const name of look.volumes) {
    if (used.has(name) || look.volumeKind === undefined) continue;
    await look.client.remove({ resource: look.volumeKind, name });
  }
  const tagged = await services.disks.findDisks(region, { key: RUN_TAG, value: record.runId });
  for (const { id, tags } of tagged) {
    const name = tags[VOLUME_TAG] ?? '';
    const other = look.disks.get(id);
    if (used.has(name) || (other !== undefined && other !== name)) continue;
    await services.disks.deleteDisk(region, id);
  }
}

/** What the volumes step wrote down. */
async function madeOf({ records }: RestoreServices, { runId }: RestoreRecord) {
  const run = (await records.get('runs', [runId]))?.value;
  return readMade(run?.step === VOLUMES_STEP ? run.checkpoint : run?.results[VOLUMES_STEP]);
}

function idAnd(made: MadeResource, of: string): readonly (readonly [string, string])[] {
  return 'id' in made ? [[made.id, of]] : [];
}
