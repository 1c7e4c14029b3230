import {
  type Action,
  type ActionContext,
  eventOf,
  readXml,
  targetBucket,
} from '../action-context.ts';
import { OssError } from '../errors.ts';
import { PAGE_MAX } from '../limits.ts';
import type { Segment } from '../object-files.ts';
import { emptyReply, xmlReply } from '../reply.ts';
import { refuseRetained } from '../retention.ts';
import type { BucketRecord, ObjectVersion } from '../state.ts';
import { checkKey } from '../target.ts';
import {
  currentVersion,
  type FoundVersion,
  segmentsOf,
  sizeOf,
  versionById,
  versionHeaders,
  writeVersion,
} from '../versions.ts';
import { childrenOf, childText, element, leaf, type XmlElement } from '../xml.ts';
import { readEncoding } from './list-parameters.ts';

interface Deletion {
  readonly key: string;
  readonly versionId: string | undefined;
}

/** What a deletion did to one key. */
interface Deleted {
  /** The version that was removed, or the marker that was written. */
  readonly versionId: string | undefined;
  readonly isMarker: boolean;
  readonly displaced: readonly Segment[];
}

/** DeleteObject: a key that does not exist is deleted with success. */
export const deleteObject: Action = async (context) => {
  const versionId = context.query.get('versionId') || undefined;
  const [deleted] = await deleteAll(
    context,
    [{ key: context.key, versionId }],
    'ObjectRemoved:DeleteObject',
  );
  return emptyReply(204, {
    ...(deleted?.isMarker === true ? { 'x-oss-delete-marker': 'true' } : {}),
    ...(deleted?.versionId === undefined
      ? {}
      : versionHeaders(targetBucket(context), deleted.versionId)),
  });
};

/**
 * DeleteMultipleObjects. The reply can only name what was deleted, so a key under retention
 * refuses the request as a whole.
 */
export const deleteMultipleObjects: Action = async (context) => {
  const root = await readXml(context, 'Delete');
  const deletions = childrenOf(root, 'Object').map(readDeletion);
  if (deletions.length === 0 || deletions.length > PAGE_MAX) throw new OssError('MalformedXML');
  const encode = readEncoding(context.query);
  const deleted = await deleteAll(context, deletions, 'ObjectRemoved:DeleteObjects');
  if (childText(root, 'Quiet') === 'true') return emptyReply(200);
  const isVersioned = targetBucket(context).versioning !== undefined;
  return xmlReply(
    element(
      'DeleteResult',
      ...deletions.map((deletion, index) =>
        element(
          'Deleted',
          leaf('Key', encode(deletion.key)),
          isVersioned ? versionElements(deletion, deleted[index]) : '',
        ),
      ),
    ),
  );
};

function readDeletion(object: XmlElement): Deletion {
  const key = childText(object, 'Key') ?? '';
  if (key === '') throw new OssError('MalformedXML');
  checkKey(key);
  return { key, versionId: childText(object, 'VersionId') || undefined };
}

function versionElements(deletion: Deletion, deleted: Deleted | undefined): string {
  const asked = deletion.versionId === undefined ? '' : leaf('VersionId', deletion.versionId);
  if (deleted?.isMarker !== true) return asked;
  const marker = leaf('DeleteMarkerVersionId', deleted.versionId ?? '');
  return asked + leaf('DeleteMarker', true) + marker;
}

async function deleteAll(
  context: ActionContext,
  deletions: readonly Deletion[],
  eventName: string,
): Promise<Deleted[]> {
  const { state, files, outbox } = context.service;
  const nowMs = context.service.now();
  const deleted = await state.transaction(() => {
    const bucket = targetBucket(context);
    for (const deletion of deletions) refuseDeletion(context, bucket, deletion, nowMs);
    return deletions.map((deletion) => deleteOne(context, bucket, deletion, eventName));
  });
  outbox.wake();
  await files.discard(deleted.flatMap((one) => one.displaced));
  return deleted;
}

/** The version that a deletion takes away; none where versioning writes a marker instead. */
function removedBy(
  context: ActionContext,
  bucket: BucketRecord,
  { key, versionId }: Deletion,
): FoundVersion | undefined {
  const { state } = context.service;
  if (versionId !== undefined) return versionById(state, bucket.name, key, versionId);
  return bucket.versioning === undefined ? currentVersion(state, bucket.name, key) : undefined;
}

function refuseDeletion(
  context: ActionContext,
  bucket: BucketRecord,
  deletion: Deletion,
  nowMs: number,
): void {
  const removed = removedBy(context, bucket, deletion);
  if (removed !== undefined) refuseRetained(bucket, deletion.key, removed.version, nowMs);
}

function deleteOne(
  context: ActionContext,
  bucket: BucketRecord,
  deletion: Deletion,
  eventName: string,
): Deleted {
  const { state } = context.service;
  const { key, versionId } = deletion;
  if (versionId === undefined && bucket.versioning !== undefined) {
    const hidden = currentVersion(state, bucket.name, key)?.version;
    const nowMs = context.service.now();
    const marker = { kind: 'deleteMarker' as const, lastModifiedMs: nowMs };
    const written = writeVersion(state, bucket, key, marker, nowMs);
    addEvent(context, bucket, key, hidden, eventName);
    return { versionId: written.versionId, isMarker: true, displaced: written.displaced };
  }
  const removed = removedBy(context, bucket, deletion);
  if (removed === undefined) return { versionId, isMarker: false, displaced: [] };
  state.versions.removeSync(removed.row);
  addEvent(context, bucket, key, removed.version, eventName);
  return {
    versionId: removed.version.versionId,
    isMarker: removed.version.kind === 'deleteMarker',
    displaced: segmentsOf(removed.version),
  };
}

function addEvent(
  context: ActionContext,
  bucket: BucketRecord,
  key: string,
  removed: ObjectVersion | undefined,
  eventName: string,
): void {
  if (removed?.kind !== 'object') return;
  context.service.outbox.add(
    eventOf(context, eventName, bucket, {
      key,
      etag: removed.etag,
      sizeBytes: removed.sizeBytes,
      deltaBytes: -sizeOf(removed),
    }),
  );
}
