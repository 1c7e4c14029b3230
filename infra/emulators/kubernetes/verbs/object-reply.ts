/** Replies that carry one object or a list, whole or as metadata alone. */
import { jsonReply, type Reply } from '../http/reply.ts';
import type { JsonObject } from '../json-tree.ts';
import type { ListPage } from '../read/list-objects.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import { parseStored } from '../storage/store-event.ts';
import { withKind } from '../write/with-kind.ts';
import type { ResourceRequest } from './resource-request.ts';

const metadataType = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' };

/** The object as the client wants to see it. */
export function shownObject(
  request: Pick<ResourceRequest, 'form' | 'resource'>,
  object: JsonObject,
): JsonObject {
  if (request.form === 'metadata') return { ...metadataType, metadata: object.metadata };
  const { info, apiVersion, custom } = request.resource;
  return withKind(object, { apiVersion, kind: info.kind, custom });
}

/** A reply with one object. */
export function objectReply(
  request: Pick<ResourceRequest, 'form' | 'resource'>,
  code: number,
  object: JsonObject,
  warnings: readonly string[] = [],
): Reply {
  return { ...jsonReply(code, shownObject(request, object)), warnings };
}

/** The start of a stored object's JSON that says what it is. */
export function kindHead(resource: ServedResource): Buffer {
  const { info, apiVersion, custom } = resource;
  const kind = `"kind":${JSON.stringify(info.kind)}`;
  const version = `"apiVersion":${JSON.stringify(apiVersion)}`;
  return Buffer.from(custom ? `{${version},${kind},` : `{${kind},${version},`);
}

const comma = Buffer.from(',');

function joinItems(page: ListPage, head: Buffer | undefined): Buffer[] {
  const parts: Buffer[] = [];
  for (const item of page.items) {
    if (parts.length > 0) parts.push(comma);
    if (head !== undefined) parts.push(head, item.subarray(1));
    else parts.push(item);
  }
  return parts;
}

function metadataItems(page: ListPage): ListPage {
  const items = page.items.map((item) =>
    Buffer.from(JSON.stringify({ ...metadataType, metadata: parseStored(item).metadata })),
  );
  return { ...page, items };
}

/**
 * A reply with a list. Items of built-in kinds carry no kind and apiVersion, those of custom
 * resources do, and their lists have metadata last: both as the vendor's encoders have it.
 */
export function listReply(
  request: Pick<ResourceRequest, 'form' | 'resource'>,
  page: ListPage,
  warnings: readonly string[] = [],
): Reply {
  const { resource, form } = request;
  const more = {
    ...(page.continueToken === undefined ? {} : { continue: page.continueToken }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
  const resourceVersion = String(page.revision);
  // Lists of custom resources say so when there is nothing to continue.
  const metadata = JSON.stringify(
    resource.custom && form === 'object'
      ? { continue: '', ...more, resourceVersion }
      : { resourceVersion, ...more },
  );
  if (form === 'metadata') {
    const head = `{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":`;
    const parts = [
      Buffer.from(`${head}${metadata},"items":[`),
      ...joinItems(metadataItems(page), undefined),
    ];
    return { code: 200, body: Buffer.concat([...parts, Buffer.from(']}\n')]), warnings };
  }
  const kind = JSON.stringify(resource.info.listKind);
  const apiVersion = JSON.stringify(resource.apiVersion);
  const items = joinItems(page, resource.custom ? kindHead(resource) : undefined);
  const [before, after] = resource.custom
    ? [`{"apiVersion":${apiVersion},"items":[`, `],"kind":${kind},"metadata":${metadata}}\n`]
    : [`{"kind":${kind},"apiVersion":${apiVersion},"metadata":${metadata},"items":[`, ']}\n'];
  const body = Buffer.concat([Buffer.from(before), ...items, Buffer.from(after)]);
  return { code: 200, body, warnings };
}
