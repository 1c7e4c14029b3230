/**
 * The part `record` of a manifest: what a restore, a list, an expiry and a deletion need to know of a
 * backup beyond its files, so that the catalogue can be rebuilt from the vault alone. FORMAT.md section 5.
 */
import { z } from 'zod';
import type { BackupRecord } from '../domain/backup-record.ts';

const text = z.string();
const count = z.number().int().nonnegative();
const optionalText = text.optional();

const findingSchema = z.looseObject({ code: text, step: text, message: text });

const sourceSchema = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('disk'),
    diskId: text,
    region: text,
    zone: text,
    category: text,
    sizeGiB: z.number(),
    volumeMode: z.enum(['Filesystem', 'Block']),
  }),
  z.looseObject({
    kind: z.literal('files'),
    region: text,
    driver: text,
    accessModes: z.array(text),
    files: z.looseObject({ way: z.enum(['container', 'nas']) }),
  }),
]);

const volumeSchema = z.looseObject({
  namespace: text,
  pvc: text,
  pv: text,
  method: z.enum(['ecsSnapshot', 'cloudBackup', 'yamlOnly', 'notBackedUp']),
  reason: text,
  phase: z.enum(['Pending', 'InProgress', 'Completed', 'PartiallyFailed', 'Failed', 'Skipped']),
  resourceId: optionalText,
  sizeBytes: z.number().optional(),
  takenAt: optionalText,
  progress: z.number(),
  source: sourceSchema.optional(),
});

/** What is read; fields of later versions are kept as they are. */
export const backupFactsSchema = z.object({
  runId: text,
  vaultIdentity: text,
  plan: optionalText,
  planId: optionalText,
  spec: z.looseObject({
    name: text,
    vault: text,
    namespaces: z.array(text),
    volumeBackup: z.boolean(),
    clusterScope: z.enum(['related', 'all', 'none']),
    retentionDays: z.number().int().positive(),
  }),
  creator: text,
  phase: z.enum(['Completed', 'PartiallyFailed']),
  progress: z.object({
    objectsTotal: count,
    objectsDone: count,
    bytesDone: count,
    volumesTotal: count,
    volumesDone: count,
  }),
  errors: z.array(findingSchema),
  warnings: z.array(findingSchema),
  findingsDropped: count,
  volumes: z.array(volumeSchema),
  billing: z.object({ ossBytes: count, snapshotGiB: z.number(), cloudBackupBytes: z.number() }),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime(),
  clusterRegion: optionalText,
  network: optionalText,
});

/** What a manifest says of the record. */
export interface BackupFacts
  extends Pick<
    BackupRecord,
    | 'runId'
    | 'vaultIdentity'
    | 'plan'
    | 'planId'
    | 'spec'
    | 'creator'
    | 'progress'
    | 'errors'
    | 'warnings'
    | 'findingsDropped'
    | 'volumes'
    | 'billing'
  > {
  readonly phase: 'Completed' | 'PartiallyFailed';
  readonly createdAt: string;
  readonly expiresAt: string;
  /** Where the cluster is, so that it can be registered again. */
  readonly clusterRegion?: string;
  /** Name of the network by which the cluster is reached. */
  readonly network?: string;
}

/** Read facts as the domain knows them: written by us from a record, and looked at above. */
export function factsOf(read: z.infer<typeof backupFactsSchema>): BackupFacts {
  return JSON.parse(JSON.stringify(read)) as BackupFacts;
}
