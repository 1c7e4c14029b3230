/** Restores on top of a backup world: the source cluster `c1` and a second one, `c2`. */

import { restorePlace } from '../../shared/app/restore-services.ts';
import { releaseWorkflow } from '../../shared/app/run-release.ts';
import { restoreWorkflow } from '../../shared/app/run-restore.ts';
import { startRun } from '../../shared/app/start-run.ts';
import { type InvocationResult, workOnRun } from '../../shared/app/step-runner.ts';
import type { ApiResource } from '../../shared/domain/api-resource.ts';
import type { BackupRecord } from '../../shared/domain/backup-record.ts';
import type { JsonObject } from '../../shared/domain/json.ts';
import type { RestoreRecord, RestoreSpec } from '../../shared/domain/restore-record.ts';
import { parseRestoreItems, type RestoreItemLine } from '../../shared/format/restore-items.ts';
import { COMMON_RESOURCES } from './api-resources.ts';
import { BackupWorld } from './backup-world.ts';
import { describeTarget } from './cluster-double-objects.ts';
import { InMemoryClusterClient } from './in-memory-cluster-client.ts';
import { sampleRestore } from './sample-records.ts';

const ACCOUNT = '1000';
const INVOCATION_MS = 600_000;

/** Runs of restores, into either cluster. */
export class RestoreWorld {
  readonly backups: BackupWorld;
  readonly target: InMemoryClusterClient;
  private runs = 0;

  private constructor(backups: BackupWorld, resources: readonly ApiResource[]) {
    this.backups = backups;
    this.target = new InMemoryClusterClient(resources, {
      now: () => backups.clock.now(),
      namespaces: ['default', 'kube-system'],
    });
    backups.directory.add({ id: 'c2' }, this.target);
  }

  static async create(
    given: { resources?: readonly ApiResource[]; targetResources?: readonly ApiResource[] } = {},
  ): Promise<RestoreWorld> {
    const resources = given.resources ?? COMMON_RESOURCES;
    const backups = await BackupWorld.create({ resources });
    const world = new RestoreWorld(backups, given.targetResources ?? resources);
    const source = await backups.records.get('clusters', [ACCOUNT, 'c1']);
    if (source === undefined) throw new Error('No cluster c1');
    const target = { ...source.value, id: 'c2', name: 'c2' };
    await backups.records.put('clusters', [ACCOUNT, 'c2'], target, 'absent');
    return world;
  }

  /** Puts an object into the source cluster. */
  seed(object: JsonObject): JsonObject {
    return this.backups.cluster.seed(object);
  }

  /** Sees the body and subject of every object that the target is asked to create. */
  onCreate(see: (body: string, subject: string) => void): void {
    const create = this.target.create.bind(this.target);
    this.target.create = async (target, body, options) => {
      see(Buffer.from(body).toString(), describeTarget(target));
      return await create(target, body, options);
    };
  }

  /** Does something as soon as the target has created an object, before the reply goes out. */
  onCreated(subject: string, act: () => Promise<void>): void {
    const create = this.target.create.bind(this.target);
    this.target.create = async (target, body, options) => {
      const reply = await create(target, body, options);
      if (describeTarget(target) === subject) await act();
      return reply;
    };
  }

  /** Has the source's lists say `to` instead of `from`: for texts that no parsed object can hold. */
  rewriteSource(from: string, to: string): void {
    const list = this.backups.cluster.list.bind(this.backups.cluster);
    this.backups.cluster.list = async (resource, request) => {
      const page = await list(resource, request);
      const items = page.items.map((item) =>
        Buffer.from(Buffer.from(item).toString().replaceAll(from, to)),
      );
      return { ...page, items };
    };
  }

  /** Starts a restore run into `c2` (or another cluster) and returns its record's id. */
  async start(
    backup: BackupRecord,
    spec: Partial<RestoreSpec> = {},
    cluster = 'c2',
  ): Promise<string> {
    this.runs += 1;
    const id = `rs-${8_000_000_000_000 - this.runs}-00`;
    const runId = `run-restore-${this.runs}`;
    const given = { id, runId, cluster, createdAtMs: this.backups.clock.now() };
    const record = sampleRestore(backup, given, { name: `back-${this.runs}`, ...spec });
    await startRun(this.backups, {
      id: runId,
      kind: 'restore',
      cluster,
      network: 'public',
      recordId: id,
      vaultIdentity: backup.vaultIdentity,
      requestHash: '',
      claim: { location: `restores:${cluster}`, name: record.spec.name },
      record,
    });
    return id;
  }

  /** One invocation of the worker. */
  async work(id: string, invocationMs = INVOCATION_MS): Promise<InvocationResult> {
    const { runId } = await this.record(id);
    return await this.workOn(runId, invocationMs);
  }

  /** One invocation, whose waits in place end as the clock is moved for them. */
  async workUntilWait(id: string): Promise<InvocationResult> {
    return await this.withMovingClock(this.work(id));
  }

  private async withMovingClock(working: Promise<InvocationResult>): Promise<InvocationResult> {
    let result: InvocationResult | undefined;
    const ended = working.then((r) => {
      result = r;
    });
    while (result === undefined) {
      await Promise.race([ended, new Promise((resolve) => setImmediate(resolve))]);
      if (result === undefined && this.backups.clock.sleeping() > 1) {
        await this.backups.clock.advance(1_000);
      }
    }
    return await working;
  }

  /** One invocation of the worker for the run that lets go of what the restore made. */
  async workOnRelease(id: string): Promise<InvocationResult> {
    const { runId } = await this.record(id);
    return await this.workOn(`${runId}-release`, INVOCATION_MS);
  }

  /** Whether the restore left such a run, and it has not ended. */
  async isReleasing(id: string): Promise<boolean> {
    const { runId } = await this.record(id);
    const run = await this.backups.records.get('runs', [`${runId}-release`]);
    return run !== undefined && run.value.state !== 'ended';
  }

  private async workOn(runId: string, invocationMs: number): Promise<InvocationResult> {
    const deadlineMs = this.backups.clock.now() + invocationMs;
    const workflows = [restoreWorkflow(this.backups), releaseWorkflow(this.backups)];
    return await workOnRun(this.backups, workflows, { runId, deadlineMs });
  }

  /** Works until the run has ended, waking it when it waits. */
  async workToEnd(id: string): Promise<RestoreRecord> {
    for (let invocation = 0; invocation < 100; invocation += 1) {
      const result = await this.workUntilWait(id);
      if (result === 'ended') return await this.record(id);
      await this.backups.clock.advance(600_000);
    }
    throw new Error(`Run of ${id} did not end`);
  }

  /** Starts a restore and works until it has ended. */
  async restore(
    backup: BackupRecord,
    spec: Partial<RestoreSpec> = {},
    cluster = 'c2',
  ): Promise<RestoreRecord> {
    return await this.workToEnd(await this.start(backup, spec, cluster));
  }

  async record(id: string): Promise<RestoreRecord> {
    for (const cluster of ['c2', 'c1']) {
      const row = await this.backups.records.get('restores', [cluster, id]);
      if (row !== undefined) return row.value;
    }
    throw new Error(`No record ${id}`);
  }

  /** The outcome list as it lies in the vault. */
  async items(record: RestoreRecord): Promise<readonly RestoreItemLine[]> {
    const { keys } = await restorePlace(this.backups, record);
    return parseRestoreItems(Buffer.from(await this.backups.unzipped(keys.items)));
  }

  /** `resource namespace/name action reason`, sorted: the outcome at a glance. */
  async outcome(record: RestoreRecord): Promise<readonly string[]> {
    return (await this.items(record))
      .map((item) => {
        const where = item.namespace === undefined ? '' : `${item.namespace}/`;
        return `${item.resource} ${where}${item.name} ${item.action} ${item.reason}`.trimEnd();
      })
      .sort();
  }
}
