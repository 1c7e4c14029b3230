/**
 * Third step: the objects. Lists the planned kinds into the archive, then what relations brought along,
 * round by round until nothing new turns up. Running it twice is safe: a checkpoint follows each part of
 * the upload; what a dead worker did after its last one is read again, and dropped by UID where the
 * catalogue has it.
 */
import type { BackupRecord } from '../../../domain/backup-record.ts';
import { BackupCentreError } from '../../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../domain/json.ts';
import type { ClusterClient } from '../../../ports/cluster-client.ts';
import { type BackupServices, connectCluster, openBackup } from '../../backup-services.ts';
import { RunJournal } from '../../run-journal.ts';
import type { Step, StepContext, StepOutcome } from '../../step.ts';
import { ArchiveUpload, UploadLostError, type UploadState } from './archive-upload.ts';
import { replayCapture } from './capture-log.ts';
import { CaptureRun } from './capture-run.ts';
import { type CapturePosition, CaptureSession } from './capture-session.ts';
import { CaptureState } from './capture-state.ts';
import { withFindings } from './record-findings.ts';
import { resolvedOf } from './resolve.ts';

/** Name of the step; its result is under it. */
const CAPTURE_STEP = 'capture';

/** Times a capture begins anew because its upload was lost. */
const RESTARTS_MAX = 3;

const BEGIN: CapturePosition = { round: 0, task: 0, grownFrom: 0 };

/** What the run's row keeps of a capture under way. */
interface Checkpoint {
  readonly upload?: UploadState;
  readonly position: CapturePosition;
  readonly chunks: number;
  readonly restarts: number;
}

/** What later steps are told. */
export interface Captured {
  readonly archive: {
    readonly sizeBytes: number;
    readonly sha256: string;
    readonly versionId?: string;
  };
  /** Chunks of the scratch stream that hold the catalogue. */
  readonly chunks: number;
}

/** The step. `partBytesMin`: see `UploadOptions`. */
export function captureStep(services: BackupServices, partBytesMin?: number): Step<BackupRecord> {
  return {
    name: CAPTURE_STEP,
    run: async (context) => {
      const journal = RunJournal.resume(context, services.clock);
      const checkpoint = readCheckpoint(context.checkpoint);
      try {
        return await capture({ services, context, journal, partBytesMin }, checkpoint);
      } catch (error) {
        if (!(error instanceof UploadLostError)) throw error;
        return await beginAnew(context, journal, checkpoint, error);
      }
    },
  };
}

/** The result of the step. */
export function capturedOf(context: StepContext<BackupRecord>): Captured {
  const result = context.results[CAPTURE_STEP];
  if (!isJsonObject(result) || !isJsonObject(result.archive)) {
    throw new BackupCentreError('internal', `Run ${context.run.id} has no result of capture`);
  }
  const { sizeBytes, sha256, versionId } = result.archive;
  return {
    archive: {
      sizeBytes: Number(sizeBytes),
      sha256: String(sha256),
      ...(typeof versionId === 'string' ? { versionId } : {}),
    },
    chunks: Number(result.chunks),
  };
}

async function capture(
  parts: {
    readonly services: BackupServices;
    readonly context: StepContext<BackupRecord>;
    readonly journal: RunJournal;
    readonly partBytesMin: number | undefined;
  },
  from: Checkpoint,
): Promise<StepOutcome> {
  const { services, context, journal, partBytesMin } = parts;
  const { store, keys, encrypt } = await openBackup(services, context.record());
  const options = { encrypt, ...(partBytesMin === undefined ? {} : { partBytesMin }) };
  const { archive } = keys;
  const state = new CaptureState();
  const pending = await replayCapture(context.scratch, from.chunks, state);
  const upload =
    from.upload === undefined
      ? await ArchiveUpload.begin(store, archive, options)
      : ArchiveUpload.resume(store, archive, options, from.upload);
  let { chunks } = from;
  const save = async (written: number, position: CapturePosition) => {
    chunks = written;
    const checkpoint: Checkpoint = { ...from, upload: upload.state(), position, chunks };
    await context.save(toJson(checkpoint, await journal.flush()));
  };
  if (from.upload === undefined) await save(0, BEGIN);
  if (!upload.isClosed) {
    const client = await connectCluster(services, context.record());
    const session = new CaptureSession({
      upload,
      scratch: context.scratch,
      state,
      position: from.position,
      chunks,
      pending,
      mtimeMs: context.record().createdAtMs,
      now: () => services.clock.now(),
      save,
    });
    if (!(await readCluster({ services, context, client, session, state, journal })))
      return { kind: 'again' };
  }
  const { info, sha256 } = await upload.complete();
  await updateRecord(context, state, info.sizeBytes);
  const { sizeBytes, versionId } = info;
  const file = { sizeBytes, sha256, ...(versionId === undefined ? {} : { versionId }) };
  return {
    kind: 'done',
    result: { archive: file, chunks, journal: { ...(await journal.flush()) } },
  };
}

/** Reads everything into the session. False where time ran out first. */
async function readCluster(parts: {
  readonly services: BackupServices;
  readonly context: StepContext<BackupRecord>;
  readonly client: ClusterClient;
  readonly session: CaptureSession;
  readonly state: CaptureState;
  readonly journal: RunJournal;
}): Promise<boolean> {
  const { services, context, session, state } = parts;
  const { kinds, whole } = resolvedOf(context);
  const { spec, namespacesResolved: namespaces } = context.record();
  const run = new CaptureRun({
    ...parts,
    clock: services.clock,
    spec,
    kinds,
    namespaces,
    whole,
    isShortOfTime: () => context.signal.aborted || context.timeLeftMs() < STOP_MS,
    report: () => updateRecord(context, state, session.archiveBytes),
  });
  try {
    if (await run.readAll()) {
      await session.finish();
      return true;
    }
    await session.settle();
    return false;
  } finally {
    await session.stop();
  }
}

/** Time that is kept for the last checkpoint of an invocation, ms. */
const STOP_MS = 20_000;

async function updateRecord(
  context: StepContext<BackupRecord>,
  state: CaptureState,
  archiveBytes: number,
): Promise<void> {
  const { gaps } = resolvedOf(context);
  await context.updateRecord((record) => ({
    ...withFindings(record, CAPTURE_STEP, { errors: state.errors }),
    coverageGaps: [...gaps, ...state.gaps],
    progress: {
      ...record.progress,
      objectsTotal: Math.max(state.objects, record.progress.objectsTotal),
      objectsDone: state.objects,
      bytesDone: state.bytes,
    },
    billing: { ...record.billing, ossBytes: archiveBytes },
  }));
}

/** The service lost the upload: what was sent is gone, and the capture begins at its beginning. */
async function beginAnew(
  context: StepContext<BackupRecord>,
  journal: RunJournal,
  from: Checkpoint,
  error: UploadLostError,
): Promise<StepOutcome> {
  const restarts = from.restarts + 1;
  if (restarts > RESTARTS_MAX) {
    throw new BackupCentreError('bundle_invalid', error.message, { cause: error });
  }
  journal.log('warning', `The upload of the archive was lost, beginning anew: ${error.message}`);
  const position = await journal.flush();
  await context.save(toJson({ position: BEGIN, chunks: 0, restarts }, position));
  return { kind: 'again' };
}

function toJson(checkpoint: Checkpoint, journal: { logs: number; results: number }): Json {
  const { upload, position, chunks, restarts } = checkpoint;
  return {
    ...(upload === undefined ? {} : { upload: { ...upload } }),
    position: { ...position },
    chunks,
    restarts,
    journal: { ...journal },
  };
}

/** What this step itself saved before. */
function readCheckpoint(saved: Json): Checkpoint {
  if (!isJsonObject(saved)) return { position: BEGIN, chunks: 0, restarts: 0 };
  const stored: JsonObject = saved;
  return {
    ...(stored.upload === undefined ? {} : { upload: stored.upload as UploadState }),
    position: stored.position as CapturePosition,
    chunks: Number(stored.chunks),
    restarts: Number(stored.restarts),
  };
}
