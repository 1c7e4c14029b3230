/**
 * Runs of kind `verify`: reads a backup back and checks every byte of it. Files are checked against the
 * SHA-256 in the manifest, members against the catalogue, each object against the hash of its normalised
 * form, and the counts against each other. Nothing is changed but `record.verification`.
 */
import { createHash } from 'node:crypto';
import type { BackupRecord } from '../domain/backup-record.ts';
import { BackupCentreError } from '../domain/errors.ts';
import { FINDINGS_KEPT_MAX, type Finding } from '../domain/finding.ts';
import { isJsonObject, type Json } from '../domain/json.ts';
import {
  type Manifest,
  type ManifestFile,
  manifestFile,
  parseManifest,
} from '../format/manifest.ts';
import { MANIFEST_SHA256_ANNOTATION } from '../format/velero-backup.ts';
import { type BackupPlace, type BackupServices, openBackup } from './backup-services.ts';
import { fileSource } from './read-backup.ts';
import type { Step, StepContext, Workflow } from './step.ts';
import { type AuditProgress, auditArchive } from './steps/verify/audit-archive.ts';

const FILES_STEP = 'verify-files';
const ARCHIVE_STEP = 'verify-archive';

/** Bytes read at once. */
const RANGE_BYTES = 8 * 1024 * 1024;

/** Runs of kind `verify`. */
export function verifyWorkflow(services: BackupServices): Workflow<BackupRecord> {
  return {
    kind: 'verify',
    table: 'backups',
    steps: [filesStep(services), archiveStep(services)],
    abandon: async (context, why) => {
      if (why === 'cancelled') return;
      const failure = { code: why.code, step: 'verify', message: why.message };
      await report(services, context, { filesChecked: 0, objectsChecked: 0, failures: [failure] });
    },
  };
}

interface Report {
  readonly filesChecked: number;
  readonly objectsChecked: number;
  readonly failures: readonly Finding[];
}

/** All files but the archive. Running it twice is safe: it only reads. */
function filesStep(services: BackupServices): Step<BackupRecord> {
  return {
    name: FILES_STEP,
    run: async (context) => {
      const place = await openBackup(services, context.record());
      const checked = await checkFiles(place);
      return { kind: 'done', result: { ...checked, failures: checked.failures.map(findingJson) } };
    },
  };
}

/** The archive, then the verdict. Running it twice is safe: it reads, and sets one field. */
function archiveStep(services: BackupServices): Step<BackupRecord> {
  return {
    name: ARCHIVE_STEP,
    run: async (context) => {
      const files = context.results[FILES_STEP];
      const before = isJsonObject(files) ? files : {};
      const failures = Array.isArray(before.failures) ? (before.failures as Finding[]) : [];
      const filesChecked = Number(before.filesChecked);
      if (before.isReadable !== true) {
        await report(services, context, { filesChecked, objectsChecked: 0, failures });
        return { kind: 'done' };
      }
      const place = await openBackup(services, context.record());
      const manifest = parseManifest(
        await place.store.get(place.keys.manifest),
        place.keys.manifest,
      );
      const progress = await auditArchive({
        place,
        manifest,
        from: context.checkpoint as AuditProgress | null,
        save: (reached) => context.save(progressJson(reached)),
        isShortOfTime: () => context.signal.aborted || context.timeLeftMs() < STOP_MS,
      });
      if (!progress.isDone) return { kind: 'again' };
      await report(services, context, {
        filesChecked: filesChecked + 1,
        objectsChecked: progress.objects,
        failures: [...failures, ...progress.failures],
      });
      return { kind: 'done' };
    },
  };
}

/** Time that is kept for the end of an invocation, ms. */
const STOP_MS = 15_000;

interface CheckedFiles {
  readonly filesChecked: number;
  readonly failures: readonly Finding[];
  /** Whether there is a manifest to check the archive by. */
  readonly isReadable: boolean;
}

async function checkFiles(place: BackupPlace): Promise<CheckedFiles> {
  const { keys } = place;
  const failures: Finding[] = [];
  const marker = await readOrFail(place, keys.marker, failures);
  const bytes = await readOrFail(place, keys.manifest, failures);
  if (marker === undefined || bytes === undefined) {
    return { filesChecked: 2, failures, isReadable: false };
  }
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const promised = manifestSha256(marker);
  if (promised !== sha256) {
    failures.push(damaged(keys.manifest, `SHA-256 ${promised ?? 'in the marker'}`, sha256));
  }
  const manifest = readManifestOrFail(bytes, keys.manifest, failures);
  if (manifest === undefined) return { filesChecked: 2, failures, isReadable: false };
  const others = manifest.files.filter((f) => `${keys.prefix}${f.name}` !== keys.archive);
  let isReadable = true;
  for (const file of others) {
    const key = `${keys.prefix}${file.name}`;
    const found = await hashFile(place, manifest, file);
    if (found === file.sha256) continue;
    failures.push(damaged(key, `SHA-256 ${file.sha256}`, found ?? 'no such file'));
    // The objects can only be judged by an intact catalogue.
    if (key === keys.catalog) isReadable = false;
  }
  const archive = manifestFile(manifest, keys.archive.slice(keys.prefix.length));
  const sizeBytes = await sizeOf(place, archive);
  if (sizeBytes !== archive.sizeBytes) {
    const found = sizeBytes === undefined ? 'no such file' : `${sizeBytes} bytes`;
    failures.push(damaged(keys.archive, `${archive.sizeBytes} bytes`, found));
    if (sizeBytes === undefined) isReadable = false;
  }
  return { filesChecked: others.length + 2, failures, isReadable };
}

async function readOrFail(
  place: BackupPlace,
  key: string,
  failures: Finding[],
): Promise<Uint8Array | undefined> {
  if ((await place.store.head(key)) !== undefined) return await place.store.get(key);
  failures.push(damaged(key, 'the file', 'none'));
  return undefined;
}

function readManifestOrFail(
  bytes: Uint8Array,
  key: string,
  failures: Finding[],
): Manifest | undefined {
  try {
    return parseManifest(bytes, key);
  } catch (error) {
    if (!(error instanceof BackupCentreError)) throw error;
    failures.push({ code: 'bundle_invalid', step: 'verify', message: error.message });
    return undefined;
  }
}

/** What the marker says that the manifest's hash is. */
function manifestSha256(marker: Uint8Array): string | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(marker).toString('utf8'));
    const metadata = isJsonObject(value) ? value.metadata : undefined;
    const annotations = isJsonObject(metadata) ? metadata.annotations : undefined;
    const sha256 = isJsonObject(annotations) ? annotations[MANIFEST_SHA256_ANNOTATION] : undefined;
    return typeof sha256 === 'string' ? sha256 : undefined;
  } catch {
    return undefined;
  }
}

/** Hex SHA-256 of a file; undefined where it is not there. */
async function hashFile(
  place: BackupPlace,
  manifest: Manifest,
  file: ManifestFile,
): Promise<string | undefined> {
  const sizeBytes = await sizeOf(place, file);
  if (sizeBytes === undefined) return undefined;
  const source = fileSource(place, manifest, `${place.keys.prefix}${file.name}`);
  const hash = createHash('sha256');
  for (let offset = 0; offset < sizeBytes; offset += RANGE_BYTES) {
    hash.update(await source.read(offset, Math.min(RANGE_BYTES, sizeBytes - offset)));
  }
  return hash.digest('hex');
}

/** Size of a file as it is; a version that is read by its id cannot have grown. */
async function sizeOf(place: BackupPlace, file: ManifestFile): Promise<number | undefined> {
  const info = await place.store.head(`${place.keys.prefix}${file.name}`);
  return info === undefined || file.versionId === undefined ? info?.sizeBytes : file.sizeBytes;
}

function damaged(key: string, expected: string, found: string): Finding {
  return {
    code: 'bundle_invalid',
    step: 'verify',
    message: `Cannot verify ${key}: expected ${expected}, found ${found}`,
  };
}

async function report(
  services: BackupServices,
  context: StepContext<BackupRecord>,
  { filesChecked, objectsChecked, failures }: Report,
): Promise<void> {
  await context.updateRecord((record) => ({
    ...record,
    verification: {
      at: new Date(services.clock.now()).toISOString(),
      ok: failures.length === 0,
      filesChecked,
      objectsChecked,
      failures: failures.slice(0, FINDINGS_KEPT_MAX),
    },
  }));
}

function findingJson({ code, object, step, message }: Finding): Json {
  return { code, ...(object === undefined ? {} : { object: { ...object } }), step, message };
}

function progressJson(progress: AuditProgress): Json {
  return {
    ...progress,
    kinds: { ...progress.kinds },
    failures: progress.failures.map(findingJson),
  };
}
