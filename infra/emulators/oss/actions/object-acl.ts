import type { Action } from '../action-context.ts';
import { xmlReply } from '../reply.ts';
import { versionHeaders } from '../versions.ts';
import { element, leaf } from '../xml.ts';
import { ownerElement } from './bucket.ts';
import { findObject } from './get-object.ts';

/** GetObjectACL: objects always inherit the bucket's. */
export const getObjectAcl: Action = async (context) => {
  const { bucket, object } = findObject(context);
  return xmlReply(
    element(
      'AccessControlPolicy',
      ownerElement(bucket.accountId),
      element('AccessControlList', leaf('Grant', 'default')),
    ),
    versionHeaders(bucket, object.versionId),
  );
};
