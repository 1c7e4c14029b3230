/**
 * Decides object by object what enters the archive and why, and writes it. Each object is met as the
 * server's own bytes; only its metadata is parsed, and the whole of it where relations read its spec.
 */
import { type ApiResource, apiVersionOf, groupResource } from '../../../domain/api-resource.ts';
import type { BackupSpec } from '../../../domain/backup-record.ts';
import { BackupCentreError } from '../../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../../domain/json.ts';
import { matchesSelector } from '../../../domain/label-selector.ts';
import { child } from '../../../domain/pod-references.ts';
import {
  FOLLOWING_KINDS,
  followsRule,
  namesOthers,
  placeWants,
  type Want,
  wantsOf,
} from '../../../domain/relations.ts';
import { type KindPlan, leftOut } from '../../../domain/selection.ts';
import type { CatalogSubject } from '../../../format/catalog-line.ts';
import { type ObjectScan, scanObject } from '../../../format/object-scan.ts';
import type { CaptureEvent, CaptureState, Place } from './capture-state.ts';

const CLAIMS = 'persistentvolumeclaims';

/** Where accepted objects go. */
export interface ObjectSink {
  /** @throws BackupCentreError `bundle_invalid` where the bytes are no JSON object */
  write(subject: CatalogSubject, parts: readonly Uint8Array[]): void;
  note(event: CaptureEvent): void;
}

/** What an intake needs to know of the backup. */
export interface IntakeOptions {
  readonly spec: Pick<BackupSpec, 'labelSelector'>;
  readonly namespaces: readonly string[];
  readonly kinds: readonly KindPlan[];
  readonly state: CaptureState;
  readonly sink: ObjectSink;
}

/** An object that was met, with what had to be read of it. */
interface Met {
  readonly plan: KindPlan;
  readonly place: Place;
  readonly uid: string;
  readonly metadata: JsonObject;
  readonly bytes: Uint8Array;
  readonly scan: ObjectScan;
}

/** Takes objects one by one. */
export class ObjectIntake {
  private readonly options: IntakeOptions;
  private readonly namespaces: ReadonlySet<string>;
  private readonly wantable: ReadonlyMap<string, KindPlan>;

  constructor(options: IntakeOptions) {
    this.options = options;
    this.namespaces = new Set(options.namespaces);
    const byLabel = options.spec.labelSelector !== undefined;
    this.wantable = new Map(
      options.kinds
        .filter((k) => k.role === 'related' || byLabel)
        .map((k) => [groupResource(k.resource), k]),
    );
  }

  /** Looks at one object of a list or a get. */
  take(plan: KindPlan, bytes: Uint8Array): void {
    const met = this.meet(plan, bytes);
    if (met === undefined) return;
    const { state, sink } = this.options;
    if (state.has(met.place) || (met.uid !== '' && state.hasUid(met.uid))) return;
    const reason = leftOut(met.place.resource, met.metadata);
    if (reason !== undefined) {
      sink.note({ t: 'left', uid: met.uid, reason });
      return;
    }
    const why = this.why(met);
    if (why === undefined) return;
    if (plan.role === 'observe') sink.note({ t: 'seen', uid: met.uid, place: met.place });
    else if (!this.write(met, why)) return;
    this.relate(met);
  }

  private meet(plan: KindPlan, bytes: Uint8Array): Met | undefined {
    const resource = groupResource(plan.resource);
    const scan = scanObject(bytes);
    const name = scan?.metadata.name;
    const namespace = scan?.metadata.namespace;
    if (scan === undefined || typeof name !== 'string') {
      this.refuse(plan.resource, 'the server sent bytes that are no object');
      return undefined;
    }
    const where = plan.resource.namespaced ? namespace : undefined;
    if (typeof where === 'string' && !this.namespaces.has(where)) return undefined;
    if (resource === 'namespaces' && !this.namespaces.has(name)) return undefined;
    const place = { resource, ...(typeof where === 'string' ? { namespace: where } : {}), name };
    const uid = typeof scan.metadata.uid === 'string' ? scan.metadata.uid : '';
    return { plan, place, uid, metadata: scan.metadata, bytes, scan };
  }

  private why(met: Met): string | undefined {
    const { spec, state } = this.options;
    const selector = spec.labelSelector;
    if (met.plan.role !== 'related') {
      const selected = selector === undefined || matchesSelector(selector, labelsOf(met.metadata));
      if (selected) return 'selected';
    }
    const named = state.wantedBy(met.place);
    const rule = named ?? followsRule(met.place.resource, this.bodyForRules(met), state);
    return rule === undefined ? undefined : `related:${rule}`;
  }

  private bodyForRules(met: Met): JsonObject {
    const whole = FOLLOWING_KINDS.includes(met.place.resource);
    return whole ? met.scan.parse(['status']) : { metadata: met.metadata };
  }

  private write(met: Met, why: string): boolean {
    const { apiVersion, kind } = typeOf(met.plan.resource);
    const missing = [
      ...(met.scan.has('apiVersion') ? [] : [`"apiVersion":${JSON.stringify(apiVersion)}`]),
      ...(met.scan.has('kind') ? [] : [`"kind":${JSON.stringify(kind)}`]),
    ];
    const parts =
      missing.length === 0
        ? [met.bytes]
        : [Buffer.from(`{${missing.join(',')},`), met.bytes.subarray(met.bytes.indexOf(0x7b) + 1)];
    const subject = { apiVersion, kind, ...met.place, uid: met.uid, why };
    try {
      this.options.sink.write(subject, parts);
      return true;
    } catch (error) {
      if (!(error instanceof BackupCentreError) || error.code !== 'bundle_invalid') throw error;
      this.refuse(met.plan.resource, error.message, met.place);
      return false;
    }
  }

  /** Notes what comes along with an object that was taken or observed. */
  private relate(met: Met): void {
    const { resource, namespace } = met.place;
    if (this.wantable.size > 0) {
      for (const want of placeWants(met.plan.resource, namespace)) this.want(want);
    }
    const isClaim = resource === CLAIMS;
    if (!isClaim && (this.wantable.size === 0 || !namesOthers(resource))) return;
    // Names stand in a status only where a snapshot was bound by its controller.
    const object = met.scan.parse(resource.startsWith('volumesnapshots.') ? [] : ['status']);
    object.kind = met.plan.resource.kind;
    for (const want of wantsOf(resource, object, namespace)) this.want(want);
    if (isClaim) this.noteClaim(met, object);
  }

  private noteClaim(met: Met, object: JsonObject): void {
    const pv = child(object, 'spec')?.volumeName;
    this.options.sink.note({
      t: 'claim',
      claim: {
        namespace: met.place.namespace ?? '',
        pvc: met.place.name,
        pv: typeof pv === 'string' ? pv : '',
        excluded: met.plan.role === 'observe',
      },
    });
  }

  private want(want: Want): void {
    if (!this.wantable.has(want.resource) || this.options.state.isWanted(want)) return;
    if (want.namespace !== undefined && !this.namespaces.has(want.namespace)) return;
    this.options.sink.note({ t: 'want', want });
  }

  private refuse(resource: ApiResource, found: string, place?: Place): void {
    const name = groupResource(resource);
    const of = place === undefined ? name : `${name} ${place.namespace ?? ''}/${place.name}`;
    this.options.sink.note({
      t: 'error',
      finding: {
        code: 'object_rejected',
        ...(place === undefined ? {} : { object: { ...typeOf(resource), ...place } }),
        step: 'capture',
        message: `Cannot capture an object of ${of}: ${found}`,
      },
    });
  }
}

function typeOf(resource: ApiResource): { apiVersion: string; kind: string } {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind };
}

function labelsOf(metadata: JsonObject): Record<string, string> {
  const { labels } = metadata;
  if (!isJsonObject(labels)) return {};
  return Object.fromEntries(
    Object.entries(labels).filter((e): e is [string, string] => typeof e[1] === 'string'),
  );
}
