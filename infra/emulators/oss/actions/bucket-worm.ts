import { randomBytes } from 'node:crypto';
import {
  type Action,
  type ActionContext,
  changeBucket,
  readXml,
  targetBucket,
} from '../action-context.ts';
import { OssError } from '../errors.ts';
import { WORM_DAYS_MAX } from '../limits.ts';
import { emptyReply, xmlReply } from '../reply.ts';
import { activeWorm } from '../retention.ts';
import type { BucketRecord, WormPolicy } from '../state.ts';
import { childText, element, leaf } from '../xml.ts';

/** InitiateBucketWorm: not for a bucket whose versioning is suspended. */
export const initiateBucketWorm: Action = async (context) => {
  const days = await readDays(context, 'InitiateWormConfiguration');
  const wormId = randomBytes(16).toString('hex').toUpperCase();
  const createdAtMs = context.service.now();
  await changeBucket(context, (bucket) => {
    if (bucket.versioning === 'Suspended') throw new OssError('InvalidWORMConfiguration');
    if (activeWorm(bucket, createdAtMs) !== undefined) {
      throw new OssError('InvalidWORMConfiguration', {
        message: 'The bucket already has a retention policy.',
      });
    }
    return { ...bucket, worm: { wormId, state: 'InProgress', days, createdAtMs } };
  });
  return emptyReply(200, { 'x-oss-worm-id': wormId });
};

/** CompleteBucketWorm: locks the policy; nothing shortens or removes it afterwards. */
export const completeBucketWorm: Action = async (context) => {
  await changeBucket(context, (bucket) => {
    const worm = namedWorm(context, bucket);
    if (worm.state === 'Locked') throw new OssError('WORMConfigurationLocked');
    return { ...bucket, worm: { ...worm, state: 'Locked' } };
  });
  return emptyReply(200);
};

/** ExtendBucketWorm: only longer, and only when locked. */
export const extendBucketWorm: Action = async (context) => {
  const days = await readDays(context, 'ExtendWormConfiguration');
  await changeBucket(context, (bucket) => {
    const worm = namedWorm(context, bucket);
    if (worm.state !== 'Locked' || days <= worm.days) {
      throw new OssError('InvalidWORMConfiguration');
    }
    return { ...bucket, worm: { ...worm, days } };
  });
  return emptyReply(200);
};

/** AbortBucketWorm: only before it is locked. */
export const abortBucketWorm: Action = async (context) => {
  await changeBucket(context, (bucket) => {
    const worm = requireWorm(context, bucket);
    if (worm.state === 'Locked') throw new OssError('WORMConfigurationLocked');
    const { worm: _, ...rest } = bucket;
    return rest;
  });
  return emptyReply(204);
};

/** GetBucketWorm. */
export const getBucketWorm: Action = async (context) => {
  const worm = requireWorm(context, targetBucket(context));
  return xmlReply(
    element(
      'WormConfiguration',
      leaf('WormId', worm.wormId),
      leaf('State', worm.state),
      leaf('RetentionPeriodInDays', worm.days),
      leaf('CreationDate', new Date(worm.createdAtMs).toISOString()),
    ),
  );
};

function requireWorm(context: ActionContext, bucket: BucketRecord): WormPolicy {
  const worm = activeWorm(bucket, context.service.now());
  if (worm === undefined) throw new OssError('NoSuchWORMConfiguration');
  return worm;
}

function namedWorm(context: ActionContext, bucket: BucketRecord): WormPolicy {
  const worm = requireWorm(context, bucket);
  if (worm.wormId !== context.query.get('wormId')) throw new OssError('NoSuchWORMConfiguration');
  return worm;
}

async function readDays(context: ActionContext, rootName: string): Promise<number> {
  const text = childText(await readXml(context, rootName), 'RetentionPeriodInDays') ?? '';
  const days = Number(text);
  if (!/^\d+$/.test(text) || days < 1 || days > WORM_DAYS_MAX) throw new OssError('MalformedXML');
  return days;
}
