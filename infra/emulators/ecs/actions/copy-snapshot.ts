import type { Creation } from '../client-tokens.ts';
import type { EcsCall } from '../ecs-call.ts';
import { newId } from '../ecs-store.ts';
import { refuse } from '../errors.ts';
import {
  isDescription,
  isResourceName,
  optional,
  optionalBoolean,
  required,
} from '../parameters.ts';
import type { SnapshotRecord } from '../records.ts';
import { readRetentionDays } from '../retention.ts';
import { snapshotStatus } from '../snapshot-state.ts';
import { readNewTags } from '../tags.ts';

/** Copies a finished snapshot to another region, where it is `progressing` for a while. */
export async function copySnapshot(call: EcsCall): Promise<Creation> {
  const { source, destination } = readSource(call);
  const copy = makeCopy(call, source, destination);
  const { store } = call;
  await store.snapshotBytes.create(copy.snapshotId, store.snapshotBytes.path(source.snapshotId));
  return {
    reply: { SnapshotId: copy.snapshotId },
    write: () => store.snapshots.putSync(copy.snapshotId, copy),
  };
}

function readSource(call: EcsCall): { source: SnapshotRecord; destination: string } {
  const { parameters, nowMs } = call;
  const snapshotId = required(parameters, 'SnapshotId');
  const regionId = call.region().regionId;
  const destination = required(parameters, 'DestinationRegionId');
  if (destination === regionId) {
    throw refuse.denied(
      'InvalidOperation.NotSupportCopyInSameRegion',
      'Copying snapshot in the same region is not supported. ' +
        'Please specify a different DestinationRegionId and try again.',
    );
  }
  if (!call.world.regions.some((r) => r.regionId === destination)) {
    throw refuse.denied('InvalidRegionId.NotExists', 'Region not exists.');
  }
  const source = call.snapshot(snapshotId);
  if (source === undefined) {
    throw refuse.denied('InvalidSnapshotId.NotFound', 'The specified snapshot is not exists.');
  }
  if (snapshotStatus(source, nowMs) !== 'accomplished') throw refuse.snapshotNotReady();
  const unfinished = call.store
    .allSnapshots()
    .filter((s) => s.sourceSnapshotId !== '' && s.regionId === destination)
    .find(
      (s) => s.sourceDiskId === source.sourceDiskId && snapshotStatus(s, nowMs) === 'progressing',
    );
  if (unfinished !== undefined) {
    throw refuse.denied(
      'InvalidOperation.DiskHasUnfinishedSnapshotCopy',
      `There is an unfinished snapshot copy "${unfinished.snapshotId}" of this disk in the ` +
        'target region. Please change the region or wait for the copy to complete before ' +
        'trying again.',
    );
  }
  return { source, destination };
}

function makeCopy(call: EcsCall, source: SnapshotRecord, destination: string): SnapshotRecord {
  const { nowMs, parameters, world } = call;
  const name = required(parameters, 'DestinationSnapshotName');
  const description = required(parameters, 'DestinationSnapshotDescription');
  if (!isResourceName(name) || name.startsWith('auto')) {
    throw refuse.denied(
      'InvalidSnapshotName.Malformed',
      'The specified SnapshotName is wrongly formed.',
    );
  }
  if (!isDescription(description)) {
    throw refuse.denied(
      'InvalidDescription.Malformed',
      'The specified description is wrongly formed.',
    );
  }
  const retentionDays = readRetentionDays(parameters, 403);
  const readyAtMs = nowMs + world.durations.copyMs(source);
  return {
    snapshotId: newId('s'),
    accountId: call.accountId,
    regionId: destination,
    seq: call.store.nextSeq(),
    name,
    description,
    sourceDiskId: source.sourceDiskId,
    sourceDiskSizeGib: source.sourceDiskSizeGib,
    sourceDiskCategory: source.sourceDiskCategory,
    sourceSnapshotId: source.snapshotId,
    sourceRegionId: source.regionId,
    ...readEncryption(call, source),
    resourceGroupId: optional(parameters, 'ResourceGroupId') ?? '',
    fullSizeBytes: source.fullSizeBytes,
    tags: readNewTags(parameters),
    createdAtMs: nowMs,
    modifiedAtMs: nowMs,
    availableAtMs: readyAtMs,
    readyAtMs,
    ...(retentionDays === undefined ? {} : { retentionDays }),
    ...(world.takePlannedFailure() ? { failsAtMs: readyAtMs } : {}),
  };
}

function readEncryption(
  call: EcsCall,
  source: SnapshotRecord,
): { encrypted: boolean; kmsKeyId: string } {
  const asked = optionalBoolean(call.parameters, 'Encrypted');
  const kmsKeyId = optional(call.parameters, 'KMSKeyId') ?? '';
  if (kmsKeyId !== '' && asked !== true) {
    throw refuse.denied(
      'InvalidEncrypted.NotMatchKmsKeyId',
      'The specified parameter Encrypted must be true when kmsKeyId is not null.',
    );
  }
  if (source.encrypted && asked !== true) {
    throw refuse.denied(
      'InvalidEncrypted.NotSupportDecrypt',
      'Encrypted snapshot not support copy to decrypt snapshot.',
    );
  }
  return { encrypted: asked ?? false, kmsKeyId };
}
