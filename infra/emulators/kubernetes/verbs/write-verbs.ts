/** POST, PUT and DELETE of objects. */
import type { Cluster } from '../cluster.ts';
import { type FieldError, invalidField, invalidObject, unsupportedValue } from '../field-error.ts';
import { parseObjectBody } from '../http/body.ts';
import { duplicateFields, jsonProblem } from '../http/json-scan.ts';
import { jsonReply, type Reply } from '../http/reply.ts';
import { copyObject, isObject, type JsonObject, numberAt, textAt } from '../json-tree.ts';
import { listObjects } from '../read/list-objects.ts';
import { readListOptions } from '../read/query-options.ts';
import { badRequest, StatusError } from '../status-error.ts';
import { placeOf } from '../storage/keys.ts';
import { createObject } from '../write/create-object.ts';
import { cannotHandle, decodeObject } from '../write/decode-object.ts';
import {
  type DeleteOptions,
  type DeleteResult,
  deleteObject,
  deleteObjects,
  type Propagation,
} from '../write/delete-object.ts';
import { metadataOf } from '../write/object-meta.ts';
import { updateObject } from '../write/update-object.ts';
import type { Writer } from '../writer.ts';
import { listReply, objectReply } from './object-reply.ts';
import { deprecationsOf } from './read-verbs.ts';
import { bodyType, type ResourceRequest, writerOf } from './resource-request.ts';

function decodeBody(request: ResourceRequest, writer: Writer): JsonObject {
  const { resource } = request;
  const raw = parseObjectBody(request.body, bodyType(request), resource.info.kind);
  refuseDuplicates(request, writer);
  const object = decodeObject(resource, raw, writer);
  resource.codec.applyDefaults(object);
  return object;
}

/** A field that stands twice is an error to a strict reader; the last one counts to the others. */
function refuseDuplicates(request: ResourceRequest, writer: Writer): void {
  if (writer.fieldValidation !== 'Strict' || bodyType(request) === 'application/yaml') return;
  const twice = duplicateFields(request.body).map((path) => `duplicate field "${path}"`);
  if (twice.length === 0) return;
  throw cannotHandle(request.resource, `strict decoding error: ${twice.join(', ')}`);
}

/** POST of a new object. */
export async function createVerb(cluster: Cluster, request: ResourceRequest): Promise<Reply> {
  const { writer } = writerOf(request, 'CreateOptions');
  writer.warnings.push(...deprecationsOf(request));
  const object = decodeBody(request, writer);
  const { resource, namespace } = request;
  const created = await createObject(cluster, { resource, namespace, object, writer });
  return objectReply(request, 201, created, writer.warnings);
}

/** PUT of an object or of its status. */
export async function updateVerb(cluster: Cluster, request: ResourceRequest): Promise<Reply> {
  const { resource, namespace, name = '', subresource } = request;
  const { writer } = writerOf(request, 'UpdateOptions');
  writer.warnings.push(...deprecationsOf(request));
  const object = decodeBody(request, writer);
  try {
    const change = (): JsonObject => copyObject(object);
    const update = { resource, namespace, name, subresource, writer, change };
    return objectReply(request, 200, await updateObject(cluster, update), writer.warnings);
  } catch (error) {
    const missing = error instanceof StatusError && error.code === 404;
    if (!missing || subresource !== '' || !resource.strategy.createsOnUpdate) throw error;
    const sent = textAt(metadataOf(object), 'name');
    if (sent !== name) {
      throw badRequest(
        `the name of the object (${sent}) does not match the name on the URL (${name})`,
      );
    }
    const created = await createObject(cluster, { resource, namespace, object, writer });
    return objectReply(request, 201, created, writer.warnings);
  }
}

const propagations: readonly string[] = ['Foreground', 'Background', 'Orphan'];

function deleteOptionsInvalid(error: FieldError): StatusError {
  return invalidObject({ group: 'meta.k8s.io', kind: 'DeleteOptions', name: '' }, [error]);
}

function isPropagation(text: string): text is Propagation {
  return propagations.includes(text);
}

function readPropagation(raw: JsonObject, query: URLSearchParams): Propagation | undefined {
  const orphan = raw.orphanDependents ?? query.get('orphanDependents') ?? undefined;
  const text = textAt(raw, 'propagationPolicy') || (query.get('propagationPolicy') ?? '');
  if (orphan !== undefined && text !== '') {
    const why = 'orphanDependents and deletionPropagation cannot be both set';
    throw deleteOptionsInvalid(invalidField('propagationPolicy', text, why));
  }
  if (orphan === true || orphan === 'true') return 'Orphan';
  if (orphan === false || orphan === 'false') return 'Background';
  if (text === '') return undefined;
  if (isPropagation(text)) return text;
  throw deleteOptionsInvalid(unsupportedValue('propagationPolicy', text, [...propagations, 'nil']));
}

function readDeleteBody(request: ResourceRequest): JsonObject {
  if (request.body === '') return {};
  const type = bodyType(request);
  if (type !== '' && type !== 'application/json') {
    return parseObjectBody(request.body, type, 'DeleteOptions');
  }
  try {
    const value: unknown = JSON.parse(request.body);
    if (isObject(value)) return value;
  } catch {
    const why = `json parse error: ${jsonProblem(request.body)}`;
    throw new StatusError({ code: 500, message: `couldn't get version/kind; ${why}` });
  }
  throw new StatusError({ code: 500, message: "couldn't get version/kind; no object was sent" });
}

function readDeleteOptions(request: ResourceRequest): {
  readonly options: DeleteOptions;
  readonly writer: Writer;
} {
  const { writer } = writerOf(request, 'DeleteOptions');
  const { query } = request;
  const raw = readDeleteBody(request);
  const inBody = Array.isArray(raw.dryRun) && raw.dryRun.length > 0;
  const graceText = query.get('gracePeriodSeconds');
  const grace = numberAt(raw, 'gracePeriodSeconds') ?? (graceText ? Number(graceText) : undefined);
  const propagation = readPropagation(raw, query);
  const uid = textAt(raw, 'preconditions', 'uid');
  const resourceVersion = textAt(raw, 'preconditions', 'resourceVersion');
  return {
    writer: { ...writer, dryRun: writer.dryRun || inBody },
    options: {
      ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
      ...(propagation === undefined ? {} : { propagation }),
      ...(uid === '' ? {} : { uid }),
      ...(resourceVersion === '' ? {} : { resourceVersion }),
    },
  };
}

/** Kinds whose last state is answered when they are gone. @see ReturnDeletedObject */
const answersDeleted = new Set([
  'pods',
  'services',
  'namespaces',
  'persistentvolumes',
  'persistentvolumeclaims',
  'serviceaccounts',
  'resourcequotas',
  'podtemplates',
  'storageclasses.storage.k8s.io',
  'csidrivers.storage.k8s.io',
  'csinodes.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'volumeattributesclasses.storage.k8s.io',
  'resourceclaims.resource.k8s.io',
  'resourceclaimtemplates.resource.k8s.io',
  'resourceslices.resource.k8s.io',
  'deviceclasses.resource.k8s.io',
]);

function deletedReply(request: ResourceRequest, result: DeleteResult, writer: Writer): Reply {
  const { info, storageKey } = request.resource;
  if (!result.gone || answersDeleted.has(storageKey)) {
    return objectReply(request, 200, result.object, writer.warnings);
  }
  const metadata = metadataOf(result.object);
  const details = {
    name: metadata.name,
    ...(info.group === '' ? {} : { group: info.group }),
    kind: info.plural,
    uid: metadata.uid,
  };
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
  return { ...jsonReply(200, status), warnings: writer.warnings };
}

const jobsOrphanWarning =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background ' +
  'to remove them or set propagationPolicy=Orphan to suppress this warning';

/** DELETE of one object. */
export async function deleteVerb(cluster: Cluster, request: ResourceRequest): Promise<Reply> {
  const { options, writer } = readDeleteOptions(request);
  const { resource, namespace, name = '' } = request;
  const isJob = resource.storageKey === 'jobs.batch';
  if (isJob && options.propagation === undefined) writer.warnings.push(jobsOrphanWarning);
  const result = await deleteObject(cluster, { resource, namespace, name, options, writer });
  return deletedReply(request, result, writer);
}

/** DELETE of a collection: answers with the list as it was. */
export async function deleteCollectionVerb(
  cluster: Cluster,
  request: ResourceRequest,
): Promise<Reply> {
  const { options, writer } = readDeleteOptions(request);
  const { resource, namespace } = request;
  const list = readListOptions(request.query, false);
  const page = listObjects(cluster, { resource, namespace, options: list, continueTtlMs: 0 });
  const targets = page.keys.map((key) => {
    const place = placeOf(key);
    return { resource, namespace: place.namespace, name: place.name, options, writer };
  });
  await deleteObjects(cluster, targets);
  return listReply(request, page, writer.warnings);
}
