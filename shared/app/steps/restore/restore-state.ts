/**
 * What a restore has done so far: the fold of its item chunks. A worker that goes on replays them and
 * knows what is done, under which UIDs owners live now, and which namespaces are this restore's own.
 */
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import { parseRestoreItems, type RestoreItemLine } from '../../../format/restore-items.ts';
import type { RunScratch } from '../../run-scratch.ts';

const NAMESPACES = 'namespaces';
const VOLUMES = 'persistentvolumes';
const CLAIMS = 'persistentvolumeclaims';

/** Progress of the create step. */
export class RestoreState {
  private readonly done = new Set<number>();
  private readonly uids = new Map<string, string>();
  private readonly ownNamespaces = new Set<string>();
  private readonly volumes = new Map<string, string | undefined>();
  private readonly claims = new Map<string, RestoreItemLine>();
  private readonly tally = { created: 0, skipped: 0, failed: 0, omitted: 0 };

  /** Replays the first `chunks` chunks of items. */
  static async replay(scratch: RunScratch, chunks: number): Promise<RestoreState> {
    const state = new RestoreState();
    for await (const chunk of scratch.read('items', chunks)) {
      for (const line of parseRestoreItems(chunk)) state.add(line);
    }
    return state;
  }

  /** Takes in one outcome. */
  add(line: RestoreItemLine): void {
    const outcome = TALLY[line.action];
    this.tally[outcome] += 1;
    if (line.n >= 0) this.done.add(line.n);
    if (line.uids !== undefined) this.uids.set(line.uids[0], line.uids[1]);
    if (line.resource === NAMESPACES && outcome === 'created') this.ownNamespaces.add(line.name);
    if (line.resource === CLAIMS) this.claims.set(`${line.namespace}/${line.name}`, line);
    if (line.resource === VOLUMES && outcome !== 'omitted') {
      this.volumes.set(line.was ?? line.name, outcome === 'failed' ? undefined : line.name);
    }
  }

  isDone(n: number): boolean {
    return this.done.has(n);
  }

  /** UID in the target of an owner of the backup that this restore has dealt with. */
  uidOf(backupUid: string): string | undefined {
    return this.uids.get(backupUid);
  }

  /** Whether this restore made the namespace. */
  madeNamespace(namespace: string): boolean {
    return this.ownNamespaces.has(namespace);
  }

  /** Whether the volume was in the plan and is dealt with, and its name in the target if it came back. */
  volume(name: string): { readonly target: string | undefined } | undefined {
    return this.volumes.has(name) ? { target: this.volumes.get(name) } : undefined;
  }

  /** What became of a claim, by its names in the target; undefined before it is dealt with. */
  claim(namespace: string, name: string): RestoreItemLine | undefined {
    return this.claims.get(`${namespace}/${name}`);
  }

  /** Claims of a namespace of the target that did not come to be. */
  failedClaims(namespace: string): readonly string[] {
    return [...this.claims.values()]
      .filter((line) => line.namespace === namespace && TALLY[line.action] === 'failed')
      .map(({ name }) => name);
  }

  get counts(): RestoreRecord['counts'] {
    return { ...this.tally };
  }

  /** Objects of the plan that are through. */
  get objectsDone(): number {
    return this.done.size;
  }
}

const TALLY = {
  created: 'created',
  create: 'created',
  skipped: 'skipped',
  skip: 'skipped',
  failed: 'failed',
  refuse: 'failed',
  omitted: 'omitted',
  omit: 'omitted',
} as const;
