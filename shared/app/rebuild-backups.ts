/**
 * Third part of a rebuild: backups, each from the folder that holds it. The commit marker decides whether
 * a folder is a backup; what is none, or cannot be trusted, is listed as Failed and says why, so that it
 * can be deleted. Rows that are there are left alone, and folders of runs that live are not touched.
 */
import { createHash } from 'node:crypto';
import { type BackupRecord, DAY_MS, NO_PROGRESS } from '../domain/backup-record.ts';
import { BackupCentreError, NotFoundError } from '../domain/errors.ts';
import type { Finding } from '../domain/finding.ts';
import { recordId } from '../domain/ids.ts';
import { textAt } from '../domain/json.ts';
import type { Run } from '../domain/run.ts';
import { type Vault, vaultLocation } from '../domain/vault.ts';
import { type Manifest, parseManifest } from '../format/manifest.ts';
import { type BackupKeys, backupKeys, backupsPrefix } from '../format/vault-keys.ts';
import { CLUSTER_ANNOTATION, MANIFEST_SHA256_ANNOTATION } from '../format/velero-backup.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { AppServices } from './app-services.ts';
import { insertExpiry } from './expiry-rows.ts';
import { type ClustersAgain, claimAgain, putAbsent } from './rebuild-rows.ts';

/** Folders of one invocation, and of them at once. */
const FOLDERS_MAX = 100;
const FOLDERS_AT_ONCE = 8;
/** Stands for the cluster of a backup that ended before it said whose it is. */
const UNKNOWN_CLUSTER = 'unknown';

/** Ids of runs that never were begin so. */
const REBUILT = 'rebuilt-';

/** What an invocation did with backups. */
export interface RebuiltBackups {
  readonly restored: number;
  /** Listed as Failed: `<name>: <why>`. */
  readonly failed: readonly string[];
  readonly present: number;
  /** Names of backups that a living run is writing. */
  readonly active: readonly string[];
  readonly abortedUploads: number;
  readonly next?: string;
}

type Outcome =
  | { readonly kind: 'restored' | 'present' }
  | { readonly kind: 'active'; readonly name: string }
  | { readonly kind: 'failed'; readonly text: string; readonly aborted: number };

/** Restores the backups of one page of folders. */
export async function rebuildBackups(
  services: AppServices,
  vault: Vault,
  clusters: ClustersAgain,
  after: string | undefined,
): Promise<RebuiltBackups> {
  const { bucketRegion, bucketName, bucketSubdirectory } = vault.spec;
  const store = services.stores.open({ region: bucketRegion, name: bucketName });
  const prefix = backupsPrefix(bucketSubdirectory);
  const page = await store.list(prefix, {
    delimiter: '/',
    limit: FOLDERS_MAX,
    ...(after === undefined ? {} : { next: after }),
  });
  const folders = page.prefixes.map((folder) => folder.slice(prefix.length, -1));
  // A capture that was cut off has nothing but an upload, which no list of objects shows.
  const begun = after === undefined ? await uploadedTo(store, prefix) : [];
  const names = new Set([...folders, ...begun]).values();
  const outcomes: Outcome[] = [];
  const work = async (): Promise<void> => {
    for (const name of names) {
      outcomes.push(await rebuildBackup({ services, vault, clusters, store }, name));
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: FOLDERS_AT_ONCE }, work));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  const failed = outcomes.flatMap((o) => (o.kind === 'failed' ? [o] : []));
  return {
    restored: outcomes.filter((o) => o.kind === 'restored').length,
    failed: failed.map((o) => o.text).sort(),
    present: outcomes.filter((o) => o.kind === 'present').length,
    active: outcomes.flatMap((o) => (o.kind === 'active' ? [o.name] : [])).sort(),
    abortedUploads: failed.reduce((sum, o) => sum + o.aborted, 0),
    ...(page.next === undefined ? {} : { next: page.next }),
  };
}

/** Names of backups that have unfinished uploads. */
async function uploadedTo(store: ObjectStore, prefix: string): Promise<readonly string[]> {
  const uploads = await store.listUploads(prefix);
  return uploads.flatMap(({ key }) => {
    const end = key.indexOf('/', prefix.length);
    return end < 0 ? [] : [key.slice(prefix.length, end)];
  });
}

interface Given {
  readonly services: AppServices;
  readonly vault: Vault;
  readonly clusters: ClustersAgain;
  readonly store: ObjectStore;
}

async function rebuildBackup(given: Given, name: string): Promise<Outcome> {
  const { services, vault, clusters, store } = given;
  const { records } = services;
  const location = vaultLocation(vault.spec);
  const keys = backupKeys(vault.spec.bucketSubdirectory, name);
  const claimed = (await records.get('names', [location, name]))?.value;
  if (claimed !== undefined) {
    const row = await records.get('backups', [claimed.cluster, claimed.recordId]);
    if (row !== undefined) {
      if (isListedByUs(row.value)) await abortUploads(store, keys);
      return { kind: 'present' };
    }
    const run = (await records.get('runs', [claimed.runId]))?.value;
    if (isLiving(run)) return { kind: 'active', name };
  }
  const found = await readFolder(given, keys, name);
  const record =
    claimed === undefined || claimed.kind !== 'backup'
      ? found.record
      : { ...found.record, id: claimed.recordId, cluster: claimed.cluster };
  const { cluster } = record;
  if (cluster !== UNKNOWN_CLUSTER && record.vaultIdentity === vault.identity) {
    const { clusterRegion: region, network } = found.manifest?.record ?? {};
    await clusters.ensure({
      id: cluster,
      ...(region === undefined ? {} : { region }),
      ...(network === undefined ? {} : { network }),
    });
  }
  const { runId, createdAtMs } = record;
  const claim = { location, name, kind: 'backup', cluster, runId } as const;
  await claimAgain(records, { ...claim, recordId: record.id, claimedAtMs: createdAtMs });
  await insertExpiry(records, record);
  await putAbsent(records, 'backups', [cluster, record.id], record);
  if (found.why === undefined) return { kind: 'restored' };
  // Last: who dies before it finds the record, and aborts what is left.
  const aborted = await abortUploads(store, keys);
  return { kind: 'failed', text: `${name}: ${found.why}`, aborted };
}

/** Whether a rebuild listed it as no backup; no run of its own exists, so its uploads are nobody's. */
function isListedByUs({ phase, runId }: BackupRecord): boolean {
  return phase === 'Failed' && runId.startsWith(REBUILT);
}

function isLiving(run: Run | undefined): boolean {
  return run !== undefined && run.state !== 'ended';
}

interface Found {
  readonly record: BackupRecord;
  readonly manifest?: Manifest;
  /** Why it is no backup. */
  readonly why?: string;
}

async function readFolder(given: Given, keys: BackupKeys, name: string): Promise<Found> {
  const { store, vault } = given;
  const marker = await getIfThere(store, keys.marker);
  const bytes = await getIfThere(store, keys.manifest);
  const fail = async (why: string, cluster = UNKNOWN_CLUSTER): Promise<Found> => {
    const [first] = (await store.list(keys.prefix, { limit: 1 })).objects;
    const writtenAtMs = first?.modifiedAtMs ?? vault.createdAtMs;
    return { record: failedRecord(vault, { name, cluster, why, writtenAtMs }), why };
  };
  if (marker === undefined) {
    const cluster = clusterIn(bytes);
    return await fail(`it was never finished: ${keys.marker} is missing`, cluster);
  }
  const { sha256, cluster } = readMarker(marker);
  if (bytes === undefined) return await fail(`${keys.manifest} is missing`, cluster);
  const hash = createHash('sha256').update(bytes).digest('hex');
  if (sha256 === undefined || hash !== sha256) {
    const expected = sha256 ?? 'none';
    return await fail(
      `${keys.manifest} is not the one of its marker (expected ${expected}, read ${hash})`,
      cluster,
    );
  }
  try {
    const manifest = parseManifest(bytes, keys.manifest);
    return { record: finishedRecord(vault, manifest), manifest };
  } catch (error) {
    if (!(error instanceof BackupCentreError) || error.code !== 'bundle_invalid') throw error;
    return await fail(error.message, cluster);
  }
}

/** The record as the manifest keeps it; of an old one, as far as the rest of the manifest says it. */
function finishedRecord(vault: Vault, manifest: Manifest): BackupRecord {
  const startedAtMs = Date.parse(manifest.startedAt);
  const common = {
    id: manifest.backupId,
    cluster: manifest.cluster,
    namespacesResolved: manifest.scope.namespacesResolved,
    coverageGaps: manifest.coverageGaps.map(gapOf),
    startedAtMs,
    completedAtMs: Date.parse(manifest.completedAt),
    fence: 0,
  };
  if (manifest.record !== undefined) {
    const { createdAt, expiresAt, clusterRegion: _r, network: _n, ...facts } = manifest.record;
    return {
      ...common,
      ...facts,
      createdAtMs: Date.parse(createdAt),
      expiresAtMs: Date.parse(expiresAt),
    };
  }
  const { volumeBackup, namespaces, clusterScope } = manifest.scope;
  const retentionDays = OLD_RETENTION_DAYS;
  return {
    ...common,
    runId: `${REBUILT}${manifest.backupId}`,
    vaultIdentity: vault.identity,
    spec: {
      name: manifest.backup,
      vault: vault.spec.name,
      ...{ namespaces, volumeBackup, clusterScope, retentionDays },
    },
    creator: vault.creator,
    phase: manifest.coverageGaps.length === 0 ? 'Completed' : 'PartiallyFailed',
    progress: { ...NO_PROGRESS, objectsTotal: manifest.counts.objects },
    errors: [],
    warnings: volumeBackup ? [volumesUnknown(manifest.backup)] : [],
    findingsDropped: 0,
    volumes: [],
    billing: {
      ossBytes: manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0),
      snapshotGiB: 0,
      cloudBackupBytes: 0,
    },
    createdAtMs: startedAtMs,
    expiresAtMs: startedAtMs + retentionDays * DAY_MS,
  };
}

/** Of a backup whose manifest does not say it: the default (design §8). */
const OLD_RETENTION_DAYS = 30;

function gapOf(gap: Manifest['coverageGaps'][number]): BackupRecord['coverageGaps'][number] {
  const { resource, namespace, ...rest } = gap;
  return {
    ...rest,
    ...(resource === undefined ? {} : { resource }),
    ...(namespace === undefined ? {} : { namespace }),
  };
}

function volumesUnknown(name: string): Finding {
  return {
    code: 'lost',
    step: 'rebuild',
    message: `Backup ${name} was made before manifests kept volumes: which snapshots it has is not known`,
    hint: 'Its objects can be restored; find its snapshots by their tags backup-centre.io/*',
  };
}

/** What is listed of a folder that is no backup; the same each time, so that again is once. */
function failedRecord(
  vault: Vault,
  found: { name: string; cluster: string; why: string; writtenAtMs: number },
): BackupRecord {
  const { name, cluster, why, writtenAtMs } = found;
  const hash = createHash('sha256')
    .update(`${vaultLocation(vault.spec)}${name}`)
    .digest('hex');
  const message = `Cannot restore backup ${name}: ${why}`;
  return {
    id: recordId('bk', writtenAtMs, hash.slice(0, 8)),
    runId: `${REBUILT}${hash.slice(0, 16)}`,
    cluster,
    vaultIdentity: vault.identity,
    spec: {
      name,
      vault: vault.spec.name,
      namespaces: ['*'],
      volumeBackup: false,
      clusterScope: 'related',
      retentionDays: OLD_RETENTION_DAYS,
    },
    creator: vault.creator,
    namespacesResolved: [],
    phase: 'Failed',
    message,
    progress: NO_PROGRESS,
    errors: [
      {
        code: 'bundle_invalid',
        step: 'rebuild',
        message,
        hint: 'Delete the backup to remove what is left of it, and make a new one',
      },
    ],
    warnings: [],
    findingsDropped: 0,
    volumes: [],
    coverageGaps: [],
    billing: { ossBytes: 0, snapshotGiB: 0, cloudBackupBytes: 0 },
    fence: 0,
    createdAtMs: writtenAtMs,
    completedAtMs: writtenAtMs,
  };
}

async function abortUploads(store: ObjectStore, keys: BackupKeys): Promise<number> {
  const uploads = await store.listUploads(keys.prefix);
  for (const { key, uploadId } of uploads) await store.abortUpload(key, uploadId);
  return uploads.length;
}

async function getIfThere(store: ObjectStore, key: string): Promise<Uint8Array | undefined> {
  try {
    return await store.get(key);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

function clusterIn(manifest: Uint8Array | undefined): string | undefined {
  return manifest === undefined ? undefined : textAt(parsed(manifest), 'cluster');
}

function readMarker(bytes: Uint8Array): {
  sha256: string | undefined;
  cluster: string | undefined;
} {
  const marker = parsed(bytes);
  const annotation = (name: string) => textAt(marker, 'metadata', 'annotations', name);
  return {
    sha256: annotation(MANIFEST_SHA256_ANNOTATION),
    cluster: annotation(CLUSTER_ANNOTATION),
  };
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
