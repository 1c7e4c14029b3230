import { type Action, type ActionContext, readXml, targetBucket } from '../action-context.ts';
import { OssError } from '../errors.ts';
import { checkTags } from '../object-attributes.ts';
import { emptyReply, type Reply, xmlReply } from '../reply.ts';
import { currentVersion, versionById, versionHeaders } from '../versions.ts';
import { child, childrenOf, childText, element, leaf } from '../xml.ts';
import { findObject } from './get-object.ts';

/** PutObjectTagging: replaces all tags; a retained object may be tagged. */
export const putObjectTagging: Action = async (context) => {
  const tagSet = child(await readXml(context, 'Tagging'), 'TagSet');
  if (tagSet === undefined) throw new OssError('MalformedXML');
  const pairs = childrenOf(tagSet, 'Tag').map(
    (tag) => [childText(tag, 'Key') ?? '', childText(tag, 'Value') ?? ''] as const,
  );
  return replaceTags(context, checkTags(pairs), 200);
};

/** DeleteObjectTagging. */
export const deleteObjectTagging: Action = (context) => replaceTags(context, {}, 204);

/** GetObjectTagging. */
export const getObjectTagging: Action = async (context) => {
  const { bucket, object } = findObject(context);
  const tags = Object.entries(object.tags).map(([key, value]) =>
    element('Tag', leaf('Key', key), leaf('Value', value)),
  );
  return xmlReply(
    element('Tagging', element('TagSet', ...tags)),
    versionHeaders(bucket, object.versionId),
  );
};

async function replaceTags(
  context: ActionContext,
  tags: Readonly<Record<string, string>>,
  status: number,
): Promise<Reply> {
  const { state } = context.service;
  const versionId = context.query.get('versionId');
  const written = await state.transaction(() => {
    const { object } = findObject(context);
    const bucket = targetBucket(context);
    const found =
      versionId === undefined
        ? currentVersion(state, bucket.name, context.key)
        : versionById(state, bucket.name, context.key, versionId);
    if (found !== undefined) state.versions.putSync(found.row, { ...object, tags });
    return { bucket, object };
  });
  return emptyReply(status, versionHeaders(written.bucket, written.object.versionId));
}
