/** Wire form of backups. */
import { z } from 'zod';
import type { BackupRecord } from '../domain/backup-record.ts';
import { gapRemedy } from '../domain/remedy.ts';
import { isExpired, notRestorable } from '../domain/restorable.ts';
import type { RestoreRecord } from '../domain/restore-record.ts';
import {
  findingSchema,
  labelSelectorSchema,
  nameSchema,
  namespaceSchema,
  phaseSchema,
  resourceListSchema,
  timeSchema,
  timeText,
} from './common-schemas.ts';

/** Names of namespaces, or "*" alone for all. */
export const namespacesSchema = z
  .array(z.union([z.literal('*'), namespaceSchema]))
  .min(1)
  .max(10_000)
  .refine((list) => !list.includes('*') || list.length === 1, '"*" must stand alone')
  .transform((list) => [...new Set(list)]);

/** Body of POST .../backups. */
export const backupRequestSchema = z
  .strictObject({
    name: nameSchema,
    vault: nameSchema,
    namespaces: namespacesSchema,
    volumeBackup: z.boolean(),
    labelSelector: labelSelectorSchema.optional(),
    resources: resourceListSchema.optional(),
    excludedResources: resourceListSchema.optional(),
    clusterScope: z.enum(['related', 'all', 'none']).default('related'),
    retentionDays: z.int().min(1).max(65_536).default(30),
  })
  .meta({ id: 'BackupRequest' });

/** Body of POST .../clone: a new name, and whatever is to differ from the source. */
export const cloneRequestSchema = z
  .strictObject({
    ...backupRequestSchema.partial().shape,
    name: nameSchema,
    clusterScope: backupRequestSchema.shape.clusterScope.unwrap().optional(),
    retentionDays: backupRequestSchema.shape.retentionDays.unwrap().optional(),
  })
  .meta({ id: 'CloneRequest' });

/** A validated request for a clone. */
export type CloneRequest = z.output<typeof cloneRequestSchema>;

/** A validated request; resource names are still the caller's words. */
export type BackupRequest = z.output<typeof backupRequestSchema>;

const progressSchema = z.object({
  objectsTotal: z.int(),
  objectsDone: z.int(),
  bytesDone: z.int(),
  volumesTotal: z.int(),
  volumesDone: z.int(),
});

/** Fields that backups and restores share. */
export const recordBaseSchema = z.object({
  id: z.string(),
  name: z.string(),
  cluster: z.string(),
  vault: z.string(),
  spec: z.record(z.string(), z.unknown()),
  namespacesResolved: z.array(z.string()),
  phase: phaseSchema,
  message: z.string().optional(),
  progress: progressSchema,
  errors: z.array(findingSchema),
  warnings: z.array(findingSchema),
  findingsDropped: z.int(),
  volumes: z.array(z.record(z.string(), z.unknown())),
  createdAt: timeSchema,
  startedAt: timeSchema.optional(),
  completedAt: timeSchema.optional(),
});

/** A backup. */
export const backupSchema = recordBaseSchema
  .extend({
    plan: z.string().optional(),
    coverageGaps: z.array(
      z.object({
        group: z.string(),
        resource: z.string().optional(),
        namespace: z.string().optional(),
        reason: z.string(),
        hint: z.string(),
      }),
    ),
    billing: z.object({
      ossBytes: z.int(),
      snapshotGiB: z.number(),
      cloudBackupBytes: z.int(),
    }),
    verification: z.record(z.string(), z.unknown()).optional(),
    expiresAt: timeSchema.optional(),
    expired: z.boolean(),
    /** While Deleting: until when a retention policy keeps the files. */
    retainedUntil: timeSchema.optional(),
    restorable: z.boolean(),
    /** Code that a restore would be refused with; absent when restorable. */
    reason: z.string().optional(),
  })
  .meta({ id: 'Backup' });

/** One object in the list of a backup's resources. */
export const resourceSchema = z
  .object({
    n: z.int(),
    apiVersion: z.string(),
    resource: z.string(),
    kind: z.string(),
    namespace: z.string().optional(),
    name: z.string(),
  })
  .meta({ id: 'Resource' });

type Base = z.input<typeof recordBaseSchema>;

/** The fields that backups and restores share, as replied. */
export function recordBaseView(record: BackupRecord | RestoreRecord): Base {
  return {
    id: record.id,
    name: record.spec.name,
    cluster: record.cluster,
    vault: record.spec.vault,
    spec: { ...record.spec },
    namespacesResolved: [...record.namespacesResolved],
    phase: record.phase,
    ...(record.message === undefined ? {} : { message: record.message }),
    progress: record.progress,
    errors: [...record.errors],
    warnings: [...record.warnings],
    findingsDropped: record.findingsDropped,
    volumes: record.volumes.map((v) => ({ ...v })),
    createdAt: timeText(record.createdAtMs),
    ...(record.startedAtMs === undefined ? {} : { startedAt: timeText(record.startedAtMs) }),
    ...(record.completedAtMs === undefined ? {} : { completedAt: timeText(record.completedAtMs) }),
  };
}

/** A backup as replied. */
export function backupView(record: BackupRecord, nowMs: number): z.input<typeof backupSchema> {
  const reason = notRestorable(record, nowMs);
  return {
    ...recordBaseView(record),
    ...(record.plan === undefined ? {} : { plan: record.plan }),
    coverageGaps: record.coverageGaps.map((gap) => ({ ...gap, hint: gapRemedy(gap) })),
    billing: record.billing,
    ...(record.verification === undefined ? {} : { verification: { ...record.verification } }),
    ...(record.expiresAtMs === undefined ? {} : { expiresAt: timeText(record.expiresAtMs) }),
    expired: isExpired(record, nowMs),
    ...(record.retainedUntilMs === undefined
      ? {}
      : { retainedUntil: timeText(record.retainedUntilMs) }),
    restorable: reason === undefined,
    ...(reason === undefined ? {} : { reason }),
  };
}
