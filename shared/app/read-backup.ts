/**
 * Looking into a backup: its manifest, its objects one by one, its log and its findings. A finished
 * backup is read from its vault, a running or failed one from its run's chunks.
 */
import type { BackupRecord } from '../domain/backup-record.ts';
import { BackupCentreError, NotFoundError } from '../domain/errors.ts';
import type { Finding } from '../domain/finding.ts';
import { isJsonObject } from '../domain/json.ts';
import { readArchivedObject } from '../format/archive-reader.ts';
import type { CatalogLine } from '../format/catalog-line.ts';
import { CatalogReader } from '../format/catalog-reader.ts';
import { unpackMember } from '../format/gzip-member.ts';
import { type Manifest, manifestFile, parseManifest } from '../format/manifest.ts';
import type { RangeSource } from '../format/range-source.ts';
import { parseResults, type ResultFindings } from '../format/velero-files.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { type BackupPlace, type BackupServices, openBackup } from './backup-services.ts';
import { parseFindings } from './run-journal.ts';
import { RunScratch } from './run-scratch.ts';

/** What reading needs: the vaults, and the control bucket for runs under way. */
export type ReadServices = Pick<BackupServices, 'records' | 'stores' | 'accountId'> & {
  readonly control: ObjectStore;
};

/** One object in a list of a backup's resources. */
interface BackupResource {
  /** Its number, by which it is read. */
  readonly n: number;
  readonly apiVersion: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** A page of resources; `next` is the number to go on with, absent at the end. */
export interface BackupResourcePage {
  readonly items: readonly BackupResource[];
  readonly next?: number;
}

/** What stands in place of a Secret's value. */
const MASKED = '***';
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Objects of a finished backup from number `from` on.
 * @throws BackupCentreError `backup_unfinished`, `backup_failed`, `bundle_invalid`
 */
export async function listBackupResources(
  services: ReadServices,
  record: BackupRecord,
  page: { readonly from: number; readonly limit: number },
): Promise<BackupResourcePage> {
  const { catalog } = await openFinished(services, record);
  const items: BackupResource[] = [];
  let n = page.from;
  for await (const line of catalog.lines(page.from)) {
    if (items.length === page.limit) return { items, next: n };
    const { apiVersion, resource, kind, namespace, name } = line;
    const where = namespace === undefined ? {} : { namespace };
    items.push({ n, apiVersion, resource, kind, ...where, name });
    n += 1;
  }
  return { items };
}

/**
 * JSON text of object `n`, as captured. Values of a Secret are masked unless `reveal`. Two ranges are
 * read besides the manifest.
 * @throws NotFoundError; BackupCentreError as `listBackupResources`
 */
export async function readBackupObject(
  services: ReadServices,
  record: BackupRecord,
  n: number,
  options: { readonly reveal: boolean },
): Promise<string> {
  const { place, manifest, catalog } = await openFinished(services, record);
  const line = await catalog.line(n);
  if (line === undefined) {
    throw new NotFoundError(
      `Cannot read object ${n} of backup ${record.spec.name}: it has ${manifest.counts.objects}`,
    );
  }
  const archive = fileSource(place, manifest, place.keys.archive);
  const text = Buffer.from(await readArchivedObject(archive, line)).toString('utf8');
  return isSecret(line) && !options.reveal ? masked(text) : text;
}

/** The log so far, as text in pieces. */
export async function* readBackupLog(
  services: ReadServices,
  record: BackupRecord,
): AsyncGenerator<string> {
  refuseRemoved(record);
  if (!isFinished(record)) {
    const scratch = new RunScratch(services.control, record.runId);
    for await (const chunk of scratch.read('logs')) yield Buffer.from(chunk).toString('utf8');
    return;
  }
  const { store, keys } = await openBackup(services, record);
  yield (await unpackMember(await store.get(keys.logs), keys.logs)).toString('utf8');
}

/** All errors and warnings, those beyond what the record keeps included. */
export async function readBackupResults(
  services: ReadServices,
  record: BackupRecord,
): Promise<ResultFindings> {
  if (record.expiry !== undefined) return { errors: record.errors, warnings: record.warnings };
  if (isFinished(record)) {
    const { store, keys } = await openBackup(services, record);
    const packed = await store.get(keys.results);
    const results = parseResults(await unpackMember(packed, keys.results));
    return results ?? { errors: record.errors, warnings: record.warnings };
  }
  const errors: Finding[] = [];
  const warnings: Finding[] = [];
  for await (const chunk of new RunScratch(services.control, record.runId).read('results')) {
    for (const { level, finding } of parseFindings(chunk)) {
      (level === 'error' ? errors : warnings).push(finding);
    }
  }
  return {
    errors: errors.length > record.errors.length ? errors : record.errors,
    warnings: warnings.length > record.warnings.length ? warnings : record.warnings,
  };
}

/** The manifest of a finished backup. @throws BackupCentreError `bundle_invalid`, also where it is gone */
export async function readManifest(place: BackupPlace): Promise<Manifest> {
  const { store, keys } = place;
  const bytes = await store.get(keys.manifest).catch((error: unknown) => {
    if (!(error instanceof NotFoundError)) throw error;
    throw new BackupCentreError('bundle_invalid', `Cannot find ${keys.manifest}: ${error.message}`);
  });
  return parseManifest(bytes, keys.manifest);
}

/** A file of a backup as a source of ranges, in the very version that was written. */
export function fileSource(place: BackupPlace, manifest: Manifest, key: string): RangeSource {
  const { versionId } = manifestFile(manifest, key.slice(place.keys.prefix.length));
  const version = versionId === undefined ? {} : { versionId };
  return {
    name: key,
    read: (offset, length) => place.store.get(key, { offset, length, ...version }),
  };
}

/** The catalogue of a backup. */
export function openCatalog(place: BackupPlace, manifest: Manifest): CatalogReader {
  return new CatalogReader(fileSource(place, manifest, place.keys.catalog), manifest.catalog);
}

async function openFinished(services: ReadServices, record: BackupRecord) {
  refuseRemoved(record);
  if (!isFinished(record)) throw unfinished(record);
  const place = await openBackup(services, record);
  const manifest = await readManifest(place);
  return { place, manifest, catalog: openCatalog(place, manifest) };
}

/** @throws BackupCentreError `backup_expired`: nothing but the record is left */
function refuseRemoved({ spec, expiry }: BackupRecord): void {
  if (expiry === undefined) return;
  throw new BackupCentreError(
    'backup_expired',
    `Cannot read backup ${spec.name}: its validity is over and its data is removed`,
  );
}

function isFinished(record: BackupRecord): boolean {
  return record.phase === 'Completed' || record.phase === 'PartiallyFailed';
}

function unfinished(record: BackupRecord): BackupCentreError {
  const failed = ['Failed', 'Cancelled', 'Deleting'].includes(record.phase);
  return new BackupCentreError(
    failed ? 'backup_failed' : 'backup_unfinished',
    `Cannot read backup ${record.spec.name}: it is ${record.phase}`,
  );
}

function isSecret(line: CatalogLine): boolean {
  return line.resource === 'secrets';
}

/** The Secret with every value masked, and without the copy of itself that kubectl leaves in it. */
function masked(text: string): string {
  const secret: unknown = JSON.parse(text);
  if (!isJsonObject(secret)) return '{}';
  for (const field of ['data', 'stringData']) {
    const values = secret[field];
    if (!isJsonObject(values)) continue;
    secret[field] = Object.fromEntries(Object.keys(values).map((key) => [key, MASKED]));
  }
  const annotations = isJsonObject(secret.metadata) ? secret.metadata.annotations : undefined;
  if (isJsonObject(annotations) && LAST_APPLIED in annotations) annotations[LAST_APPLIED] = MASKED;
  return JSON.stringify(secret);
}
