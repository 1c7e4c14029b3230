/** Changing an object: PUT, every kind of PATCH, and subresources lead through here. */
import { admitUpdate } from '../admission/admit.ts';
import { quotaCharges } from '../admission/resource-quotas.ts';
import type { Cluster } from '../cluster.ts';
import { invalidField, invalidObject } from '../field-error.ts';
import { copyObject, deepEqual, type JsonObject, objectsAt, textAt } from '../json-tree.ts';
import { trackUpdate } from '../managed-fields/managed-fields.ts';
import { groupResource } from '../resources/resource-table.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import { badRequest, conflict, modified, notFound, StatusError } from '../status-error.ts';
import { keyOf } from '../storage/keys.ts';
import { parseStored } from '../storage/store-event.ts';
import { validateObjectMeta, validateObjectMetaUpdate } from '../validation/object-meta.ts';
import type { Writer } from '../writer.ts';
import { finishDeletion } from './finish-deletion.ts';
import { isDeleting, metadataOf } from './object-meta.ts';

/** What to change. */
export interface UpdateRequest {
  readonly resource: ServedResource;
  readonly namespace: string | undefined;
  readonly name: string;
  /** '' for the object itself. */
  readonly subresource: string;
  readonly writer: Writer;
  /** Makes the new state, decoded and with defaults, out of (a copy of) the current one. */
  readonly change: (current: JsonObject) => JsonObject;
  /** Ownership of fields is settled by `change` (server-side apply). */
  readonly tracked?: boolean;
}

/** Rounds of an update without resourceVersion against other writers. */
const attemptsMax = 20;

/** What an object looks like with only the part changed that the subresource covers. */
function confine(request: UpdateRequest, next: JsonObject, old: JsonObject): JsonObject {
  const { resource, subresource } = request;
  if (subresource === 'status') {
    const metadata = resource.custom
      ? { ...metadataOf(old), managedFields: metadataOf(next).managedFields }
      : metadataOf(next);
    return { ...old, metadata, status: next.status };
  }
  if (subresource === 'finalize') return { ...old, spec: next.spec };
  // Other subresources (binding, scale) choose themselves what they touch.
  if (subresource !== '' || !resource.strategy.hasStatus) return next;
  const { status: _status, ...rest } = next;
  return old.status === undefined ? rest : { ...rest, status: old.status };
}

function keepSystemFields(next: JsonObject, old: JsonObject): void {
  const [metadata, before] = [metadataOf(next), metadataOf(old)];
  const keep = (field: string): void => {
    if (before[field] === undefined) delete metadata[field];
    else metadata[field] = before[field];
  };
  metadata.uid ??= before.uid;
  keep('generation');
  keep('creationTimestamp');
  keep('deletionTimestamp');
  keep('deletionGracePeriodSeconds');
  delete metadata.selfLink;
}

function bumpGeneration(resource: ServedResource, next: JsonObject, old: JsonObject): void {
  const fields = resource.strategy.generationFields;
  if (fields === undefined) return;
  const bare = (object: JsonObject): JsonObject => ({
    ...object,
    metadata: null,
    ...(fields === 'allButStatus' ? { status: null } : {}),
  });
  const differs =
    fields === 'all' || fields === 'allButStatus'
      ? !deepEqual(bare(next), bare(old))
      : fields.some((field) => !deepEqual(next[field], old[field]));
  const before = metadataOf(old).generation;
  if (differs && typeof before === 'number') metadataOf(next).generation = before + 1;
}

function validate(request: UpdateRequest, next: JsonObject, old: JsonObject): void {
  const { resource, subresource, name } = request;
  const { strategy, info } = resource;
  const common = validateObjectMetaUpdate(next, old);
  const errors = [...common, ...validateObjectMeta(next, strategy.checkName, info), ...common];
  if (subresource === '') errors.push(...(strategy.validateUpdate?.(next, old) ?? []));
  if (subresource === 'status') errors.push(...(strategy.validateStatusUpdate?.(next, old) ?? []));
  if (errors.length > 0) throw invalidObject({ group: info.group, kind: info.kind, name }, errors);
}

function subjectOf(request: UpdateRequest): { group: string; plural: string; name: string } {
  const { group, plural } = request.resource.info;
  return { group, plural, name: request.name };
}

/** @throws StatusError where the new state names another object, or another state of it. */
function checkPreconditions(request: UpdateRequest, next: JsonObject, old: JsonObject): void {
  const { resource, name, namespace } = request;
  const metadata = metadataOf(next);
  const before = metadataOf(old);
  const sent = textAt(metadata, 'name');
  if (sent !== name) {
    throw badRequest(
      `the name of the object (${sent}) does not match the name on the URL (${name})`,
    );
  }
  const place = textAt(metadata, 'namespace');
  if (namespace !== undefined && place !== '' && place !== namespace) {
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  if (namespace !== undefined) metadata.namespace = namespace;
  const uid = textAt(metadata, 'uid');
  if (uid !== '' && uid !== before.uid) {
    const path = [resource.info.plural, namespace, name].filter((p) => p !== undefined).join('/');
    throw conflict(
      subjectOf(request),
      `StorageError: invalid object, Code: 4, Key: /registry/${path}, ResourceVersion: 0, ` +
        `AdditionalErrorMsg: Precondition failed: UID in precondition: ${uid}, ` +
        `UID in object meta: ${textAt(before, 'uid')}`,
    );
  }
  const version = textAt(metadata, 'resourceVersion');
  if (version === '' || version === '0') {
    if (!resource.strategy.updatesUnconditionally) {
      const error = invalidField('metadata.resourceVersion', 0, 'must be specified for an update');
      const { group, plural } = resource.info;
      throw invalidObject({ group, kind: plural, name }, [error]);
    }
    return;
  }
  if (!/^\d+$/.test(version)) {
    const message = `strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`;
    throw new StatusError({ code: 500, message });
  }
  if (version !== before.resourceVersion) throw conflict(subjectOf(request), modified);
}

async function nextState(
  cluster: Cluster,
  request: UpdateRequest,
  old: JsonObject,
): Promise<JsonObject> {
  const { resource, writer, subresource } = request;
  const { codec, strategy } = resource;
  const changed = request.change(copyObject(old));
  checkPreconditions(request, changed, old);
  let next = confine(request, codec.encode(changed), old);
  keepSystemFields(next, old);
  metadataOf(next).resourceVersion = textAt(old, 'metadata', 'resourceVersion');
  if (request.tracked !== true) {
    const onStatus = subresource === 'status' ? ['spec'] : [];
    trackUpdate(old, next, {
      manager: writer.manager,
      apiVersion: resource.apiVersion,
      subresource,
      nowMs: cluster.now(),
      shape: codec.shape,
      resetFields: subresource === '' && strategy.hasStatus ? ['status'] : onStatus,
    });
  }
  next = await admitUpdate(cluster, { ...request, object: next, old }, (admitted) => {
    if (subresource === '' || subresource === 'scale') {
      strategy.prepareForUpdate?.(admitted, old);
      bumpGeneration(resource, admitted, old);
    }
    validate(request, admitted, old);
  });
  return codec.encode(next);
}

/** Whether nothing but the time of an ownership entry differs: such an update writes nothing. */
function isSame(next: JsonObject, old: JsonObject): boolean {
  const bare = (object: JsonObject): JsonObject => {
    const metadata = metadataOf(object);
    const managedFields = objectsAt(metadata, 'managedFields').map(
      ({ time: _time, ...rest }) => rest,
    );
    return { ...object, metadata: { ...metadata, managedFields } };
  };
  return deepEqual(next, old) || deepEqual(bare(next), bare(old));
}

/** Changes an object and returns it as stored. @throws StatusError */
export async function updateObject(cluster: Cluster, request: UpdateRequest): Promise<JsonObject> {
  const { resource, namespace, name, writer } = request;
  const { codec } = resource;
  const place = { resource: resource.storageKey, namespace, name };
  const key = keyOf(place);
  for (let attempt = 1; ; attempt += 1) {
    const json = cluster.store.read(key);
    if (json === undefined) throw notFound(subjectOf(request));
    const old = codec.fromStorage(parseStored(json));
    const next = await nextState(cluster, request, old);
    if (isSame(next, old)) return old;
    const saved = cluster.store.transact(() => {
      const now = cluster.store.read(key);
      if (now === undefined) throw notFound(subjectOf(request));
      if (!now.equals(json)) return undefined;
      const charges =
        request.subresource === ''
          ? quotaCharges(cluster, { resource, namespace, object: next, old })
          : [];
      cluster.allocators.beforeUpdate(place, next, old, writer);
      if (writer.dryRun) return next;
      for (const { key: quotaKey, quota } of charges) cluster.store.put(quotaKey, quota);
      const stored = codec.toStorage(next);
      if (isDeleting(stored) && finishDeletion(cluster.store, resource, key, stored)) return next;
      const revision = cluster.store.put(key, stored);
      metadataOf(next).resourceVersion = String(revision);
      return next;
    });
    // A revision that the request insists on is compared again in the next round.
    if (saved !== undefined) return saved;
    if (attempt === attemptsMax) {
      throw new StatusError({
        code: 409,
        reason: 'Conflict',
        message: `Cannot update ${groupResource(resource.info)} "${name}": ${attempt} writers came first`,
      });
    }
  }
}
