/**
 * Fourth step: how the data of each volume that was found gets into the backup, or why not. Running it
 * twice is safe: it reads, and sets the record's rows as a whole.
 */
import type { BackupRecord } from '../../../domain/backup-record.ts';
import type { Finding } from '../../../domain/finding.ts';
import type { CloudFiles, VolumeBackup, VolumeSource } from '../../../domain/volume-backup.ts';
import { decideVolume, type VolumeDecision } from '../../../domain/volumes/decide-volume.ts';
import type { VolumeFacts } from '../../../domain/volumes/volume-facts.ts';
import type { BackupServices } from '../../backup-services.ts';
import { RunJournal } from '../../run-journal.ts';
import type { Step } from '../../step.ts';
import { capturedOf } from './capture.ts';
import { replayCapture } from './capture-log.ts';
import { CaptureState, type FoundClaim } from './capture-state.ts';
import { withFindings } from './record-findings.ts';
import { readInventory, type VolumeInventory } from './volume-inventory.ts';
import { claimReference, isSettled } from './volume-rows.ts';

const VOLUMES_STEP = 'volumes';

/** Volumes whose data one backup takes; its record must stay below 1 MiB. */
const VOLUMES_MAX = 1_000;

/** The step. */
export function volumesStep(services: BackupServices): Step<BackupRecord> {
  return {
    name: VOLUMES_STEP,
    run: async (context) => {
      const journal = RunJournal.resume(context, services.clock);
      const state = new CaptureState();
      await replayCapture(context.scratch, capturedOf(context).chunks, state);
      const record = context.record();
      const all = await decideAll(services, record, state.claims);
      const volumes = all.slice(0, VOLUMES_MAX);
      const warnings = [
        ...all.slice(VOLUMES_MAX).map((v) => notTaken({ ...v, reason: TOO_MANY })),
        ...volumes.filter((v) => v.method === 'notBackedUp').map(notTaken),
      ];
      for (const warning of warnings) journal.find('warning', warning);
      for (const { namespace, pvc, method, reason } of volumes) {
        journal.log('info', `Volume ${namespace}/${pvc}: ${method}: ${reason}`);
      }
      const volumesDone = volumes.filter(isSettled).length;
      await context.updateRecord((r) => ({
        ...withFindings(r, VOLUMES_STEP, { warnings }),
        volumes,
        progress: { ...r.progress, volumesTotal: all.length, volumesDone },
      }));
      return { kind: 'done', result: { journal: { ...(await journal.flush()) } } };
    },
  };
}

const TOO_MANY = `a backup takes at most ${VOLUMES_MAX} volumes; back up fewer namespaces at once`;

async function decideAll(
  services: BackupServices,
  record: BackupRecord,
  claims: readonly FoundClaim[],
): Promise<readonly VolumeBackup[]> {
  const { volumeBackup } = record.spec;
  if (!volumeBackup) return claims.flatMap(yamlOnly);
  if (claims.length === 0) return [];
  const inventory = await readInventory(services, record, claims);
  return claims.flatMap((claim) => decide(claim, inventory));
}

/** The row of a claim whose data nobody asked for; none where its objects are not wanted either. */
function yamlOnly({ namespace, pvc, pv, excluded }: FoundClaim): readonly VolumeBackup[] {
  if (excluded) return [];
  const row = { namespace, pvc, pv, phase: 'Skipped', progress: 0 } as const;
  return [{ ...row, method: 'yamlOnly', reason: 'volume backup is off' }];
}

function decide(claim: FoundClaim, inventory: VolumeInventory): readonly VolumeBackup[] {
  const { namespace, pvc, pv, excluded } = claim;
  const row = { namespace, pvc, pv, phase: 'Skipped', progress: 0 } as const;
  const facts = inventory.volumes.get(pv);
  if (facts === undefined) {
    const reason = excluded ? 'claim excluded' : `volume ${pv} is gone`;
    return [{ ...row, method: 'notBackedUp', reason }];
  }
  const { cluster } = inventory;
  const decision = decideVolume(facts, {
    volumeBackup: true,
    excluded,
    cluster: {
      type: cluster.clusterType,
      profile: cluster.profile,
      kubernetesVersion: cluster.kubernetesVersion,
      csiVersion: inventory.csiVersion,
      allNodesEcs: inventory.allNodesEcs,
    },
    disk: diskState(facts, inventory),
    mounts: inventory.mountsOf(namespace, pvc),
    agent: inventory.agent,
    nasPlans: true,
  });
  if (decision === undefined) return [];
  const { method, reason } = decision;
  const source = sourceOf(decision, claim, facts, inventory);
  if (source === undefined) return [{ ...row, method, reason }];
  return [{ ...row, phase: 'Pending', method, reason, sizeBytes: facts.capacityBytes, source }];
}

function diskState(facts: VolumeFacts, inventory: VolumeInventory) {
  if (facts.diskId === undefined) return undefined;
  const disk = inventory.disks.get(facts.diskId);
  return disk === undefined ? ({ exists: false } as const) : ({ exists: true, ...disk } as const);
}

function sourceOf(
  decision: VolumeDecision,
  claim: FoundClaim,
  facts: VolumeFacts,
  inventory: VolumeInventory,
): VolumeSource | undefined {
  const { region } = inventory.cluster;
  const storageClass = facts.storageClass === undefined ? {} : { storageClass: facts.storageClass };
  if (decision.method === 'ecsSnapshot') {
    const disk = inventory.disks.get(decision.diskId);
    if (disk === undefined) return undefined;
    const { category, zone, sizeGiB, performanceLevel } = disk;
    const level = performanceLevel === undefined ? {} : { performanceLevel };
    const { volumeMode } = facts;
    const what = { diskId: disk.id, region, zone, category, sizeGiB, volumeMode };
    return { kind: 'disk', ...what, ...level, ...storageClass };
  }
  if (decision.method !== 'cloudBackup') return undefined;
  const { driver, accessModes } = facts;
  const files = filesOf(decision, claim, facts, inventory);
  return { kind: 'files', region, driver, accessModes, files, ...storageClass };
}

function filesOf(
  decision: VolumeDecision & { readonly method: 'cloudBackup' },
  claim: FoundClaim,
  facts: VolumeFacts,
  inventory: VolumeInventory,
): CloudFiles {
  if (decision.way === 'nas') {
    return { way: 'nas', fileSystemId: decision.fileSystemId, path: facts.path ?? '/' };
  }
  return {
    way: 'container',
    cluster: inventory.cluster.id,
    node: decision.mount.node,
    podUid: decision.mount.podUid,
    folder: facts.podFolder,
    pvUid: inventory.uidOf(claim.pv),
    pv: claim.pv,
    namespace: claim.namespace,
    pvc: claim.pvc,
    storageClass: facts.storageClass ?? '',
    size: `${Math.ceil(facts.capacityBytes / 2 ** 30)}Gi`,
  };
}

function notTaken(volume: VolumeBackup): Finding {
  return {
    code: 'volume_not_backed_up',
    object: claimReference(volume),
    step: VOLUMES_STEP,
    message: `Data of volume ${volume.namespace}/${volume.pvc} is not in the backup: ${volume.reason}`,
  };
}
