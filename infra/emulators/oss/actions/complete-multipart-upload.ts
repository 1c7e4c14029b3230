import { createHash } from 'node:crypto';
import { type Action, type ActionContext, readXml } from '../action-context.ts';
import { combineCrc64 } from '../crc64.ts';
import { invalidArgument, OssError } from '../errors.ts';
import { PART_BYTES_MIN, PART_NUMBER_MAX } from '../limits.ts';
import { encryptionHeaders, quoted, readForbidOverwrite } from '../object-attributes.ts';
import type { Segment } from '../object-files.ts';
import { writeObject } from '../object-writing.ts';
import { xmlReply } from '../reply.ts';
import type { PartRecord } from '../state.ts';
import { versionHeaders } from '../versions.ts';
import { childrenOf, childText, element, leaf, optionalLeaf } from '../xml.ts';
import { readEncoding } from './list-parameters.ts';
import { findUpload, partsOf, removeUpload } from './multipart-upload.ts';

interface NamedPart {
  readonly partNumber: number;
  readonly etag: string;
}

/**
 * CompleteMultipartUpload: the object takes over the files of the named parts, the others are
 * removed. A second completion finds no upload, as with OSS.
 */
export const completeMultipartUpload: Action = async (context) => {
  const { state, files } = context.service;
  const forbidOverwrite = readForbidOverwrite(context);
  const named = await readNamedParts(context);
  const { uploadId, attributes } = findUpload(context);
  const chosen = chooseParts(named, partsOf(state, uploadId));
  const etag = multipartEtag(chosen);
  const crc64 = combineCrc64(chosen);
  const segments = chosen.flatMap((part) => part.segments);
  let unused: Segment[] = [];
  const written = await writeObject(context, {
    object: {
      ...attributes,
      etag,
      crc64,
      sizeBytes: chosen.reduce((sum, part) => sum + part.sizeBytes, 0),
      objectType: 'Multipart',
      segments,
    },
    forbidOverwrite,
    eventName: 'ObjectCreated:CompleteMultipartUpload',
    // A part that was replaced since it was chosen, or an upload completed meanwhile.
    check: () => {
      findUpload(context);
      if (multipartEtag(chooseParts(named, partsOf(state, uploadId))) !== etag) {
        throw new OssError('InvalidPart');
      }
    },
    alongside: () => {
      const kept = new Set(segments.map(({ file }) => file));
      unused = removeUpload(state, context.bucketName, context.key, uploadId).filter(
        ({ file }) => !kept.has(file),
      );
    },
  });
  await files.discard(unused);
  const encode = readEncoding(context.query);
  return xmlReply(
    element(
      'CompleteMultipartUploadResult',
      optionalLeaf('EncodingType', context.query.get('encoding-type')),
      leaf('Location', `http://${context.headers.host ?? ''}/${encode(context.key)}`),
      leaf('Bucket', context.bucketName),
      leaf('Key', encode(context.key)),
      leaf('ETag', quoted(etag)),
    ),
    {
      etag: quoted(etag),
      'x-oss-hash-crc64ecma': crc64,
      ...encryptionHeaders(attributes.encryption),
      ...versionHeaders(written.bucket, written.versionId),
    },
  );
};

/** The parts of the body; undefined means all, by `x-oss-complete-all: yes`. */
async function readNamedParts(context: ActionContext): Promise<NamedPart[] | undefined> {
  const all = context.headers['x-oss-complete-all'];
  if (all === 'yes') return undefined;
  if (all !== undefined) {
    throw invalidArgument(
      'x-oss-complete-all',
      all,
      'The value of x-oss-complete-all must be yes.',
    );
  }
  const root = await readXml(context, 'CompleteMultipartUpload');
  const named = childrenOf(root, 'Part').map((part) => ({
    partNumber: Number(childText(part, 'PartNumber')),
    etag: unquoted(childText(part, 'ETag') ?? ''),
  }));
  if (named.length === 0 || named.length > PART_NUMBER_MAX) throw new OssError('MalformedXML');
  const isOrdered = named.every(
    ({ partNumber }, index) => partNumber > (named[index - 1]?.partNumber ?? 0),
  );
  if (!isOrdered) throw new OssError('InvalidPartOrder');
  return named;
}

function unquoted(etag: string): string {
  return etag
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .toUpperCase();
}

function chooseParts(
  named: readonly NamedPart[] | undefined,
  uploaded: readonly PartRecord[],
): PartRecord[] {
  const byNumber = new Map(uploaded.map((part) => [part.partNumber, part]));
  const chosen = (named ?? uploaded).map(({ partNumber, etag }) => {
    const part = byNumber.get(partNumber);
    if (part === undefined || part.etag !== etag) {
      throw new OssError('InvalidPart', {
        elements: { PartNumber: String(partNumber), ETag: etag },
      });
    }
    return part;
  });
  if (chosen.length === 0) throw new OssError('InvalidPart');
  const small = chosen.slice(0, -1).find((part) => part.sizeBytes < PART_BYTES_MIN);
  if (small !== undefined) {
    throw new OssError('EntityTooSmall', {
      elements: {
        MinSizeAllowed: String(PART_BYTES_MIN),
        ProposedSize: String(small.sizeBytes),
        PartNumber: String(small.partNumber),
        ETag: quoted(small.etag),
      },
    });
  }
  return chosen;
}

/** MD5 over the parts' MD5s, and their number. */
function multipartEtag(parts: readonly PartRecord[]): string {
  const md5 = createHash('md5');
  for (const part of parts) md5.update(Buffer.from(part.etag, 'hex'));
  return `${md5.digest('hex').toUpperCase()}-${parts.length}`;
}
