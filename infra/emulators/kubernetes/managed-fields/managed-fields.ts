/** Who owns which field (`metadata.managedFields`), kept through updates and server-side apply. */
import { isObject, type JsonObject, objectsAt, textAt } from '../json-tree.ts';
import { timeText } from '../schema/scalars.ts';
import { StatusError } from '../status-error.ts';
import { compareObjects } from './compare.ts';
import { FieldSet } from './field-set.ts';
import type { Shape } from './shape.ts';
import { fieldSetOf, mergeValues, removeFields } from './structured-merge.ts';

interface Manager {
  readonly name: string;
  readonly operation: 'Update' | 'Apply';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string;
  readonly fields: FieldSet;
}

/** Who writes, and how. */
export interface FieldWriter {
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource: string;
  readonly nowMs: number;
  readonly shape: Shape;
  /** Top-level fields that this writer cannot change (status on the main resource). */
  readonly resetFields: readonly string[];
}

/** Update managers kept apart at most; older ones are merged. @see managedfields DefaultMaxUpdateManagers */
const updateManagersMax = 10;

const stripped = FieldSet.fromJson({
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    '.': {},
    'f:name': {},
    'f:namespace': {},
    'f:creationTimestamp': {},
    'f:selfLink': {},
    'f:uid': {},
    'f:clusterName': {},
    'f:generation': {},
    'f:managedFields': {},
    'f:resourceVersion': {},
  },
});

function decodeManagers(metadata: JsonObject): Manager[] {
  return objectsAt(metadata, 'managedFields').map((entry) => {
    const fields = entry.fieldsV1;
    return {
      name: textAt(entry, 'manager'),
      operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
      apiVersion: textAt(entry, 'apiVersion'),
      subresource: textAt(entry, 'subresource'),
      time: textAt(entry, 'time'),
      fields: isObject(fields) ? FieldSet.fromJson(fields) : new FieldSet(),
    };
  });
}

function encodeManagers(managers: readonly Manager[]): JsonObject[] {
  const order = (m: Manager): string =>
    [m.operation, m.time, m.name, m.apiVersion, m.subresource].join('\n');
  return [...managers]
    .sort((a, b) => (order(a) < order(b) ? -1 : 1))
    .map((m) => ({
      manager: m.name,
      operation: m.operation,
      apiVersion: m.apiVersion,
      time: m.time,
      fieldsType: 'FieldsV1',
      fieldsV1: m.fields.toJson(),
      ...(m.subresource === '' ? {} : { subresource: m.subresource }),
    }));
}

function setManagers(object: JsonObject, managers: readonly Manager[]): void {
  const metadata = object.metadata;
  if (!isObject(metadata)) return;
  if (managers.length === 0) delete metadata.managedFields;
  else metadata.managedFields = encodeManagers(managers);
}

function metadataOf(object: JsonObject): JsonObject {
  const metadata = object.metadata;
  return isObject(metadata) ? metadata : {};
}

function isReset(metadata: JsonObject): boolean {
  const entries = metadata.managedFields;
  if (!Array.isArray(entries)) return false;
  const [first] = entries as unknown[];
  const oneEmpty = entries.length === 1 && isObject(first) && Object.keys(first).length === 0;
  return entries.length === 0 || oneEmpty;
}

function capUpdateManagers(managers: Manager[]): Manager[] {
  const updates = managers.filter((m) => m.operation === 'Update');
  if (updates.length <= updateManagersMax) return managers;
  updates.sort((a, b) => (a.time < b.time ? -1 : 1));
  const merged = updates.slice(0, updates.length - updateManagersMax + 1);
  const newest = merged[merged.length - 1];
  if (newest === undefined) return managers;
  const ancient: Manager = {
    ...newest,
    name: 'ancient-changes',
    subresource: '',
    fields: merged.reduce((set, m) => set.union(m.fields), new FieldSet()),
  };
  return [...managers.filter((m) => !merged.includes(m)), ancient];
}

/**
 * Records an update: changed fields go to the writer, removed ones go from everybody. `live` is the
 * empty object of the kind when the object is new. Changes `next.metadata.managedFields`.
 */
export function trackUpdate(live: JsonObject, next: JsonObject, writer: FieldWriter): void {
  const nextMeta = metadataOf(next);
  const liveMeta = metadataOf(live);
  const isNew = textAt(liveMeta, 'uid') === '';
  let managers: Manager[] = [];
  if (writer.subresource !== '') managers = decodeManagers(liveMeta);
  else if (!isReset(nextMeta)) {
    managers = decodeManagers(nextMeta);
    if (managers.length === 0) managers = decodeManagers(liveMeta);
  }
  delete nextMeta.managedFields;
  // An object whose managers were dropped is not tracked again until somebody applies it.
  if (managers.length === 0 && !isNew) return;
  const without = { ...live, metadata: { ...liveMeta, managedFields: undefined } };
  setManagers(next, takeFields(without, next, managers, writer));
}

function takeFields(
  live: JsonObject,
  next: JsonObject,
  managers: readonly Manager[],
  writer: FieldWriter,
): Manager[] {
  const { added, modified, removed } = compareObjects(live, next, writer.shape);
  const changed = added.union(modified).withoutFields(writer.resetFields);
  const gone = removed.withoutFields(writer.resetFields);
  const mine = changed.difference(stripped);
  let rest = managers.map((m) => ({
    ...m,
    fields: m.fields.difference(changed).difference(gone),
  }));
  if (!mine.isEmpty) {
    const isMine = (m: Manager): boolean =>
      m.operation === 'Update' &&
      m.name === writer.manager &&
      m.apiVersion === writer.apiVersion &&
      m.subresource === writer.subresource;
    const before = rest.find(isMine);
    rest = rest.filter((m) => !isMine(m));
    rest.push({
      name: writer.manager,
      operation: 'Update',
      apiVersion: writer.apiVersion,
      subresource: writer.subresource,
      time: timeText(writer.nowMs),
      fields: before === undefined ? mine : mine.union(before.fields),
    });
  }
  return capUpdateManagers(rest.filter((m) => !m.fields.isEmpty));
}

function pathText(path: readonly string[]): string {
  return path
    .map((element) => {
      const text = element.slice(2);
      if (element.startsWith('f:')) return `.${text}`;
      if (element.startsWith('v:')) return `[=${text}]`;
      const keys: unknown = JSON.parse(text);
      const pairs = Object.entries(isObject(keys) ? keys : {});
      return `[${pairs.map(([k, v]) => `${k}=${JSON.stringify(v)}`).join(',')}]`;
    })
    .join('');
}

function conflictsWith(managers: readonly { manager: Manager; fields: FieldSet }[]): StatusError {
  const causes: { reason: string; message: string; field: string }[] = [];
  const lines: string[] = [];
  for (const { manager, fields } of managers) {
    const sub =
      manager.subresource === '' ? '' : ` with subresource ${JSON.stringify(manager.subresource)}`;
    const at = manager.operation === 'Update' ? ` using ${manager.apiVersion}` : '';
    const who = `conflict with ${JSON.stringify(manager.name)}${sub}${at}`;
    const paths = [...fields.paths()].map(pathText);
    for (const field of paths) causes.push({ reason: 'FieldManagerConflict', message: who, field });
    lines.push(
      paths.length === 1
        ? `${who}: ${paths[0]}`
        : `${who}:\n${paths.map((p) => `- ${p}`).join('\n')}`,
    );
  }
  const count = causes.length === 1 ? '1 conflict' : `${causes.length} conflicts`;
  const joined = lines.length === 1 ? ` ${lines[0]}` : `\n${lines.join('\n')}`;
  return new StatusError({
    code: 409,
    reason: 'Conflict',
    message: `Apply failed with ${count}:${joined}`,
    details: { causes },
  });
}

function prune(
  merged: JsonObject,
  last: Manager | undefined,
  managers: readonly Manager[],
  shape: Shape,
): JsonObject {
  if (last === undefined || last.fields.isEmpty) return merged;
  const named = (set: FieldSet): FieldSet => set.withNamedFields(shape);
  const removeFrom = (object: JsonObject, set: FieldSet): JsonObject => {
    const rest = removeFields(object, set, shape);
    return isObject(rest) ? rest : {};
  };
  const lastSet = named(last.fields);
  let pruned = removeFrom(merged, lastSet);
  const mergedSet = named(fieldSetOf(merged, shape));
  const owned = managers.reduce((set, m) => set.union(m.fields), new FieldSet());
  const kept = named(fieldSetOf(pruned, shape)).union(named(owned));
  pruned = removeFrom(merged, mergedSet.difference(kept));
  const prunedSet = named(fieldSetOf(pruned, shape));
  return removeFrom(merged, mergedSet.difference(prunedSet).intersection(lastSet));
}

/**
 * Server-side apply: merges `config` over `live`, drops what the manager applied before and no longer
 * names, and moves ownership. @throws StatusError 409 with the conflicting fields, unless forced.
 */
export function applyConfiguration(
  live: JsonObject,
  config: JsonObject,
  writer: FieldWriter & { readonly force: boolean; readonly empty: JsonObject },
): JsonObject {
  const liveMeta = metadataOf(live);
  let managers = decodeManagers(liveMeta);
  const { managedFields: _managed, ...bareMeta } = liveMeta;
  const bare = { ...live, metadata: bareMeta };
  if (managers.length === 0 && textAt(liveMeta, 'uid') !== '') {
    managers = takeFields(writer.empty, bare, [], { ...writer, manager: 'before-first-apply' });
  }
  const isMine = (m: Manager): boolean =>
    m.operation === 'Apply' && m.name === writer.manager && m.subresource === writer.subresource;
  const last = managers.find(isMine);
  const mine: Manager = {
    name: writer.manager,
    operation: 'Apply',
    apiVersion: writer.apiVersion,
    subresource: writer.subresource,
    time: last?.time ?? timeText(writer.nowMs),
    fields: fieldSetOf(config, writer.shape).withoutFields(writer.resetFields),
  };
  const others = managers.filter((m) => !isMine(m));
  const merged = mergeValues(bare, config, writer.shape);
  const next = prune(isObject(merged) ? merged : {}, last, [...others, mine], writer.shape);
  const { added, modified, removed } = compareObjects(bare, next, writer.shape);
  const changed = added.union(modified).withoutFields(writer.resetFields);
  const conflicts = others
    .map((manager) => ({ manager, fields: manager.fields.intersection(changed) }))
    .filter((c) => !c.fields.isEmpty);
  if (conflicts.length > 0 && !writer.force) throw conflictsWith(conflicts);
  const rest = others.map((m) => ({
    ...m,
    fields: m.fields.difference(changed).difference(removed),
  }));
  const same = changed.isEmpty && removed.isEmpty;
  const stamped = { ...mine, ...(same ? {} : { time: timeText(writer.nowMs) }) };
  const final = { ...stamped, fields: mine.fields.difference(stripped) };
  const result: JsonObject = { ...next, metadata: { ...metadataOf(next) } };
  setManagers(
    result,
    [...rest, final].filter((m) => !m.fields.isEmpty),
  );
  return result;
}
