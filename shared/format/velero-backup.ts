/**
 * `velero-backup.json`: the Backup object by which Velero >= 1.14 finds, lists and restores a backup of
 * ours. Written last; its presence is the commit.
 * @see https://velero.io/docs/v1.14/api-types/backup/ (read 2026-09)
 */
import type { LabelSelector } from '../domain/label-selector.ts';

/** Annotation that binds the marker to the manifest: hex SHA-256 of `manifest.json`. */
export const MANIFEST_SHA256_ANNOTATION = 'backup-centre.io/manifest-sha256';

/** Annotation that names the cluster. */
export const CLUSTER_ANNOTATION = 'backup-centre.io/cluster';

/** What the marker says of a backup. */
export interface VeleroBackupFacts {
  readonly name: string;
  readonly cluster: string;
  /** `v1.34.1` */
  readonly kubernetesVersion: string;
  readonly manifestSha256: string;
  readonly phase: 'Completed' | 'PartiallyFailed';
  readonly namespaces: readonly string[];
  readonly namespaceSelection: 'include' | 'exclude';
  readonly labelSelector?: LabelSelector;
  readonly resources?: readonly string[];
  readonly excludedResources?: readonly string[];
  readonly clusterScope: 'related' | 'all' | 'none';
  readonly retentionDays: number;
  readonly objects: number;
  readonly errors: number;
  readonly warnings: number;
  readonly createdAtMs: number;
  readonly startedAtMs: number;
  readonly completedAtMs: number;
  readonly expiresAtMs: number;
}

/** The marker's bytes. */
export function formatVeleroBackup(facts: VeleroBackupFacts): Uint8Array {
  const [, major = '', minor = ''] = /^v?(\d+)\.(\d+)/.exec(facts.kubernetesVersion) ?? [];
  const clusterResources =
    facts.clusterScope === 'related'
      ? {}
      : { includeClusterResources: facts.clusterScope === 'all' };
  const document = {
    kind: 'Backup',
    apiVersion: 'velero.io/v1',
    metadata: {
      name: facts.name,
      namespace: 'velero',
      creationTimestamp: seconds(facts.createdAtMs),
      labels: { 'velero.io/storage-location': 'default' },
      annotations: {
        [MANIFEST_SHA256_ANNOTATION]: facts.manifestSha256,
        [CLUSTER_ANNOTATION]: facts.cluster,
        'velero.io/source-cluster-k8s-gitversion': facts.kubernetesVersion,
        'velero.io/source-cluster-k8s-major-version': major,
        'velero.io/source-cluster-k8s-minor-version': minor,
      },
    },
    spec: {
      ...(facts.namespaceSelection === 'exclude'
        ? { includedNamespaces: ['*'], excludedNamespaces: facts.namespaces }
        : { includedNamespaces: facts.namespaces }),
      ...(facts.resources === undefined ? {} : { includedResources: facts.resources }),
      ...(facts.excludedResources === undefined
        ? {}
        : { excludedResources: facts.excludedResources }),
      ...(facts.labelSelector === undefined ? {} : { labelSelector: facts.labelSelector }),
      ...clusterResources,
      // Volumes are ours to restore: Velero must neither snapshot nor attach them.
      snapshotVolumes: false,
      defaultVolumesToFsBackup: false,
      storageLocation: 'default',
      ttl: `${facts.retentionDays * 24}h0m0s`,
      hooks: {},
      metadata: {},
    },
    status: {
      version: 1,
      formatVersion: '1.1.0',
      phase: facts.phase,
      startTimestamp: seconds(facts.startedAtMs),
      completionTimestamp: seconds(facts.completedAtMs),
      expiration: seconds(facts.expiresAtMs),
      progress: { totalItems: facts.objects, itemsBackedUp: facts.objects },
      errors: facts.errors,
      warnings: facts.warnings,
      hookStatus: {},
    },
  };
  return Buffer.from(JSON.stringify(document));
}

/** RFC 3339 without fractions: Go's metav1.Time refuses none, but prints so. */
function seconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
