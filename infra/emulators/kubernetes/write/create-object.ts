/** Creating an object: every way leads through here (POST, apply, PUT of some kinds, controllers). */
import { randomInt, randomUUID } from 'node:crypto';
import { admitCreate } from '../admission/admit.ts';
import { quotaCharges } from '../admission/resource-quotas.ts';
import type { Cluster } from '../cluster.ts';
import { invalidObject } from '../field-error.ts';
import { type JsonObject, objectAt, textAt } from '../json-tree.ts';
import { trackUpdate } from '../managed-fields/managed-fields.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import { timeText } from '../schema/scalars.ts';
import { alreadyExists, badRequest, StatusError } from '../status-error.ts';
import { keyOf } from '../storage/keys.ts';
import { parseStored } from '../storage/store-event.ts';
import { validateObjectMeta } from '../validation/object-meta.ts';
import type { Writer } from '../writer.ts';
import { isDeleting, metadataOf } from './object-meta.ts';

/** What to create, already decoded and with defaults. */
export interface CreateRequest {
  readonly resource: ServedResource;
  readonly namespace: string | undefined;
  readonly object: JsonObject;
  readonly writer: Writer;
  /** Ownership of fields is settled already (server-side apply). */
  readonly tracked?: boolean;
}

/** Letters of generated names; no vowels, so that no words appear. @see apimachinery util/rand */
const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 5;
/** Longest base of a generated name: a DNS label less the suffix. */
const generatedBaseMax = 63 - suffixLength;
/** Tries at a free generated name. @see generic registry Store, maxNameGenerationCreateAttempts */
const generateAttemptsMax = 8;

function generatedName(base: string): string {
  let suffix = '';
  for (let i = 0; i < suffixLength; i += 1)
    suffix += suffixLetters[randomInt(suffixLetters.length)];
  return `${base.slice(0, generatedBaseMax)}${suffix}`;
}

function placeInNamespace(request: CreateRequest): void {
  const metadata = metadataOf(request.object);
  const given = textAt(metadata, 'namespace');
  if (!request.resource.info.namespaced) {
    delete metadata.namespace;
    return;
  }
  if (given !== '' && given !== request.namespace) {
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  metadata.namespace = request.namespace;
}

function fillSystemFields(request: CreateRequest, nowMs: number): void {
  const metadata = metadataOf(request.object);
  if (textAt(metadata, 'resourceVersion') !== '' && metadata.resourceVersion !== '0') {
    throw new StatusError({
      code: 500,
      message: 'resourceVersion should not be set on objects to be created',
    });
  }
  metadata.uid = randomUUID();
  metadata.creationTimestamp = timeText(nowMs);
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
}

function prepare(request: CreateRequest): void {
  const { resource, object, writer } = request;
  const { strategy } = resource;
  const metadata = metadataOf(object);
  // Kinds that do not count generations keep whatever number they are given.
  if (strategy.generationFields !== undefined) metadata.generation = 1;
  if (strategy.hasStatus && !strategy.acceptsStatusAtCreation) delete object.status;
  strategy.prepareForCreate?.(object, (text) => writer.warnings.push(text));
  const errors = [
    ...validateObjectMeta(object, strategy.checkName, resource.info),
    ...(strategy.validate?.(object) ?? []),
  ];
  if (errors.length > 0) {
    const { group, kind } = resource.info;
    throw invalidObject({ group, kind, name: textAt(metadata, 'name') }, errors);
  }
}

function save(cluster: Cluster, request: CreateRequest, object: JsonObject): JsonObject {
  const { resource, namespace, writer } = request;
  const { group, plural, namespaced } = resource.info;
  const name = textAt(object, 'metadata', 'name');
  const place = {
    resource: resource.storageKey,
    namespace: namespaced ? namespace : undefined,
    name,
  };
  const key = keyOf(place);
  return cluster.store.transact(() => {
    // A quota that is used up refuses what exists already, too: admission comes first.
    const charges = quotaCharges(cluster, { resource, namespace, object });
    const there = cluster.store.read(key);
    if (there !== undefined) {
      throw alreadyExists({ group, plural, name }, isDeleting(parseStored(there)));
    }
    cluster.allocators.beforeCreate(place, object, writer);
    metadataOf(object).resourceVersion = '0';
    const final = resource.codec.encode(object);
    if (writer.dryRun) {
      delete metadataOf(final).resourceVersion;
      return final;
    }
    for (const { key: quotaKey, quota } of charges) cluster.store.put(quotaKey, quota);
    const stored = resource.codec.toStorage(final);
    const revision = cluster.store.put(key, stored);
    metadataOf(final).resourceVersion = String(revision);
    return final;
  });
}

/** Creates an object and returns it as stored. @throws StatusError */
export async function createObject(cluster: Cluster, request: CreateRequest): Promise<JsonObject> {
  const { resource, writer } = request;
  placeInNamespace(request);
  fillSystemFields(request, cluster.now());
  let object = request.object;
  if (request.tracked !== true) {
    object = resource.codec.encode(object);
    trackUpdate(resource.codec.empty, object, {
      manager: writer.manager,
      apiVersion: resource.apiVersion,
      subresource: '',
      nowMs: cluster.now(),
      shape: resource.codec.shape,
      resetFields: resource.strategy.hasStatus ? ['status'] : [],
    });
  }
  const metadata = metadataOf(object);
  const generated = textAt(metadata, 'name') === '' && textAt(metadata, 'generateName') !== '';
  if (generated) metadata.name = generatedName(textAt(metadata, 'generateName'));
  object = await admitCreate(cluster, { ...request, object }, (admitted) =>
    prepare({ ...request, object: admitted }),
  );
  for (let attempt = 1; ; attempt += 1) {
    try {
      return save(cluster, request, object);
    } catch (error) {
      const taken = error instanceof StatusError && error.reason === 'AlreadyExists';
      if (!taken || !generated || attempt === generateAttemptsMax) throw error;
      const again = objectAt(object, 'metadata') ?? {};
      again.name = generatedName(textAt(again, 'generateName'));
    }
  }
}
