import { randomUUID } from 'node:crypto';
import { type Action, changeBucket, readXml, targetBucket } from '../action-context.ts';
import { OssError } from '../errors.ts';
import { LIFECYCLE_RULES_MAX } from '../limits.ts';
import { checkTags, STORAGE_CLASSES } from '../object-attributes.ts';
import { emptyReply, xmlReply } from '../reply.ts';
import type { LifecycleRule, LifecycleTerm } from '../state.ts';
import {
  child,
  childrenOf,
  childText,
  element,
  leaf,
  optionalLeaf,
  type XmlElement,
} from '../xml.ts';

/** PutBucketLifecycle: replaces all rules. */
export const putBucketLifecycle: Action = async (context) => {
  const root = await readXml(context, 'LifecycleConfiguration');
  const lifecycle = childrenOf(root, 'Rule').map(readRule);
  const ids = new Set(lifecycle.map((rule) => rule.id));
  if (lifecycle.length === 0 || lifecycle.length > LIFECYCLE_RULES_MAX) {
    throw new OssError('MalformedXML');
  }
  if (ids.size < lifecycle.length) {
    throw new OssError('InvalidArgument', { message: 'Rule ID must be unique.' });
  }
  await changeBucket(context, (bucket) => ({ ...bucket, lifecycle }));
  return emptyReply(200);
};

/** GetBucketLifecycle. */
export const getBucketLifecycle: Action = async (context) => {
  const { name, lifecycle } = targetBucket(context);
  if (lifecycle === undefined) {
    throw new OssError('NoSuchLifecycle', { elements: { BucketName: name } });
  }
  return xmlReply(element('LifecycleConfiguration', ...lifecycle.map(ruleElement)));
};

/** DeleteBucketLifecycle: without rules it is a success too. */
export const deleteBucketLifecycle: Action = async (context) => {
  await changeBucket(context, ({ lifecycle: _, ...bucket }) => bucket);
  return emptyReply(204);
};

function readRule(rule: XmlElement): LifecycleRule {
  const status = childText(rule, 'Status');
  const prefix = childText(rule, 'Prefix');
  if ((status !== 'Enabled' && status !== 'Disabled') || prefix === undefined) {
    throw new OssError('MalformedXML');
  }
  const expiration = child(rule, 'Expiration');
  const noncurrent = child(rule, 'NoncurrentVersionExpiration');
  const abort = child(rule, 'AbortMultipartUpload');
  const markers = expiration && childText(expiration, 'ExpiredObjectDeleteMarker');
  const read: LifecycleRule = {
    id: childText(rule, 'ID') || randomUUID(),
    prefix,
    enabled: status === 'Enabled',
    tags: checkTags(
      childrenOf(rule, 'Tag').map((tag) => [
        childText(tag, 'Key') ?? '',
        childText(tag, 'Value') ?? '',
      ]),
    ),
    transitions: childrenOf(rule, 'Transition').map(readTransition),
    ...(markers === undefined ? {} : { expiredObjectDeleteMarker: markers === 'true' }),
    ...(expiration === undefined || markers !== undefined
      ? {}
      : { expiration: readTerm(expiration) }),
    ...(noncurrent === undefined
      ? {}
      : { noncurrentDays: readDays(childText(noncurrent, 'NoncurrentDays')) }),
    ...(abort === undefined ? {} : { abortMultipartUpload: readTerm(abort) }),
  };
  const acts = [expiration, noncurrent, abort].some((action) => action !== undefined);
  if (!acts && read.transitions.length === 0) throw new OssError('MalformedXML');
  return read;
}

function readTransition(transition: XmlElement): LifecycleTerm & { storageClass: string } {
  const storageClass = childText(transition, 'StorageClass') ?? '';
  if (!STORAGE_CLASSES.includes(storageClass)) throw new OssError('MalformedXML');
  return { ...readTerm(transition), storageClass };
}

function readTerm(term: XmlElement): LifecycleTerm {
  const days = childText(term, 'Days');
  if (days !== undefined) return { days: readDays(days) };
  const createdBeforeMs = Date.parse(childText(term, 'CreatedBeforeDate') ?? '');
  if (Number.isNaN(createdBeforeMs)) throw new OssError('MalformedXML');
  return { createdBeforeMs };
}

function readDays(text: string | undefined): number {
  if (text === undefined || !/^[1-9]\d*$/.test(text)) throw new OssError('MalformedXML');
  return Number(text);
}

function ruleElement(rule: LifecycleRule): string {
  const { noncurrentDays, expiredObjectDeleteMarker } = rule;
  return element(
    'Rule',
    leaf('ID', rule.id),
    leaf('Prefix', rule.prefix),
    ...Object.entries(rule.tags).map(([key, value]) =>
      element('Tag', leaf('Key', key), leaf('Value', value)),
    ),
    leaf('Status', rule.enabled ? 'Enabled' : 'Disabled'),
    termElement('Expiration', rule.expiration),
    expiredObjectDeleteMarker === undefined
      ? ''
      : element('Expiration', leaf('ExpiredObjectDeleteMarker', expiredObjectDeleteMarker)),
    noncurrentDays === undefined
      ? ''
      : element('NoncurrentVersionExpiration', leaf('NoncurrentDays', noncurrentDays)),
    termElement('AbortMultipartUpload', rule.abortMultipartUpload),
    ...rule.transitions.map((transition) =>
      termElement('Transition', transition, leaf('StorageClass', transition.storageClass)),
    ),
  );
}

function termElement(name: string, term: LifecycleTerm | undefined, extra = ''): string {
  if (term === undefined) return '';
  const { days, createdBeforeMs } = term;
  return element(
    name,
    optionalLeaf('Days', days),
    optionalLeaf(
      'CreatedBeforeDate',
      createdBeforeMs === undefined ? undefined : new Date(createdBeforeMs).toISOString(),
    ),
    extra,
  );
}
