/** Lists: pages that are consistent at one revision, copied from the store's bytes where possible. */
import type { Cluster } from '../cluster.ts';
import { invalidField } from '../field-error.ts';
import { objectAt } from '../json-tree.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import { badRequest, expired, StatusError } from '../status-error.ts';
import { prefixOf } from '../storage/keys.ts';
import type { StoredObject } from '../storage/object-store.ts';
import { parseStored } from '../storage/store-event.ts';
import { decodeContinue, encodeContinue } from './continue-token.ts';
import { type FieldRequirement, matchesFields, parseFieldSelector } from './field-selector.ts';
import { matchesRequirements, parseLabelSelector, type Requirement } from './label-selector.ts';
import type { ListOptions } from './query-options.ts';

/** A page of a list; each item is the object's JSON without apiVersion and kind. */
export interface ListPage {
  readonly revision: number;
  readonly items: readonly Buffer[];
  readonly keys: readonly string[];
  readonly continueToken?: string;
  readonly remaining?: number;
}

/** Which objects of a resource are meant. */
export interface Selection {
  readonly labels: readonly Requirement[];
  readonly fields: readonly FieldRequirement[];
}

/** Reads the selectors of a list or watch. @throws StatusError 400 */
export function readSelection(
  resource: ServedResource,
  options: Pick<ListOptions, 'labelSelector' | 'fieldSelector'>,
): Selection {
  return {
    labels: parseLabelSelector(options.labelSelector),
    fields: parseFieldSelector(options.fieldSelector, resource),
  };
}

/** Reads a resourceVersion; undefined where none is given. @throws StatusError 400 */
export function readRevision(text: string): number | undefined {
  if (text === '') return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  const why = `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
  const { field, message } = invalidField('resourceVersion', text, why);
  throw badRequest(`invalid resource version: ${field}: ${message}`);
}

const tooOldToContinue =
  'The provided continue parameter is too old to display a consistent list result. You can start ' +
  'a new list without the continue parameter, or use the continue token in this response to ' +
  'retrieve the remainder of the results. Continuing with the provided token results in an ' +
  'inconsistent list - objects that were created, modified, or deleted between the time the ' +
  'first chunk was returned and now may show up in the list.';

/** 504: the client knows a revision that is not there yet. */
function tooLarge(asked: number, current: number): StatusError {
  return new StatusError({
    code: 504,
    reason: 'Timeout',
    message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
    details: {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  });
}

interface Start {
  readonly revision: number;
  readonly after: string | undefined;
  readonly startedAtMs: number;
}

function startOf(cluster: Cluster, options: ListOptions, prefix: string, ttlMs: number): Start {
  const { store, now } = cluster;
  const newest = store.revision;
  if (options.continueToken !== '') {
    if (options.resourceVersion !== '' && options.resourceVersion !== '0') {
      throw badRequest('specifying resource version is not allowed when using continue');
    }
    const token = decodeContinue(options.continueToken);
    const after = `${prefix}${token.after}`;
    if (token.revision < 0) return { revision: newest, after, startedAtMs: now() };
    if (now() - token.startedAtMs > ttlMs || token.revision < store.oldestRevision) {
      throw expired(tooOldToContinue, encodeContinue({ ...token, revision: -1 }));
    }
    return { revision: token.revision, after, startedAtMs: token.startedAtMs };
  }
  const asked = readRevision(options.resourceVersion) ?? 0;
  if (asked > newest) throw tooLarge(asked, newest);
  const exact =
    options.resourceVersionMatch === 'Exact' ||
    (options.resourceVersionMatch === '' && options.limit > 0 && asked > 0);
  if (exact && asked < store.oldestRevision) {
    throw expired('The resourceVersion for the provided list is too old.');
  }
  return { revision: exact ? asked : newest, after: undefined, startedAtMs: now() };
}

/** Whether an object is selected. */
export function isSelected(
  resource: ServedResource,
  selection: Selection,
  object: Record<string, unknown>,
): boolean {
  if (!matchesRequirements(selection.labels, objectAt(object, 'metadata', 'labels') ?? {})) {
    return false;
  }
  return matchesFields(selection.fields, resource, object);
}

/** One page of a list. @throws StatusError */
export function listObjects(
  cluster: Cluster,
  request: {
    readonly resource: ServedResource;
    readonly namespace: string | undefined;
    readonly options: ListOptions;
    readonly continueTtlMs: number;
  },
): ListPage {
  const { resource, namespace, options } = request;
  const { store } = cluster;
  const prefix = prefixOf(resource.storageKey, namespace);
  const selection = readSelection(resource, options);
  const plain = selection.labels.length === 0 && selection.fields.length === 0;
  const start = startOf(cluster, options, prefix, request.continueTtlMs);
  const current = start.revision === store.revision;
  const scan: Iterable<StoredObject> = current
    ? store.scan(prefix, start.after)
    : store.scanAt(start.revision, prefix, start.after);
  const items: Buffer[] = [];
  const keys: string[] = [];
  let more = false;
  for (const { key, json } of scan) {
    let item = json;
    if (!plain || !resource.codec.readsAsStored) {
      const object = resource.codec.fromStorage(parseStored(json));
      if (!isSelected(resource, selection, object)) continue;
      if (!resource.codec.readsAsStored) item = Buffer.from(JSON.stringify(object));
    }
    if (options.limit > 0 && items.length === options.limit) {
      more = true;
      break;
    }
    items.push(item);
    keys.push(key);
  }
  const last = keys[keys.length - 1];
  if (!more || last === undefined) return { revision: start.revision, items, keys };
  const token = encodeContinue({ ...start, after: last.slice(prefix.length) });
  const page = { revision: start.revision, items, keys, continueToken: token };
  return plain ? { ...page, remaining: countAfter(cluster, start.revision, prefix, last) } : page;
}

function countAfter(cluster: Cluster, revision: number, prefix: string, last: string): number {
  if (revision === cluster.store.revision) return cluster.store.count(prefix, last);
  let count = 0;
  for (const _ of cluster.store.scanAt(revision, prefix, last)) count += 1;
  return count;
}
