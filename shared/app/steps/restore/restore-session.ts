/** What one invocation of the create step works with, and the writing down of what it did. */
import { type ApiResource, apiVersionOf } from '../../../domain/api-resource.ts';
import type { Finding } from '../../../domain/finding.ts';
import { type ImageRules, imageRules } from '../../../domain/image-mapping.ts';
import { isJsonObject, type Json, type JsonObject } from '../../../domain/json.ts';
import type { KubeObject } from '../../../domain/kube-object.ts';
import { mappedNamespace } from '../../../domain/namespace-mapping.ts';
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import type { CatalogLine } from '../../../format/catalog-line.ts';
import { parseExact } from '../../../format/exact-json.ts';
import { formatRestoreItems, type RestoreItemLine } from '../../../format/restore-items.ts';
import type { ClusterClient } from '../../../ports/cluster-client.ts';
import { connectCluster } from '../../backup-services.ts';
import { ResourceIndex } from '../../resource-index.ts';
import type { RestoreServices } from '../../restore-services.ts';
import { type JournalPosition, parseFindings, RunJournal } from '../../run-journal.ts';
import type { StepContext } from '../../step.ts';
import { withFindings } from '../backup/record-findings.ts';
import { diskOf, listDisks } from './disks.ts';
import { readLandingPlans } from './landing-plan.ts';
import { Landings } from './landings.ts';
import { type PlanResult, planOf } from './restore-plan.ts';
import { RestoreState } from './restore-state.ts';
import { withChangedRows } from './restored-rows.ts';
import { RestoredVolumes } from './restored-volumes.ts';

/** Name of the step that creates objects. */
export const CREATE_STEP = 'create';

/** Outcomes that wait for a chunk at most. */
const CHUNK_ITEMS = 500;

/**
 * Objects with a number below `ahead` may have been asked for: it is saved before they are, so that after
 * a kill no more than these have to be looked for.
 */
const AHEAD = 2_000;

/** A restore at work. */
export class RestoreSession {
  readonly services: RestoreServices;
  readonly context: StepContext<RestoreRecord>;
  readonly client: ClusterClient;
  readonly plan: PlanResult;
  readonly state: RestoreState;
  readonly volumes: RestoredVolumes;
  readonly landings: Landings;
  readonly journal: RunJournal;
  readonly imageRules: ImageRules;
  index: ResourceIndex;
  private readonly errors: Finding[];
  private readonly warnings: Finding[];
  private chunks: number;
  private aheadOf: number;
  private since: number;
  private pending: RestoreItemLine[] = [];
  private flushing: Promise<void> | undefined;
  private readonly namespaces = new Map<string, Promise<boolean>>();
  private readonly schemas = new Map<string, Promise<JsonObject | undefined>>();
  private disks: Promise<ReadonlyMap<string, string>> | undefined;

  private constructor(init: {
    services: RestoreServices;
    context: StepContext<RestoreRecord>;
    client: ClusterClient;
    state: RestoreState;
    volumes: RestoredVolumes;
    landings: Landings;
    index: ResourceIndex;
    findings: { errors: Finding[]; warnings: Finding[] };
    saved: SavedProgress;
  }) {
    this.services = init.services;
    this.context = init.context;
    this.client = init.client;
    this.plan = planOf(init.context);
    this.state = init.state;
    this.volumes = init.volumes;
    this.landings = init.landings;
    this.index = init.index;
    this.journal = RunJournal.resume(init.context, init.services.clock);
    this.imageRules = imageRules(init.context.record().spec.imageRegistryMapping);
    this.errors = init.findings.errors;
    this.warnings = init.findings.warnings;
    this.chunks = init.saved.chunks;
    this.aheadOf = init.saved.ahead;
    this.since = init.saved.since;
  }

  /** Goes on where the checkpoint is. */
  static async open(
    services: RestoreServices,
    context: StepContext<RestoreRecord>,
  ): Promise<RestoreSession> {
    const saved = savedProgress(context);
    const client = await connectCluster(services, context.record());
    return new RestoreSession({
      services,
      context,
      client,
      state: await RestoreState.replay(context.scratch, saved.chunks),
      volumes: await RestoredVolumes.open(context),
      landings: await openLandings(context),
      index: new ResourceIndex(await client.discover()),
      findings: await replayFindings(context, saved.results),
      saved,
    });
  }

  get record(): RestoreRecord {
    return this.context.record();
  }

  get spec(): RestoreRecord['spec'] {
    return this.record.spec;
  }

  /** By this name the API server tells what this run created. */
  get fieldManager(): string {
    return fieldManagerOf(this.context.run.id);
  }

  /** Where an object of the backup goes by its catalogue line. */
  placeOf(line: CatalogLine): { readonly namespace?: string; readonly name: string } {
    const { namespaceMapping } = this.spec;
    if (line.namespace !== undefined) {
      return { namespace: mappedNamespace(namespaceMapping, line.namespace), name: line.name };
    }
    const isNamespace = line.resource === 'namespaces';
    return { name: isNamespace ? mappedNamespace(namespaceMapping, line.name) : line.name };
  }

  /** The OpenAPI document of a kind's group in the target; asked once. */
  openApiOf(resource: ApiResource): Promise<JsonObject | undefined> {
    const key = apiVersionOf(resource);
    let known = this.schemas.get(key);
    known ??= this.client
      .openApi(resource)
      .then((bytes) => (bytes === undefined ? undefined : parseExact(bytes)));
    this.schemas.set(key, known);
    return known;
  }

  /** Whether the target has the namespace; asked once. */
  hasNamespace(name: string): Promise<boolean> {
    const resource = this.index.find('v1', 'namespaces');
    if (resource === undefined) return Promise.resolve(false);
    let known = this.namespaces.get(name);
    known ??= this.client.get({ resource, name }).then((bytes) => bytes !== undefined);
    this.namespaces.set(name, known);
    return known;
  }

  /** The volume of the target that names the same disk, as it was when first asked. */
  async volumeOfDisk(volume: KubeObject): Promise<string | undefined> {
    this.disks ??= listDisks(this.client, this.index);
    const handle = diskOf(volume);
    return handle === undefined ? undefined : (await this.disks).get(handle);
  }

  /** When the present wait for the cluster began; undefined when there is none. */
  get waitingSinceMs(): number | undefined {
    return this.since === 0 ? undefined : this.since;
  }

  /** Notes the beginning or the end of a wait; kept by the next save. */
  setWaitingSince(ms: number | undefined): void {
    this.since = ms ?? 0;
  }

  /** Reads anew what the target serves. */
  async refreshIndex(): Promise<void> {
    this.index = new ResourceIndex(await this.client.discover());
  }

  /** Waits until object `n` may be asked for. */
  async reach(n: number): Promise<void> {
    if (n < this.aheadOf) return;
    await this.flushing;
    this.aheadOf = n + AHEAD;
    await this.flush();
  }

  /** Takes in an outcome. */
  settle(line: RestoreItemLine, findings: { error?: Finding; warning?: Finding } = {}): void {
    if (this.landings.holds(line)) return;
    this.state.add(line);
    this.pending.push(line);
    const { error, warning } = findings;
    if (error !== undefined) {
      this.errors.push(error);
      this.journal.find('error', error);
    }
    if (warning !== undefined) this.warn(warning);
  }

  warn(warning: Finding): void {
    this.warnings.push(warning);
    this.journal.find('warning', warning);
  }

  /** Begins to write a chunk down when one is full, while creating goes on. */
  flushIfFull(onFailure: (error: unknown) => void): void {
    if (this.pending.length < CHUNK_ITEMS || this.flushing !== undefined) return;
    this.flushing = this.flush()
      .then(() => undefined)
      .catch(onFailure)
      .finally(() => {
        this.flushing = undefined;
      });
  }

  /** Writes down what is done, then saves, then shows it in the record. */
  async flush(): Promise<JournalPosition> {
    const journal = await this.writeChunk();
    await this.context.save({
      chunks: this.chunks,
      ahead: this.aheadOf,
      since: this.since,
      landing: this.landings.saved(),
      journal: { ...journal },
    });
    await this.context.updateRecord((record) => ({
      ...withFindings(record, CREATE_STEP, { errors: this.errors, warnings: this.warnings }),
      counts: this.state.counts,
      progress: { ...record.progress, objectsDone: this.state.objectsDone },
    }));
    if (!this.spec.dryRun && this.volumes.any) {
      await this.context.updateRecord((record) =>
        withChangedRows(record, (row) => this.volumes.outcomeOf(row, this.state)),
      );
    }
    return journal;
  }

  /** Waits for a chunk that is being written, then writes the rest without saving: the run is given up. */
  async writeRest(): Promise<void> {
    await this.flushing;
    await this.writeChunk();
  }

  /** Waits for a chunk that is being written. */
  async flushed(): Promise<void> {
    await this.flushing;
  }

  /** What later steps go on from. */
  get position(): { readonly chunks: number; readonly ahead: number } {
    return { chunks: this.chunks, ahead: this.aheadOf };
  }

  private async writeChunk(): Promise<JournalPosition> {
    const lines = this.pending;
    this.pending = [];
    if (lines.length > 0) {
      await this.context.scratch.write('items', this.chunks, formatRestoreItems(lines));
      this.chunks += 1;
    }
    return await this.journal.flush();
  }
}

/** `backup-centre/<run id>`: 128 characters at most. */
function fieldManagerOf(runId: string): string {
  return `backup-centre/${runId}`.slice(0, 128);
}

/** The claims whose files are to land, as far as they are. */
async function openLandings(context: StepContext<RestoreRecord>): Promise<Landings> {
  const plans = await readLandingPlans(context.scratch, planOf(context).landings);
  const saved = isJsonObject(context.checkpoint) ? context.checkpoint.landing : undefined;
  return new Landings(plans, saved);
}

/** What the create step has saved. */
export interface SavedProgress {
  readonly chunks: number;
  readonly ahead: number;
  readonly since: number;
  readonly results: number;
}

/** The saved progress; before the first save, what the plan has written. */
function savedProgress(context: StepContext<RestoreRecord>): SavedProgress {
  return readProgress(context.checkpoint) ?? begun(context);
}

function begun(context: StepContext<RestoreRecord>): SavedProgress {
  return { chunks: planOf(context).itemChunks, ahead: 0, since: 0, results: -1 };
}

/** Progress in a checkpoint or a result. */
export function readProgress(saved: Json | undefined): SavedProgress | undefined {
  if (!isJsonObject(saved) || typeof saved.chunks !== 'number') return undefined;
  const results = isJsonObject(saved.journal) ? Number(saved.journal.results) : 0;
  return {
    chunks: saved.chunks,
    ahead: Number(saved.ahead ?? 0),
    since: Number(saved.since ?? 0),
    results,
  };
}

/** Findings of this step among the first `count` chunks; none before its first save. */
async function replayFindings(
  context: StepContext<RestoreRecord>,
  count: number,
): Promise<{ errors: Finding[]; warnings: Finding[] }> {
  const errors: Finding[] = [];
  const warnings: Finding[] = [];
  if (count < 0) return { errors, warnings };
  for await (const chunk of context.scratch.read('results', count)) {
    for (const { level, finding } of parseFindings(chunk)) {
      if (finding.step !== CREATE_STEP) continue;
      (level === 'error' ? errors : warnings).push(finding);
    }
  }
  return { errors, warnings };
}
