import type { Creation } from '../client-tokens.ts';
import { DISK_CATEGORIES, shapeRefusal } from '../disk-categories.ts';
import type { EcsCall } from '../ecs-call.ts';
import { newId } from '../ecs-store.ts';
import { refuse } from '../errors.ts';
import {
  isDescription,
  isResourceName,
  optional,
  optionalBoolean,
  optionalInteger,
} from '../parameters.ts';
import type { DiskRecord, SnapshotRecord } from '../records.ts';
import { isAvailable } from '../snapshot-state.ts';
import { readNewTags } from '../tags.ts';

/** Makes an empty disk, or one with the bytes of a snapshot. */
export async function createDisk(call: EcsCall): Promise<Creation> {
  const disk = readDisk(call);
  const { store } = call;
  const source = disk.sourceSnapshotId;
  await store.diskBytes.create(
    disk.diskId,
    source === '' ? undefined : store.snapshotBytes.path(source),
  );
  return {
    reply: { DiskId: disk.diskId },
    write: () => store.disks.putSync(disk.diskId, disk),
  };
}

function readDisk(call: EcsCall): DiskRecord {
  const { parameters, nowMs, world } = call;
  const regionId = call.region().regionId;
  if (optional(parameters, 'InstanceId') !== undefined) {
    throw refuse.denied(
      'InvalidInstanceChargeType.ValueNotSupported',
      'The InstanceChargeType does not support this action.',
    );
  }
  const snapshot = readSource(call);
  const shape = { ...readCategory(call), sizeGib: readSize(call, snapshot) };
  const zoneId = readZone(call, shape.category);
  const refusal = shapeRefusal(shape);
  if (refusal !== undefined) throw refusal;
  const name = optional(parameters, 'DiskName') ?? '';
  if (name !== '' && !isResourceName(name)) {
    throw refuse.badRequest(
      'InvalidDiskName.Malformed',
      'The specified disk name is wrongly formed.',
    );
  }
  const tags = readNewTags(parameters);
  if (call.disksOf(regionId).length >= world.quotas.disks) {
    throw refuse.denied('QuotaExceed.PostPaidDisk', 'Living postPaid disks quota exceeded.');
  }
  const diskId = newId('d');
  return {
    diskId,
    accountId: call.accountId,
    regionId,
    zoneId,
    seq: call.store.nextSeq(),
    name,
    description: readDescription(call),
    ...shape,
    ...readEncryption(call, snapshot),
    multiAttach: readMultiAttach(call, shape.category),
    sourceSnapshotId: snapshot?.snapshotId ?? '',
    resourceGroupId: optional(parameters, 'ResourceGroupId') ?? '',
    createdAtMs: nowMs,
    readyAtMs: nowMs + world.durations.diskMs({ ...shape, diskId }),
    attachments: [],
    tags,
  };
}

function readSource(call: EcsCall): SnapshotRecord | undefined {
  const snapshotId = optional(call.parameters, 'SnapshotId');
  if (snapshotId === undefined) return undefined;
  const snapshot = call.snapshot(snapshotId);
  if (snapshot === undefined) throw refuse.snapshotNotFound();
  if (!isAvailable(snapshot, call.nowMs)) throw refuse.snapshotNotReady();
  return snapshot;
}

function readCategory(call: EcsCall): { category: string; performanceLevel?: string } {
  const category = optional(call.parameters, 'DiskCategory') ?? 'cloud';
  if (!DISK_CATEGORIES.includes(category)) {
    throw refuse.badRequest(
      'InvalidDiskCategory.ValueNotSupported',
      'The specified parameter "DiskCategory" is not valid.',
    );
  }
  if (category !== 'cloud_essd') return { category };
  return { category, performanceLevel: optional(call.parameters, 'PerformanceLevel') ?? 'PL1' };
}

function readSize(call: EcsCall, snapshot: SnapshotRecord | undefined): number {
  const asked = optionalInteger(call.parameters, 'Size');
  const sizeGib = asked ?? snapshot?.sourceDiskSizeGib;
  if (sizeGib === undefined) {
    throw refuse.badRequest(
      'MissingParameter',
      'The input parameter either "SnapshotId" or "Size" should be specified.',
    );
  }
  if (sizeGib < 1) {
    throw refuse.badRequest(
      'InvalidSize.ValueNotSupported',
      'The specified parameter Size is not valid.',
    );
  }
  if (snapshot !== undefined && sizeGib < snapshot.sourceDiskSizeGib) {
    throw refuse.denied(
      'InvalidDiskSize.TooSmall',
      'Specified disk size is less than the size of snapshot.',
    );
  }
  return sizeGib;
}

function readZone(call: EcsCall, category: string): string {
  const zoneId = optional(call.parameters, 'ZoneId');
  if (category === 'cloud_regional_disk_auto') {
    if (zoneId === undefined) return '';
    throw refuse.badRequest(
      'InvalidZoneId.DiskCategoryUnsupported',
      'The specified disk category does not support setting the ZoneId.',
    );
  }
  if (zoneId === undefined) {
    throw refuse.badRequest(
      'MissingParameter',
      'The input parameter ZoneId that is mandatory for processing this request is not supplied.',
    );
  }
  const zone = call.zone(call.region(), zoneId);
  if (zone.diskCategories !== undefined && !zone.diskCategories.includes(category)) {
    throw refuse.badRequest(
      'InvalidDataDiskCategory.NotSupported',
      'Specified disk category is not supported.',
    );
  }
  return zoneId;
}

function readDescription(call: EcsCall): string {
  const description = optional(call.parameters, 'Description') ?? '';
  if (description === '' || isDescription(description)) return description;
  throw refuse.badRequest(
    'InvalidDescription.Malformed',
    'The specified description is wrongly formed.',
  );
}

function readEncryption(
  call: EcsCall,
  snapshot: SnapshotRecord | undefined,
): { encrypted: boolean; kmsKeyId: string } {
  const asked = optionalBoolean(call.parameters, 'Encrypted');
  const kmsKeyId = optional(call.parameters, 'KMSKeyId') ?? '';
  if (kmsKeyId !== '' && asked !== true) {
    throw refuse.badRequest(
      'InvalidParameter.EncryptedIllegal',
      'The specified parameter Encrypted must be true when kmsKeyId is not empty.',
    );
  }
  if (snapshot?.encrypted === true && asked === false) {
    throw refuse.denied(
      'InvalidEncrypted.NotMatchSnapshot',
      'The specified parameter Encrypted must be set to true when creating disks with ' +
        'encrypted snapshots.',
    );
  }
  const encrypted = asked ?? snapshot?.encrypted ?? false;
  return { encrypted, kmsKeyId: kmsKeyId === '' ? (snapshot?.kmsKeyId ?? '') : kmsKeyId };
}

function readMultiAttach(call: EcsCall, category: string): boolean {
  const value = optional(call.parameters, 'MultiAttach') ?? 'Disabled';
  if (value !== 'Enabled' && value !== 'Disabled') {
    throw refuse.denied(
      'InvalidParameter.MultiAttach',
      'The specified param MultiAttach is not valid.',
    );
  }
  if (value === 'Enabled' && !category.startsWith('cloud_essd') && category !== 'cloud_auto') {
    throw refuse.denied(
      'InvalidParameter.DiskCategoryAndMultiAttachNotMatch',
      'The specified disk category does not support multi attach enabled.',
    );
  }
  return value === 'Enabled';
}
