/** Disks and snapshots as ECS spells them. */
import { type JsonObject, objectsAt, textAt } from '../../domain/json.ts';
import type { CloudDisk, DiskSnapshot } from '../../ports/disk-cloud.ts';

/** A disk of DescribeDisks. */
export function diskFrom(fields: JsonObject): CloudDisk {
  const [attachment] = objectsAt(fields, 'Attachments', 'Attachment');
  const instance = textOf(fields, 'InstanceId') || textOf(attachment, 'InstanceId');
  const performanceLevel = textOf(fields, 'PerformanceLevel');
  return {
    id: textOf(fields, 'DiskId'),
    status: textOf(fields, 'Status'),
    category: textOf(fields, 'Category'),
    ...(performanceLevel === '' ? {} : { performanceLevel }),
    sizeGiB: numberOf(fields, 'Size'),
    zone: textOf(fields, 'ZoneId'),
    ...(instance === '' ? {} : { instance }),
    everAttached:
      ['AttachedTime', 'DetachedTime'].some((f) => textOf(fields, f) !== '') || instance !== '',
    tags: tagsOf(fields),
  };
}

/** A snapshot of DescribeSnapshots; one that is not cut yet has no time of its own, so `nowMs` is. */
export function snapshotFrom(fields: JsonObject, nowMs: number): DiskSnapshot {
  const status = statusOf(fields);
  const createdAtMs = Date.parse(textOf(fields, 'CreationTime'));
  const retentionDays = numberOf(fields, 'RetentionDays');
  const { Available: available } = fields;
  return {
    id: textOf(fields, 'SnapshotId'),
    status,
    progress: status === 'accomplished' ? 1 : progressOf(fields),
    // Regions that do not tell it have no instant access.
    available: typeof available === 'boolean' ? available : status === 'accomplished',
    sourceDiskId: textOf(fields, 'SourceDiskId'),
    sizeGiB: numberOf(fields, 'SourceDiskSize'),
    createdAtMs: Number.isNaN(createdAtMs) ? nowMs : createdAtMs,
    ...(retentionDays > 0 ? { retentionDays } : {}),
    tags: tagsOf(fields),
  };
}

/** Whether a snapshot is encrypted. */
export function isEncrypted(fields: JsonObject | undefined): boolean {
  return fields?.Encrypted === true;
}

function statusOf(fields: JsonObject): DiskSnapshot['status'] {
  const status = textOf(fields, 'Status');
  return status === 'accomplished' || status === 'failed' ? status : 'progressing';
}

/** `37%` */
function progressOf(fields: JsonObject): number {
  const percent = Number.parseFloat(textOf(fields, 'Progress'));
  return Number.isNaN(percent) ? 0 : Math.min(1, Math.max(0, percent / 100));
}

function tagsOf(fields: JsonObject): Readonly<Record<string, string>> {
  const tags = objectsAt(fields, 'Tags', 'Tag');
  return Object.fromEntries(tags.map((tag) => [textOf(tag, 'TagKey'), textOf(tag, 'TagValue')]));
}

function textOf(fields: JsonObject | undefined, field: string): string {
  return textAt(fields, field) ?? '';
}

/** A number, or the text of one. */
function numberOf(fields: JsonObject, field: string): number {
  const value = Number(fields[field] ?? 0);
  return Number.isNaN(value) ? 0 : value;
}
