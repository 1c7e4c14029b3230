/** `manifest.json`: what a backup consists of, so that every byte of it can be checked. */
import { z } from 'zod';
import { BackupCentreError } from '../domain/errors.ts';
import { type BackupFacts, backupFactsSchema, factsOf } from './backup-facts.ts';

/** Version of our part of the format: catalogue and manifest. */
export const BUNDLE_FORMAT_VERSION = 1;

const count = z.number().int().nonnegative();

const fileSchema = z.object({
  /** Relative to the backup's folder. */
  name: z.string(),
  sizeBytes: count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  versionId: z.string().optional(),
});

const kindSchema = z.object({
  apiVersion: z.string(),
  resource: z.string(),
  kind: z.string(),
  objects: count,
  /** One per list: of the whole cluster, or of each namespace named. */
  reads: z.array(
    z.object({
      namespace: z.string().optional(),
      resourceVersion: z.string(),
      /** Set where the list could not be finished at its first version: the last one read. */
      inconsistentWith: z.string().optional(),
    }),
  ),
});

const chunkSchema = z.object({
  offset: count,
  length: count,
  lines: count,
  first: z.object({
    resource: z.string(),
    namespace: z.string().optional(),
    name: z.string(),
  }),
});

const manifestSchema = z.object({
  formatVersion: z.literal(BUNDLE_FORMAT_VERSION),
  backup: z.string(),
  backupId: z.string(),
  cluster: z.string(),
  kubernetesVersion: z.string(),
  startedAt: z.string(),
  completedAt: z.string(),
  scope: z.object({
    namespaces: z.array(z.string()),
    namespaceSelection: z.enum(['include', 'exclude']).default('include'),
    namespacesResolved: z.array(z.string()),
    clusterScope: z.enum(['related', 'all', 'none']),
    volumeBackup: z.boolean(),
    labelSelector: z.record(z.string(), z.unknown()).optional(),
    resources: z.array(z.string()).optional(),
    excludedResources: z.array(z.string()).optional(),
  }),
  counts: z.object({
    objects: count,
    /** Of the objects' JSON. */
    bytes: count,
    /** Objects met and left out, by reason. */
    leftOut: z.record(z.string(), count),
  }),
  kinds: z.array(kindSchema),
  coverageGaps: z.array(
    z.object({
      group: z.string(),
      resource: z.string().optional(),
      namespace: z.string().optional(),
      reason: z.string(),
    }),
  ),
  files: z.array(fileSchema),
  /** Members of `catalog.ndjson.gz`. */
  catalog: z.array(chunkSchema),
  /** What else the record said; absent in backups from before it was kept. */
  record: backupFactsSchema.optional(),
});

/** The document as stored. */
export type Manifest = Omit<z.infer<typeof manifestSchema>, 'record'> & {
  readonly record?: BackupFacts;
};
/** A file of a backup. */
export type ManifestFile = z.infer<typeof fileSchema>;
/** A member of the catalogue. */
export type CatalogChunk = z.infer<typeof chunkSchema>;

/** The document's bytes. */
export function formatManifest(manifest: Manifest): Uint8Array {
  return Buffer.from(JSON.stringify(manifest));
}

/** Reads a manifest. @throws BackupCentreError `bundle_invalid` */
export function parseManifest(bytes: Uint8Array, key: string): Manifest {
  const fail = (found: string) =>
    new BackupCentreError('bundle_invalid', `Cannot read ${key}: found ${found}`);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    throw fail('no JSON');
  }
  const parsed = manifestSchema.safeParse(value);
  if (parsed.success) {
    const { record, ...rest } = parsed.data;
    return record === undefined ? rest : { ...rest, record: factsOf(record) };
  }
  const [issue] = parsed.error.issues;
  throw fail(issue === undefined ? 'no manifest' : `${issue.path.join('.')}: ${issue.message}`);
}

/** The file of that name. @throws BackupCentreError `bundle_invalid` */
export function manifestFile(manifest: Manifest, name: string): ManifestFile {
  const file = manifest.files.find((f) => f.name === name);
  if (file !== undefined) return file;
  throw new BackupCentreError(
    'bundle_invalid',
    `Cannot find ${name} in the manifest of backup ${manifest.backup}`,
  );
}
