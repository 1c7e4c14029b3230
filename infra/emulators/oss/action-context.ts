import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Principal } from './authentication.ts';
import { OssError } from './errors.ts';
import type { EventOutbox } from './event-outbox.ts';
import type { OssEvent } from './events.ts';
import { XML_BYTES_MAX } from './limits.ts';
import type { ObjectFiles } from './object-files.ts';
import type { Reply } from './reply.ts';
import type { BucketRecord, OssState } from './state.ts';
import type { Query } from './target.ts';
import { parseXml, type XmlElement, XmlError } from './xml.ts';

/** The parts of the emulator that actions work on. */
export interface Service {
  readonly state: OssState;
  readonly files: ObjectFiles;
  readonly outbox: EventOutbox;
  readonly region: string;
  readonly now: () => number;
}

/** One authenticated request. */
export interface ActionContext {
  readonly service: Service;
  readonly request: IncomingMessage;
  readonly requestId: string;
  readonly principal: Principal;
  readonly bucketName: string;
  /** '' when the request is about the bucket. */
  readonly key: string;
  readonly query: Query;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Does one API action. */
export type Action = (context: ActionContext) => Promise<Reply>;

/**
 * A bucket as it is now; inside a transaction, as the transaction sees it.
 * @throws {OssError} NoSuchBucket, AccessDenied when it belongs to another account
 */
export function bucketNamed(context: ActionContext, name: string): BucketRecord {
  const bucket = context.service.state.buckets.get(name);
  if (bucket === undefined) {
    throw new OssError('NoSuchBucket', { elements: { BucketName: name } });
  }
  if (bucket.accountId !== context.principal.accountId) {
    throw new OssError('AccessDenied', {
      message: 'The bucket you access does not belong to you.',
    });
  }
  return bucket;
}

/** The bucket that the request is about; see `bucketNamed`. */
export function targetBucket(context: ActionContext): BucketRecord {
  return bucketNamed(context, context.bucketName);
}

/**
 * Changes the settings of the request's bucket. `change` must throw before it decides.
 */
export async function changeBucket(
  context: ActionContext,
  change: (bucket: BucketRecord) => BucketRecord,
): Promise<void> {
  await context.service.state.transaction(() => {
    context.service.state.buckets.putSync(context.bucketName, change(targetBucket(context)));
  });
}

/**
 * The root element of the body.
 * @throws {OssError} MalformedXML, also when the root has another name; InvalidDigest, EntityTooLarge
 */
export async function readXml(context: ActionContext, rootName: string): Promise<XmlElement> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of context.request) {
    const bytes = chunk as Buffer;
    sizeBytes += bytes.length;
    if (sizeBytes > XML_BYTES_MAX) throw new OssError('EntityTooLarge');
    chunks.push(bytes);
  }
  const body = Buffer.concat(chunks);
  const claimed = context.headers['content-md5'];
  if (claimed !== undefined && claimed !== createHash('md5').update(body).digest('base64')) {
    throw new OssError('InvalidDigest');
  }
  try {
    const root = parseXml(body.toString('utf8'));
    if (root.name === rootName) return root;
    throw new OssError('MalformedXML');
  } catch (error) {
    if (error instanceof XmlError) throw new OssError('MalformedXML');
    throw error;
  }
}

/** What of a change goes into its event. */
export interface ChangedObject {
  readonly key: string;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly deltaBytes: number;
}

/** The event of a change by this request. */
export function eventOf(
  context: ActionContext,
  eventName: string,
  bucket: BucketRecord,
  object: ChangedObject,
): OssEvent {
  return {
    eventName,
    eventSource: 'acs:oss',
    eventTime: new Date(context.service.now()).toISOString(),
    eventVersion: '1.0',
    oss: {
      bucket: {
        arn: `acs:oss:${bucket.region}:${bucket.accountId}:${bucket.name}`,
        name: bucket.name,
        ownerIdentity: bucket.accountId,
      },
      object: {
        deltaSize: object.deltaBytes,
        eTag: object.etag,
        key: object.key,
        size: object.sizeBytes,
      },
      ossSchemaVersion: '1.0',
      ruleId: '',
    },
    region: bucket.region,
    requestParameters: { sourceIPAddress: context.request.socket.remoteAddress ?? '' },
    responseElements: { requestId: context.requestId },
    userIdentity: { principalId: context.principal.principalId },
  };
}
