import { type Action, targetBucket } from '../action-context.ts';
import {
  encryptionHeaders,
  quoted,
  readAttributes,
  readForbidOverwrite,
} from '../object-attributes.ts';
import {
  discardOnFailure,
  etagOf,
  receiveBody,
  refuseOverwrite,
  writeObject,
} from '../object-writing.ts';
import { emptyReply } from '../reply.ts';
import { versionHeaders } from '../versions.ts';

/** PutObject. */
export const putObject: Action = async (context) => {
  const bucket = targetBucket(context);
  const attributes = readAttributes(context, bucket);
  const forbidOverwrite = readForbidOverwrite(context);
  // Asked here to spare the upload; what decides is the same question inside the transaction.
  if (forbidOverwrite) refuseOverwrite(context.service.state, bucket, context.key);
  const received = await receiveBody(context);
  const etag = etagOf(received.md5);
  const contentMd5 = received.md5.toString('base64');
  const written = await discardOnFailure(context, received.segments, () =>
    writeObject(context, {
      object: {
        ...attributes,
        etag,
        contentMd5,
        crc64: received.crc64,
        sizeBytes: received.sizeBytes,
        objectType: 'Normal',
        segments: received.segments,
      },
      forbidOverwrite,
      eventName: 'ObjectCreated:PutObject',
    }),
  );
  return emptyReply(200, {
    etag: quoted(etag),
    'content-md5': contentMd5,
    'x-oss-hash-crc64ecma': received.crc64,
    ...encryptionHeaders(attributes.encryption),
    ...versionHeaders(written.bucket, written.versionId),
  });
};
