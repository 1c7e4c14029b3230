/** What a finished capture says in its manifest and its marker. */
import { type BackupRecord, DAY_MS } from '../../../domain/backup-record.ts';
import type { BackupFacts } from '../../../format/backup-facts.ts';
import {
  BUNDLE_FORMAT_VERSION,
  type Manifest,
  type ManifestFile,
} from '../../../format/manifest.ts';
import type { VeleroBackupFacts } from '../../../format/velero-backup.ts';
import type { CaptureState, KindRead } from './capture-state.ts';
import type { Resolved } from './resolve.ts';

/** End of the year 9999: what RFC 3339 can say. */
const TIME_MS_MAX = 253_402_300_799_000;

/** How a backup ended, and when. */
export interface Outcome {
  readonly phase: 'Completed' | 'PartiallyFailed';
  readonly completedAtMs: number;
  readonly expiresAtMs: number;
}

/** Completed: no errors and no gaps. */
export function outcomeOf(
  record: BackupRecord,
  state: CaptureState,
  completedAtMs: number,
): Outcome {
  const whole =
    record.errors.length === 0 && state.errors.length === 0 && record.coverageGaps.length === 0;
  const expiresAtMs = record.expiresAtMs ?? record.createdAtMs + record.spec.retentionDays * DAY_MS;
  return { phase: whole ? 'Completed' : 'PartiallyFailed', completedAtMs, expiresAtMs };
}

/** The manifest of a backup. */
export function buildManifest(parts: {
  readonly record: BackupRecord;
  readonly resolved: Resolved;
  readonly state: CaptureState;
  readonly outcome: Outcome;
  readonly files: readonly ManifestFile[];
  readonly catalog: Manifest['catalog'];
  readonly cluster: ClusterPlace;
}): Manifest {
  const { record, resolved, state, outcome } = parts;
  const { spec } = record;
  return {
    formatVersion: BUNDLE_FORMAT_VERSION,
    backup: spec.name,
    backupId: record.id,
    cluster: record.cluster,
    kubernetesVersion: resolved.kubernetesVersion,
    startedAt: iso(record.startedAtMs ?? record.createdAtMs),
    completedAt: iso(outcome.completedAtMs),
    scope: {
      namespaces: [...spec.namespaces],
      namespaceSelection: spec.namespaceSelection ?? 'include',
      namespacesResolved: [...record.namespacesResolved],
      clusterScope: spec.clusterScope,
      volumeBackup: spec.volumeBackup,
      ...(spec.labelSelector === undefined ? {} : { labelSelector: { ...spec.labelSelector } }),
      ...(spec.resources === undefined ? {} : { resources: [...spec.resources] }),
      ...(spec.excludedResources === undefined
        ? {}
        : { excludedResources: [...spec.excludedResources] }),
    },
    counts: {
      objects: state.objects,
      bytes: state.bytes,
      leftOut: Object.fromEntries(state.leftOut),
    },
    kinds: [...state.kinds.values()].filter((k) => k.objects > 0 || k.reads.size > 0).map(kindRow),
    coverageGaps: record.coverageGaps.map((gap) => ({ ...gap })),
    files: [...parts.files],
    catalog: [...parts.catalog],
    record: factsOfRecord(parts),
  };
}

/** How the backup's cluster was reached. */
export interface ClusterPlace {
  readonly clusterRegion?: string;
  readonly network: string;
}

/** The record as its end leaves it, as far as a rebuild needs it; the same in every attempt. */
function factsOfRecord(parts: {
  readonly record: BackupRecord;
  readonly outcome: Outcome;
  readonly files: readonly ManifestFile[];
  readonly cluster: ClusterPlace;
}): BackupFacts {
  const { record, outcome, cluster } = parts;
  const { runId, vaultIdentity, plan, planId, spec, creator } = record;
  const { progress, errors, warnings, findingsDropped, volumes, billing } = record;
  return {
    runId,
    vaultIdentity,
    ...(plan === undefined ? {} : { plan }),
    ...(planId === undefined ? {} : { planId }),
    spec,
    creator,
    phase: outcome.phase,
    progress: { ...progress, objectsTotal: progress.objectsDone },
    errors,
    warnings,
    findingsDropped,
    volumes,
    billing: { ...billing, ossBytes: bytesOf(parts.files) },
    createdAt: iso(record.createdAtMs),
    expiresAt: iso(Math.min(outcome.expiresAtMs, TIME_MS_MAX)),
    ...cluster,
  };
}

/** Bytes of all files of a backup but the manifest and the marker. */
export function bytesOf(files: readonly ManifestFile[]): number {
  return files.reduce((sum, file) => sum + file.sizeBytes, 0);
}

/** What the marker says of a backup. */
export function markerFacts(
  record: BackupRecord,
  manifest: Manifest,
  outcome: Outcome,
  manifestSha256: string,
): VeleroBackupFacts {
  const { spec } = record;
  return {
    name: spec.name,
    cluster: record.cluster,
    kubernetesVersion: manifest.kubernetesVersion,
    manifestSha256,
    phase: outcome.phase,
    namespaces: spec.namespaces,
    namespaceSelection: spec.namespaceSelection ?? 'include',
    ...(spec.labelSelector === undefined ? {} : { labelSelector: spec.labelSelector }),
    ...(spec.resources === undefined ? {} : { resources: spec.resources }),
    ...(spec.excludedResources === undefined ? {} : { excludedResources: spec.excludedResources }),
    clusterScope: spec.clusterScope,
    retentionDays: spec.retentionDays,
    objects: manifest.counts.objects,
    errors: record.errors.length + record.coverageGaps.length,
    warnings: record.warnings.length,
    createdAtMs: record.createdAtMs,
    startedAtMs: record.startedAtMs ?? record.createdAtMs,
    completedAtMs: outcome.completedAtMs,
    expiresAtMs: outcome.expiresAtMs,
  };
}

function kindRow({ apiVersion, resource, kind, objects, reads }: KindRead): Manifest['kinds'][0] {
  return {
    apiVersion,
    resource,
    kind,
    objects,
    reads: [...reads].map(([namespace, { first, last }]) => ({
      ...(namespace === '' ? {} : { namespace }),
      resourceVersion: first,
      ...(first === last ? {} : { inconsistentWith: last }),
    })),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
