/**
 * What a capture knows so far. It is the fold of its events: every change is an event, written along
 * with the catalogue lines into the run's scratch chunks, so that another worker arrives at the same
 * state. Memory: 64 bytes per object and the names that relations want.
 */
import type { CoverageGap, Finding } from '../../../domain/finding.ts';
import type { Captured, Want } from '../../../domain/relations.ts';
import { archivePath, type CatalogLine } from '../../../format/catalog-line.ts';
import { FingerprintSet } from '../../../format/fingerprint-set.ts';

/** An object's place. */
export interface Place {
  readonly resource: string;
  readonly namespace?: string;
  readonly name: string;
}

/** How often a kind was read, and at which versions. */
export interface KindRead {
  readonly apiVersion: string;
  readonly resource: string;
  readonly kind: string;
  objects: number;
  /** By namespace, '' for the whole cluster. */
  readonly reads: Map<string, { readonly first: string; last: string }>;
}

/** A claim that was found, with the volume it is bound to. */
export interface FoundClaim {
  readonly namespace: string;
  readonly pvc: string;
  readonly pv: string;
  /** Whether a filter leaves the claim itself out. */
  readonly excluded: boolean;
}

/** A change of the state that is not an object of the archive. */
export type CaptureEvent =
  | { readonly t: 'want'; readonly want: Want }
  /** Wanted and not there, or not to be read. */
  | { readonly t: 'missing'; readonly key: string }
  | {
      readonly t: 'read';
      readonly apiVersion: string;
      readonly resource: string;
      readonly kind: string;
      readonly namespace: string;
      readonly version: string;
    }
  | { readonly t: 'gap'; readonly gap: CoverageGap }
  | { readonly t: 'error'; readonly finding: Finding }
  /** Met, and left out of the archive. */
  | { readonly t: 'left'; readonly uid: string; readonly reason: string }
  /** Read for its relations only. */
  | { readonly t: 'seen'; readonly uid: string; readonly place: Place }
  | { readonly t: 'claim'; readonly claim: FoundClaim };

const ACCOUNTS = 'serviceaccounts';

/** The state; change it by `apply` and `addObject` only. */
export class CaptureState implements Captured {
  readonly kinds = new Map<string, KindRead>();
  readonly gaps: CoverageGap[] = [];
  readonly errors: Finding[] = [];
  readonly claims: FoundClaim[] = [];
  readonly leftOut = new Map<string, number>();
  objects = 0;
  bytes = 0;
  private readonly uids = new FingerprintSet();
  private readonly paths = new FingerprintSet();
  private readonly left = new FingerprintSet();
  private readonly accountNamespaces = new Set<string>();
  private accounts = 0;
  private readonly rules = new Map<string, string>();
  private readonly open = new Map<string, Map<string, Want>>();

  has(place: Place): boolean {
    return this.paths.has(archivePath(place));
  }

  hasUid(uid: string): boolean {
    return this.uids.has(uid);
  }

  hasAccountsOf(namespace: string): boolean {
    return this.accountNamespaces.has(namespace);
  }

  /** Grows with everything that may bring related objects along. */
  get growth(): number {
    return this.uids.size + this.rules.size;
  }

  /** Grows with the ServiceAccounts captured. */
  get accountCount(): number {
    return this.accounts;
  }

  /** The rule that wants an object by name. */
  wantedBy(place: Place): string | undefined {
    return this.rules.get(wantKey(place)) ?? this.rules.get(wantKey(asOrdinal(place)));
  }

  /** Wants of a kind that are neither captured nor known to be missing. */
  openWants(resource: string): readonly Want[] {
    return [...(this.open.get(resource)?.values() ?? [])];
  }

  isWanted(want: Want): boolean {
    return this.rules.has(wantKey(want));
  }

  apply(event: CaptureEvent): void {
    switch (event.t) {
      case 'want':
        this.addWant(event.want);
        return;
      case 'missing':
        for (const wants of this.open.values()) wants.delete(event.key);
        return;
      case 'read':
        this.addRead(event);
        return;
      case 'gap':
        if (!this.gaps.some((g) => sameGap(g, event.gap))) this.gaps.push(event.gap);
        return;
      case 'error':
        if (!this.errors.some((e) => e.message === event.finding.message)) {
          this.errors.push(event.finding);
        }
        return;
      case 'left':
        if (this.left.add(event.uid)) {
          this.leftOut.set(event.reason, (this.leftOut.get(event.reason) ?? 0) + 1);
        }
        return;
      case 'seen':
        this.addPlace(event.place, event.uid);
        return;
      case 'claim':
        this.claims.push(event.claim);
        return;
    }
  }

  /** Notes an object of the archive. */
  addObject(object: Place & Pick<CatalogLine, 'uid' | 'apiVersion' | 'kind' | 'length'>): void {
    this.addPlace(object, object.uid);
    this.objects += 1;
    this.bytes += object.length;
    this.kindOf(object).objects += 1;
  }

  private addPlace(place: Place, uid: string): void {
    this.paths.add(archivePath(place));
    if (uid !== '') this.uids.add(uid);
    this.open.get(place.resource)?.delete(wantKey(place));
    if (place.resource === ACCOUNTS && place.namespace !== undefined) {
      this.accountNamespaces.add(place.namespace);
      this.accounts += 1;
    }
  }

  private addWant(want: Want): void {
    const key = wantKey(want);
    if (this.rules.has(key)) return;
    this.rules.set(key, want.rule);
    if (want.name.endsWith('#') || this.has(want)) return;
    const wants = this.open.get(want.resource) ?? new Map<string, Want>();
    this.open.set(want.resource, wants.set(key, want));
  }

  private addRead(event: Extract<CaptureEvent, { t: 'read' }>): void {
    const { reads } = this.kindOf(event);
    const read = reads.get(event.namespace);
    if (read === undefined) {
      reads.set(event.namespace, { first: event.version, last: event.version });
    } else {
      read.last = event.version;
    }
  }

  private kindOf(of: {
    readonly apiVersion: string;
    readonly resource: string;
    readonly kind: string;
  }): KindRead {
    const known = this.kinds.get(of.resource);
    if (known !== undefined) return known;
    const { apiVersion, resource, kind } = of;
    const fresh: KindRead = { apiVersion, resource, kind, objects: 0, reads: new Map() };
    this.kinds.set(resource, fresh);
    return fresh;
  }
}

/** One text per place. */
export function wantKey(place: Place): string {
  return `${place.resource}|${place.namespace ?? ''}|${place.name}`;
}

/** The place with its ordinal number as wants of StatefulSet claims write it. */
function asOrdinal(place: Place): Place {
  return { ...place, name: place.name.replace(/\d+$/, '#') };
}

function sameGap(a: CoverageGap, b: CoverageGap): boolean {
  return a.group === b.group && a.resource === b.resource && a.namespace === b.namespace;
}
