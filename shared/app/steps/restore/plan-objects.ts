/**
 * From catalogue lines and facts to decisions: which objects are created, in which stage, and why the
 * others are not. Holds one small entry per object of the backup and no bodies.
 */
import { compareStages, type Stage, stagesOf } from '../../../domain/apply-order.ts';
import { ownedBy } from '../../../domain/controller-made.ts';
import type { OwnerReference } from '../../../domain/kube-object.ts';
import { mappedNamespace } from '../../../domain/namespace-mapping.ts';
import { type Captured, followsRule, type Want } from '../../../domain/relations.ts';
import type { RestoreSpec } from '../../../domain/restore-record.ts';
import { chooseNeeded, type Standing, standingOf } from '../../../domain/restore-selection.ts';
import type { CatalogLine } from '../../../format/catalog-line.ts';
import type { ObjectFacts, VolumeFacts } from './plan-facts.ts';
import { PLANNED_OWNER, type PlanEntry } from './restore-plan.ts';

/** An object that stays out. */
export interface OmittedObject {
  readonly line: CatalogLine;
  readonly reason: string;
}

/** Kinds between a workload and its pods: read even where a filter leaves them out. */
const LINKS = new Set(['replicasets.apps', 'jobs.batch']);

const ENDPOINTS = 'endpoints';

const VOLUMES = 'persistentvolumes';

/** Kinds whose definitions cannot be in the backup. */
const DEFINITIONS = 'customresourcedefinitions.apiextensions.k8s.io';

/** Looks up in the target what the backup cannot tell. */
export interface TargetFacts {
  /** UID of this owner in the target, undefined where it is not there. */
  ownerUid(owner: OwnerReference, namespace: string | undefined): string | undefined;
  /** Whether the target has a Service of that name that selects. */
  serviceSelects(namespace: string, name: string): boolean;
}

/** The objects of a backup on their way into a plan. */
export class PlanObjects {
  private readonly spec: RestoreSpec;
  private readonly lines: CatalogLine[] = [];
  private readonly indices = new Map<CatalogLine, number>();
  private readonly standings: Standing[] = [];
  private readonly facts: (ObjectFacts | undefined)[] = [];
  private readonly byUid = new Map<string, number>();
  private readonly byName = new Map<string, number[]>();
  private readonly chosen = new Set<number>();

  constructor(spec: RestoreSpec) {
    this.spec = spec;
  }

  /** Adds the next line of the catalogue. */
  add(line: CatalogLine): void {
    const index = this.lines.push(line) - 1;
    this.indices.set(line, index);
    this.standings.push(standingOf(this.spec, line));
    if (line.uid !== '') this.byUid.set(line.uid, index);
    for (const key of [nameKey(line), ordinalKey(line)]) {
      if (key === undefined) continue;
      const known = this.byName.get(key);
      if (known === undefined) this.byName.set(key, [index]);
      else known.push(index);
    }
  }

  /** Whether some object comes back only if another needs it. */
  get relationsMatter(): boolean {
    return this.standings.some((s) => s.kind === 'candidate' || s.kind === 'labelled');
  }

  /** Lines whose bodies must be looked at, in the catalogue's order. */
  *toRead(): Generator<CatalogLine> {
    for (const [index, line] of this.lines.entries()) if (this.mustRead(index)) yield line;
  }

  private mustRead(index: number): boolean {
    const standing = this.standings[index];
    const line = this.lines[index];
    if (standing === undefined || line === undefined) return false;
    if (standing.kind !== 'out') return true;
    // A volume that stays out still tells what file system a new one must have.
    return (
      standing.reason === 'filtered' && (LINKS.has(line.resource) || line.resource === VOLUMES)
    );
  }

  /** Takes the facts in the order of `toRead`; undefined for bytes that are no object. */
  learn(line: CatalogLine, facts: ObjectFacts | undefined): void {
    const index = this.indices.get(line);
    if (index !== undefined) this.facts[index] = facts;
  }

  /** Fixes what comes back, as far as the backup alone can tell. */
  choose(): void {
    const candidates = new Set<number>();
    for (const [index, standing] of this.standings.entries()) {
      const matches = this.facts[index]?.matches ?? false;
      if (standing.kind === 'in' || (standing.kind === 'labelled' && matches)) {
        this.chosen.add(index);
      } else if (standing.kind !== 'out') candidates.add(index);
    }
    if (candidates.size === 0) return;
    const owned = this.ownedCandidates(candidates);
    chooseNeeded({
      chosen: this.chosen,
      candidates,
      needs: (index) => [...this.named(index), ...(owned.get(index) ?? [])],
      followers: () => this.joiningBindings(candidates),
    });
  }

  private ownedCandidates(candidates: ReadonlySet<number>): Map<number, number[]> {
    const owned = new Map<number, number[]>();
    for (const index of candidates) {
      for (const owner of this.facts[index]?.owners ?? []) {
        const at = this.byUid.get(owner.uid);
        if (at !== undefined) owned.set(at, [...(owned.get(at) ?? []), index]);
      }
    }
    return owned;
  }

  private named(index: number): readonly number[] {
    return (this.facts[index]?.wants ?? []).flatMap((w: Want) => this.byName.get(nameKey(w)) ?? []);
  }

  private *joiningBindings(candidates: ReadonlySet<number>): Generator<number> {
    const captured = this.asCaptured();
    for (const index of candidates) {
      const binding = this.facts[index]?.binding;
      const line = this.lines[index];
      if (binding === undefined || line === undefined || this.chosen.has(index)) continue;
      if (followsRule(line.resource, binding, captured) !== undefined) yield index;
    }
  }

  private asCaptured(): Captured {
    const accounts = new Set<string>();
    for (const index of this.chosen) {
      const line = this.lines[index];
      if (line?.resource === 'serviceaccounts') accounts.add(line.namespace ?? '');
    }
    return {
      has: (object) => (this.byName.get(nameKey(object)) ?? []).some((i) => this.chosen.has(i)),
      hasUid: (uid) => {
        const index = this.byUid.get(uid);
        return index !== undefined && this.chosen.has(index);
      },
      hasAccountsOf: (namespace) => accounts.has(namespace),
    };
  }

  /** Owners that only the target can tell about: those of chosen objects that are not chosen. */
  *unknownOwners(): Generator<{ owner: OwnerReference; namespace: string | undefined }> {
    const seen = new Set<string>();
    for (const index of this.ownerReaders()) {
      for (const owner of this.facts[index]?.owners ?? []) {
        const at = this.byUid.get(owner.uid);
        if (seen.has(owner.uid) || (at !== undefined && this.chosen.has(at))) continue;
        seen.add(owner.uid);
        yield { owner, namespace: this.lines[index]?.namespace };
      }
    }
  }

  /** Chosen objects, and the links between them and their workloads. */
  private *ownerReaders(): Generator<number> {
    for (const [index, facts] of this.facts.entries()) if (facts !== undefined) yield index;
  }

  /** Endpoints whose Service is not in the backup. */
  *unknownServices(): Generator<{ namespace: string; name: string }> {
    for (const index of this.chosen) {
      const line = this.lines[index];
      if (line?.resource !== ENDPOINTS || line.namespace === undefined) continue;
      const { namespace, name } = line;
      const service = this.byName.get(nameKey({ resource: 'services', namespace, name }));
      if (service === undefined) yield { namespace, name };
    }
  }

  /** Objects of a kind that are chosen and come back by themselves, with what is known of them. */
  *coming(
    resources: readonly string[],
    target: TargetFacts,
  ): Generator<{ readonly line: CatalogLine; readonly facts: VolumeFacts }> {
    for (const [index, line] of this.lines.entries()) {
      if (!resources.includes(line.resource) || this.reasonOut(index, target) !== undefined)
        continue;
      const facts = this.facts[index]?.volumes;
      if (facts !== undefined) yield { line, facts };
    }
  }

  /** The object of a volume, whether it comes back or not. */
  volume(name: string): VolumeFacts | undefined {
    const [index] = this.byName.get(nameKey({ resource: VOLUMES, name })) ?? [];
    return index === undefined ? undefined : this.facts[index]?.volumes;
  }

  /** The plan's entries in order, and what stays out; `volumesOut`: why, by the volume's name. */
  decide(
    target: TargetFacts,
    volumesOut: ReadonlyMap<string, string>,
  ): { entries: PlanEntry[]; omitted: OmittedObject[] } {
    const planned: number[] = [];
    const omitted: OmittedObject[] = [];
    for (const [index, line] of this.lines.entries()) {
      const isVolume = line.resource === VOLUMES;
      const reason =
        this.reasonOut(index, target) ?? (isVolume ? volumesOut.get(line.name) : undefined);
      if (reason === undefined) planned.push(index);
      else omitted.push({ line, reason });
    }
    return { entries: this.inOrder(planned, target), omitted };
  }

  private reasonOut(index: number, target: TargetFacts): string | undefined {
    const standing = this.standings[index];
    const line = this.lines[index];
    if (standing === undefined || line === undefined) return 'filtered';
    if (!this.chosen.has(index)) return standing.kind === 'in' ? 'filtered' : standing.reason;
    const facts = this.facts[index];
    if (facts === undefined) return undefined;
    const { remaker } = facts;
    if (remaker !== undefined && this.comesBack(remaker, line.namespace, target)) {
      return ownedBy(remaker);
    }
    if (facts.out !== undefined) return facts.out;
    return this.hasSelectingService(line, target) ? `owned_by:Service/${line.name}` : undefined;
  }

  /** Whether an owner is created by this restore, made again in its turn, or in the target. */
  private comesBack(
    owner: OwnerReference,
    namespace: string | undefined,
    target: TargetFacts,
  ): boolean {
    if (owner.kind === 'Node') return true;
    const index = this.byUid.get(owner.uid);
    if (index !== undefined) {
      if (this.chosen.has(index)) return true;
      const remaker = this.facts[index]?.remaker;
      if (remaker !== undefined && this.comesBack(remaker, namespace, target)) return true;
    }
    return target.ownerUid(owner, namespace) !== undefined;
  }

  private hasSelectingService(line: CatalogLine, target: TargetFacts): boolean {
    if (line.resource !== ENDPOINTS || line.namespace === undefined) return false;
    const { namespace, name } = line;
    const services = this.byName.get(nameKey({ resource: 'services', namespace, name }));
    if (services === undefined) return target.serviceSelects(namespace, name);
    return services.some((i) => this.chosen.has(i) && this.facts[i]?.selects === true);
  }

  private inOrder(planned: readonly number[], target: TargetFacts): PlanEntry[] {
    const inPlan = new Set(planned);
    const ownersIn = (index: number): number[] =>
      (this.facts[index]?.owners ?? []).flatMap((owner) => {
        const at = this.byUid.get(owner.uid);
        return at !== undefined && inPlan.has(at) ? [at] : [];
      });
    const resourceOf = (index: number): string => this.lines[index]?.resource ?? '';
    const stages = stagesOf(planned, resourceOf, ownersIn);
    const isOwner = new Set(planned.flatMap(ownersIn));
    const sorted = planned.flatMap((index) => {
      const line = this.lines[index];
      const stage = stages.get(index);
      return line === undefined || stage === undefined ? [] : [{ index, line, stage }];
    });
    sorted.sort(
      (a, b) =>
        compareStages(a.stage, b.stage) ||
        a.line.memberOffset - b.line.memberOffset ||
        a.line.offset - b.line.offset,
    );
    return sorted.map(({ index, line, stage }, n) => ({
      n,
      stage,
      line,
      isOwner: isOwner.has(index),
      owners: this.ownersOf(index, stage, stages, target),
    }));
  }

  private ownersOf(
    index: number,
    stage: Stage,
    stages: ReadonlyMap<number, Stage>,
    target: TargetFacts,
  ): Record<string, string> {
    const owners: Record<string, string> = {};
    for (const owner of this.facts[index]?.owners ?? []) {
      const at = this.byUid.get(owner.uid);
      const ownerStage = at === undefined ? undefined : stages.get(at);
      if (ownerStage !== undefined) {
        if (compareStages(ownerStage, stage) < 0) owners[owner.uid] = PLANNED_OWNER;
        continue;
      }
      const uid = target.ownerUid(owner, this.lines[index]?.namespace);
      if (uid !== undefined) owners[owner.uid] = uid;
    }
    return owners;
  }

  /** Namespaces, as the target calls them, that planned objects need and the plan does not create. */
  bareNamespaces(entries: readonly PlanEntry[]): string[] {
    const needed = new Set<string>();
    const there = new Set<string>();
    for (const { line } of entries) {
      if (line.resource === 'namespaces') there.add(line.name);
      else if (line.namespace !== undefined) needed.add(line.namespace);
    }
    return [...needed]
      .filter((name) => !there.has(name))
      .map((name) => mappedNamespace(this.spec.namespaceMapping, name));
  }
}

/** Kinds whose definitions the plan creates. */
export function plannedDefinitions(entries: readonly PlanEntry[]): string[] {
  return entries.flatMap(({ line }) => (line.resource === DEFINITIONS ? [line.name] : []));
}

function nameKey(object: {
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}): string {
  return `${object.resource}|${object.namespace ?? ''}|${object.name}`;
}

/** Claims of StatefulSets are named with `#` for their number. */
function ordinalKey(line: CatalogLine): string | undefined {
  if (line.resource !== 'persistentvolumeclaims') return undefined;
  const stem = line.name.replace(/\d+$/, '#');
  return stem === line.name ? undefined : nameKey({ ...line, name: stem });
}
