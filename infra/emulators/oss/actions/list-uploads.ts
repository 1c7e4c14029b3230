import { type Action, targetBucket } from '../action-context.ts';
import { MULTIPART_PAGE_DEFAULT, PAGE_MAX } from '../limits.ts';
import { xmlReply } from '../reply.ts';
import { keyOfUploadRow, type OssState, rangeOfPrefix, type UploadRecord } from '../state.ts';
import { element, leaf, optionalLeaf } from '../xml.ts';
import { groupOf, isoSeconds } from './list-objects.ts';
import { readCount, readEncoding, readText } from './list-parameters.ts';

interface ListedUpload {
  readonly key: string;
  readonly upload: UploadRecord;
}

/** Open uploads of a bucket by key, then id. */
export function uploadsOf(state: OssState, bucket: string, prefix: string): ListedUpload[] {
  return [...state.uploads.getRange(rangeOfPrefix(bucket, prefix))].map(({ key: row, value }) => ({
    key: keyOfUploadRow(bucket, row, value.uploadId),
    upload: value,
  }));
}

/** ListMultipartUploads. */
export const listMultipartUploads: Action = async (context) => {
  const { query } = context;
  const encode = readEncoding(query);
  const bucket = targetBucket(context).name;
  const prefix = readText(query, 'prefix');
  const delimiter = readText(query, 'delimiter');
  const keyMarker = readText(query, 'key-marker');
  const idMarker = readText(query, 'upload-id-marker');
  const limit = readCount(query, 'max-uploads', MULTIPART_PAGE_DEFAULT, PAGE_MAX);
  const entries = new Map<string, ListedUpload & { readonly group: string | undefined }>();
  for (const listed of uploadsOf(context.service.state, bucket, prefix)) {
    if (!isAfter(listed, keyMarker, idMarker)) continue;
    const group = groupOf(listed.key, { prefix, delimiter });
    if (group !== undefined && group === keyMarker) continue;
    const name = group ?? `${listed.key}\0${listed.upload.uploadId}`;
    if (!entries.has(name)) entries.set(name, { ...listed, group });
  }
  const page = [...entries.values()].slice(0, limit);
  const truncated = entries.size > page.length;
  const last = page.at(-1);
  return xmlReply(
    element(
      'ListMultipartUploadsResult',
      optionalLeaf('EncodingType', query.get('encoding-type')),
      leaf('Bucket', bucket),
      leaf('KeyMarker', encode(keyMarker)),
      leaf('UploadIdMarker', idMarker),
      leaf('NextKeyMarker', truncated && last ? encode(last.group ?? last.key) : ''),
      leaf('NextUploadIdMarker', truncated && last && !last.group ? last.upload.uploadId : ''),
      leaf('Delimiter', encode(delimiter)),
      leaf('Prefix', encode(prefix)),
      leaf('MaxUploads', limit),
      leaf('IsTruncated', truncated),
      ...page.map(({ key, upload, group }) =>
        group === undefined
          ? element(
              'Upload',
              leaf('Key', encode(key)),
              leaf('UploadId', upload.uploadId),
              leaf('StorageClass', upload.attributes.storageClass),
              leaf('Initiated', isoSeconds(upload.initiatedAtMs)),
            )
          : element('CommonPrefixes', leaf('Prefix', encode(group))),
      ),
    ),
  );
};

function isAfter({ key, upload }: ListedUpload, keyMarker: string, idMarker: string): boolean {
  const order = Buffer.compare(Buffer.from(key), Buffer.from(keyMarker));
  return order > 0 || (order === 0 && idMarker !== '' && upload.uploadId > idMarker);
}
