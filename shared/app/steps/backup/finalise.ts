/**
 * Last step but one: the files beside the archive, the commit marker last, then the record. Running it
 * twice is safe: time and log are fixed by its first checkpoint, everything else follows from the run's
 * chunks, so that the same bytes are written again, which counts as done.
 */
import type { BackupRecord } from '../../../domain/backup-record.ts';
import type { Finding } from '../../../domain/finding.ts';
import { isJsonObject, type Json } from '../../../domain/json.ts';
import { parseCatalogLine } from '../../../format/catalog-line.ts';
import { CatalogWriter } from '../../../format/catalog-writer.ts';
import { packMember } from '../../../format/gzip-member.ts';
import { formatManifest, type Manifest, type ManifestFile } from '../../../format/manifest.ts';
import { formatVeleroBackup } from '../../../format/velero-backup.ts';
import {
  formatResults,
  formatVolumeInfo,
  ResourceList,
  type ResultFindings,
} from '../../../format/velero-files.ts';
import { type BackupPlace, type BackupServices, openBackup } from '../../backup-services.ts';
import { type JournalPosition, parseFindings, RunJournal } from '../../run-journal.ts';
import type { Step, StepContext, WorkRecord } from '../../step.ts';
import { writeOnce } from '../../write-once.ts';
import { capturedOf } from './capture.ts';
import { captureLines, replayCapture } from './capture-log.ts';
import { CaptureState } from './capture-state.ts';
import {
  buildManifest,
  bytesOf,
  type ClusterPlace,
  markerFacts,
  type Outcome,
  outcomeOf,
} from './manifest-of.ts';
import { withFindings } from './record-findings.ts';
import { resolvedOf } from './resolve.ts';

const FINALISE_STEP = 'finalise';

const GZIP = 'application/gzip';
const JSON_TYPE = 'application/json';

/** The step. */
export function finaliseStep(services: BackupServices): Step<BackupRecord> {
  return {
    name: FINALISE_STEP,
    run: async (context) => {
      const fixed = await fixMoment(services, context);
      const state = new CaptureState();
      await replayCapture(context.scratch, capturedOf(context).chunks, state);
      const place = await openBackup(services, context.record());
      const files = await writeFiles(context, place, state, fixed.journal);
      // The last moment at which a stop that was asked for is heard; then the backup exists.
      await context.save(fixedJson(fixed));
      const outcome = outcomeOf(context.record(), state, fixed.completedAtMs);
      const manifest = buildManifest({
        record: context.record(),
        resolved: resolvedOf(context),
        state,
        outcome,
        files: files.files,
        catalog: files.catalog,
        cluster: await placeOfCluster(services, context),
      });
      await commit(place, context.record(), manifest, outcome);
      await endRecord(context, outcome, files.files);
      return { kind: 'done' };
    },
  };
}

/** Removes the run's chunks once nothing needs them. Running it twice is safe: gone is gone. */
export function tidyStep<R extends WorkRecord>(): Step<R> {
  return {
    name: 'tidy',
    run: async (context) => {
      await context.scratch.clear();
      return { kind: 'done' };
    },
  };
}

/** Neither changes while a run works on the cluster. */
async function placeOfCluster(
  services: BackupServices,
  context: StepContext<BackupRecord>,
): Promise<ClusterPlace> {
  const { cluster, network } = context.run;
  const row = await services.records.get('clusters', [services.accountId, cluster]);
  return { network, ...(row === undefined ? {} : { clusterRegion: row.value.region }) };
}

interface Fixed {
  readonly completedAtMs: number;
  readonly journal: JournalPosition;
}

/** The moment of completion and the end of the log, the same in every attempt. */
async function fixMoment(
  services: BackupServices,
  context: StepContext<BackupRecord>,
): Promise<Fixed> {
  const known = readFixed(context.checkpoint);
  if (known !== undefined) return known;
  const empty = context.record().progress.objectsDone === 0 ? [nothingSelected()] : [];
  await context.updateRecord((record) => ({
    ...withFindings(record, FINALISE_STEP, { warnings: empty }),
    phase: 'Finalizing',
  }));
  const { progress, errors, warnings, coverageGaps } = context.record();
  const journal = RunJournal.resume(context, services.clock);
  for (const warning of empty) journal.find('warning', warning);
  journal.log(
    'info',
    `Backup complete: ${progress.objectsDone} objects, ${errors.length} errors, ` +
      `${warnings.length} warnings, ${coverageGaps.length} coverage gaps`,
  );
  const fixed = { completedAtMs: services.clock.now(), journal: await journal.flush() };
  await context.save(fixedJson(fixed));
  return fixed;
}

/** A backup of nothing is what was asked for, and hardly what was meant. */
function nothingSelected(): Finding {
  return {
    code: 'nothing_selected',
    step: FINALISE_STEP,
    message: 'The backup holds no object: nothing in the namespaces matches its selection',
    hint: 'Check labelSelector, resources and excludedResources',
  };
}

function fixedJson({ completedAtMs, journal }: Fixed): Json {
  return { completedAtMs, journal: { ...journal } };
}

function readFixed(saved: Json): Fixed | undefined {
  if (!isJsonObject(saved) || !isJsonObject(saved.journal)) return undefined;
  const { logs, results } = saved.journal;
  return {
    completedAtMs: Number(saved.completedAtMs),
    journal: { logs: Number(logs), results: Number(results) },
  };
}

interface Files {
  readonly files: readonly ManifestFile[];
  readonly catalog: Manifest['catalog'];
}

async function writeFiles(
  context: StepContext<BackupRecord>,
  place: BackupPlace,
  state: CaptureState,
  journal: JournalPosition,
): Promise<Files> {
  const { store, keys, encrypt } = place;
  const { archive, chunks } = capturedOf(context);
  const files: ManifestFile[] = [{ name: nameOf(place, keys.archive), ...archive }];
  const write = async (key: string, content: AsyncIterable<Uint8Array>) => {
    const file = await writeOnce(store, key, content, { encrypt, contentType: GZIP });
    files.push({ name: nameOf(place, key), ...file });
  };
  const list = new ResourceList();
  const writer = new CatalogWriter();
  await write(keys.catalog, catalogMembers(captureLines(context.scratch, chunks), writer, list));
  await write(keys.resourceList, packed(list.format()));
  const results = await readFindings(context, state, journal.results);
  await write(keys.results, packed(formatResults(results)));
  await write(keys.logs, logMembers(context, journal.logs));
  await write(keys.volumeInfo, packed(formatVolumeInfo(context.record().volumes)));
  return { files, catalog: writer.chunks };
}

async function* catalogMembers(
  lines: AsyncIterable<string>,
  writer: CatalogWriter,
  list: ResourceList,
): AsyncGenerator<Uint8Array> {
  for await (const line of lines) {
    list.add(parseCatalogLine(line));
    const member = await writer.add(line);
    if (member !== undefined) yield member;
  }
  const last = await writer.flush();
  if (last !== undefined) yield last;
}

async function* packed(raw: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await packMember(raw);
}

/** The log, a member per chunk; an empty one where there is none. */
async function* logMembers(
  context: StepContext<BackupRecord>,
  count: number,
): AsyncGenerator<Uint8Array> {
  if (count === 0) yield await packMember(new Uint8Array(0));
  for await (const chunk of context.scratch.read('logs', count)) yield await packMember(chunk);
}

async function readFindings(
  context: StepContext<BackupRecord>,
  state: CaptureState,
  count: number,
): Promise<ResultFindings> {
  const errors = [...state.errors];
  const warnings: Finding[] = [];
  for await (const chunk of context.scratch.read('results', count)) {
    for (const { level, finding } of parseFindings(chunk)) {
      (level === 'error' ? errors : warnings).push(finding);
    }
  }
  return { errors, warnings };
}

/** Manifest, then marker: from here on the backup exists. */
async function commit(
  place: BackupPlace,
  record: BackupRecord,
  manifest: Manifest,
  outcome: Outcome,
): Promise<void> {
  const { store, keys, encrypt } = place;
  const options = { encrypt, contentType: JSON_TYPE };
  const written = await writeOnce(store, keys.manifest, one(formatManifest(manifest)), options);
  const marker = formatVeleroBackup(markerFacts(record, manifest, outcome, written.sha256));
  await writeOnce(store, keys.marker, one(marker), options);
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

async function endRecord(
  context: StepContext<BackupRecord>,
  outcome: Outcome,
  files: readonly ManifestFile[],
): Promise<void> {
  await context.updateRecord((record) => ({
    ...record,
    phase: outcome.phase,
    completedAtMs: outcome.completedAtMs,
    expiresAtMs: outcome.expiresAtMs,
    progress: { ...record.progress, objectsTotal: record.progress.objectsDone },
    billing: { ...record.billing, ossBytes: bytesOf(files) },
  }));
}

function nameOf(place: BackupPlace, key: string): string {
  return key.slice(place.keys.prefix.length);
}
