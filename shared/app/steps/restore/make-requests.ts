/** What a restore asks ECS for: the same request in each attempt, so that it happens once. */
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import { madeName } from '../../../domain/volumes/restored-claim.ts';
import { clientToken, snapshotName } from '../../../domain/volumes/snapshot-tags.ts';
import type { CopyRequest, DiskRequest } from '../../../ports/disk-cloud.ts';
import { copyTags, diskTags } from './restore-tags.ts';
import type { VolumePlan, VolumeWay } from './volume-plan.ts';

/**
 * Days after which ECS removes a copy that nobody removed: longer than claims are waited for. Were the
 * centre lost meanwhile, copies would not be billed for ever.
 */
const COPY_RETENTION_DAYS = 14;

/** A volume whose disk is made first. */
export type DiskPlan = VolumePlan & { readonly way: VolumeWay & { readonly kind: 'disk' } };

/** Whether the volume's disk is made first. */
export function isDiskPlan(plan: VolumePlan): plan is DiskPlan {
  return plan.way.kind === 'disk';
}

/** Name of what is made for a claim. */
export function nameOfPlan({ runId }: RestoreRecord, { place, pvc }: VolumePlan): string {
  return madeName({ runId, namespace: place, pvc });
}

/** The copy of a snapshot in the target's region. */
export function copyRequest(
  record: RestoreRecord,
  { source, snapshotId }: VolumePlan,
  targetRegion: string,
): CopyRequest {
  return {
    region: source.region,
    snapshotId,
    targetRegion,
    name: snapshotName(record.spec.name, snapshotId),
    description: `Copy for restore ${record.spec.name} into cluster ${record.cluster}`,
    retentionDays: COPY_RETENTION_DAYS,
    tags: copyTags(record, snapshotId),
    clientToken: clientToken({ runId: record.runId, subject: `copy ${snapshotId}`, attempt: 1 }),
  };
}

/** The disk of a claim. */
export function diskRequest(
  record: RestoreRecord,
  plan: DiskPlan,
  { snapshotId, region }: { readonly snapshotId: string; readonly region: string },
): DiskRequest {
  const { source, way, place, pvc } = plan;
  const { category, performanceLevel } = source;
  const name = nameOfPlan(record, plan);
  return {
    region,
    zone: way.zone,
    snapshotId,
    name,
    category,
    ...(performanceLevel === undefined ? {} : { performanceLevel }),
    sizeGiB: way.sizeGiB,
    tags: diskTags(record, { namespace: place, pvc }),
    clientToken: clientToken({ runId: record.runId, subject: `disk ${name}`, attempt: 1 }),
  };
}
