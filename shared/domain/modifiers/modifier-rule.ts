/**
 * Resource modifiers: rules of the caller that change objects last, after treatment and mappings, in
 * Velero's format (version v1). Conditions are all judged before any rule changes the object; every rule
 * that applies does so in order. Unlike in Velero, a rule that fails fails the object: it is never
 * created unmodified. No rule may change which object it is (kind, name, namespace) or whom it belongs to.
 */
import type { Json, JsonObject } from '../json.ts';
import type { KubeObject } from '../kube-object.ts';
import { type LabelSelector, matchesSelector } from '../label-selector.ts';
import { applyOperation, holds, type PatchOperation } from './json-patch.ts';
import { copyOf, isEqual } from './json-value.ts';
import { applyMergePatch, applyStrategicPatch, type KindSchema } from './merge-patch.ts';
import { parseNamePattern } from './name-pattern.ts';

/** A JSON object of the caller. */
type PatchData = { readonly [field: string]: Json };

/** One rule; exactly one kind of patch. Names are those of the backup, as Velero has it. */
export interface ModifierRule {
  readonly conditions: {
    /** `deployments.apps`, `pods`; `*` and `?` stand for any text and any character. */
    readonly groupResource: string;
    readonly resourceNameRegex?: string;
    readonly namespaces?: readonly string[];
    readonly labelSelector?: LabelSelector;
    readonly matches?: readonly { readonly path: string; readonly value: Json }[];
  };
  readonly patches?: readonly PatchOperation[];
  readonly mergePatches?: readonly { readonly patchData: PatchData }[];
  readonly strategicPatches?: readonly { readonly patchData: PatchData }[];
}

/** Where the object stood in the backup. */
interface SourceName {
  readonly resource: string;
  readonly namespace?: string;
  readonly name: string;
}

/** The rules by number that apply to an object as it is now. */
export function matchingRules(
  rules: readonly ModifierRule[],
  source: SourceName,
  object: KubeObject,
): readonly { readonly number: number; readonly rule: ModifierRule }[] {
  return rules
    .map((rule, at) => ({ number: at + 1, rule }))
    .filter(({ rule }) => applies(rule, source, object));
}

function applies({ conditions }: ModifierRule, source: SourceName, object: KubeObject): boolean {
  const { groupResource, resourceNameRegex, namespaces = [], labelSelector, matches } = conditions;
  if (!matchesGlob(groupResource, source.resource)) return false;
  if (namespaces.length > 0 && !namespaces.includes(source.namespace ?? '')) return false;
  if (resourceNameRegex !== undefined && resourceNameRegex !== '') {
    const pattern = parseNamePattern(resourceNameRegex);
    if (typeof pattern === 'string' || !pattern(source.name)) return false;
  }
  if (labelSelector !== undefined && !matchesSelector(labelSelector, object.metadata.labels)) {
    return false;
  }
  return (matches ?? []).every(({ path, value }) => holds(object, path, value));
}

function matchesGlob(glob: string, text: string): boolean {
  const escaped = glob.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
  const pattern = parseNamePattern(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  return typeof pattern !== 'string' && pattern(text);
}

/** What happened: lines for the object's changes, or why the object must not be created. */
export type Modified = { readonly changes: readonly string[] } | { readonly refused: string };

/** Applies rules in place. `schema` is needed by strategic patches; undefined where there is none. */
export function applyRules(
  object: KubeObject,
  rules: readonly { readonly number: number; readonly rule: ModifierRule }[],
  schema: KindSchema | undefined,
): Modified {
  const before = identityOf(object);
  const changes: string[] = [];
  for (const { number, rule } of rules) {
    for (const { what, apply } of patchesOf(rule, schema)) {
      const failure = apply(object) ?? identityChange(before, object);
      if (failure !== undefined) {
        return { refused: `resource modifier ${number}, ${what}: ${failure}` };
      }
      changes.push(`resource modifier ${number}: ${what}`);
    }
  }
  return { changes };
}

interface Patch {
  readonly what: string;
  apply(object: JsonObject): string | undefined;
}

function patchesOf(rule: ModifierRule, schema: KindSchema | undefined): readonly Patch[] {
  const { patches = [], mergePatches = [], strategicPatches = [] } = rule;
  return [
    ...patches.map((patch, at) => ({
      what: `patch ${at + 1} (${patch.operation} ${patch.path})`,
      apply: (object: JsonObject) => applyOperation(object, patch),
    })),
    ...mergePatches.map(({ patchData }, at) => ({
      what: `merge patch ${at + 1} (${Object.keys(patchData).join(', ')})`,
      apply: (object: JsonObject) => {
        applyMergePatch(object, { ...patchData });
        return undefined;
      },
    })),
    ...strategicPatches.map(({ patchData }, at) => ({
      what: `strategic patch ${at + 1} (${Object.keys(patchData).join(', ')})`,
      apply: (object: JsonObject) =>
        schema === undefined
          ? 'the target publishes no merge keys for this kind, use a merge patch'
          : applyStrategicPatch(object, { ...patchData }, schema),
    })),
  ];
}

/**
 * Another name would escape the plan (what exists is looked for by it), an owner of the backup would make
 * the collector delete the object, and a claim bound elsewhere would lose the data that it is to have.
 */
const FIXED_METADATA = [
  'name',
  'namespace',
  'generateName',
  'uid',
  'resourceVersion',
  'deletionTimestamp',
  'ownerReferences',
];
const FIXED_OF_CLAIMS = ['volumeName', 'dataSource', 'dataSourceRef'];

function identityOf(object: JsonObject): ReadonlyMap<string, unknown> {
  const { apiVersion, kind, metadata, spec } = object;
  const fixed = new Map<string, unknown>([
    ['apiVersion', apiVersion],
    ['kind', kind],
  ]);
  const keep = (holder: unknown, prefix: string, fields: readonly string[]): void => {
    const there: JsonObject = typeof holder === 'object' && holder !== null ? { ...holder } : {};
    for (const field of fields) fixed.set(`${prefix}.${field}`, copyOf(there[field]));
  };
  keep(metadata, 'metadata', FIXED_METADATA);
  if (kind === 'PersistentVolumeClaim') keep(spec, 'spec', FIXED_OF_CLAIMS);
  return fixed;
}

function identityChange(
  before: ReadonlyMap<string, unknown>,
  object: JsonObject,
): string | undefined {
  const after = identityOf(object);
  const changed = [...before].find(([field, value]) => !isEqual(value, after.get(field)));
  return changed === undefined ? undefined : `it changes ${changed[0]}, which no rule may`;
}
