/** TriggerRegistry over the FC 3.0 API: OSS triggers of the function that takes in inbox uploads. */
import { BackupCentreError, NotFoundError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { TriggerRegistry } from '../../ports/trigger-registry.ts';
import type { Pacing } from '../bounded-retry.ts';
import type { CredentialsProvider } from '../credentials.ts';
import { OpenApiCalls, type VendorRefusal } from '../open-api-calls.ts';
import type { OpenApiCall } from '../open-api-client.ts';

/** Every way in which an object becomes whole; `ObjectCreated:*` would also tell of each part. */
const EVENTS = [
  'oss:ObjectCreated:PutObject',
  'oss:ObjectCreated:PostObject',
  'oss:ObjectCreated:CopyObject',
  'oss:ObjectCreated:CompleteMultipartUpload',
];

/** Where the function is and who may call it. */
export interface TriggerTarget {
  /** `https://<account>.<region>.fc.aliyuncs.com` */
  readonly endpoint: string;
  readonly region: string;
  readonly accountId: string;
  readonly functionName: string;
  /** ARN of the role with which OSS calls the function. */
  readonly invocationRole?: string;
}

/** A refusal that is about this trigger, not about us: the inbox is listed instead. */
class TriggerRefused extends BackupCentreError {
  readonly isNameTaken: boolean;

  constructor(refusal: VendorRefusal) {
    super('internal', refusal.message, { details: { code: refusal.code } });
    this.isNameTaken = refusal.code === 'TriggerAlreadyExists';
  }
}

/** OSS triggers of one function. */
export class FcTriggerRegistry implements TriggerRegistry {
  private readonly calls: OpenApiCalls;
  private readonly target: TriggerTarget;

  constructor(target: TriggerTarget, credentials: CredentialsProvider, pacing: Pacing) {
    this.target = target;
    this.calls = new OpenApiCalls(target.endpoint, credentials, pacing, fcError);
  }

  /**
   * A lost reply is found by the name: the second attempt is refused as existing, and what exists is
   * compared. A name that another bucket or prefix holds counts as forbidden.
   */
  async ensureOssTrigger(trigger: {
    readonly name: string;
    readonly bucket: string;
    readonly prefix: string;
  }): Promise<boolean> {
    const { region, accountId, invocationRole } = this.target;
    const sourceArn = `acs:oss:${region}:${accountId}:${trigger.bucket}`;
    try {
      await this.calls.send({
        ...this.call('CreateTrigger', 'POST', '', `create the OSS trigger ${trigger.name}`),
        body: {
          triggerName: trigger.name,
          triggerType: 'oss',
          sourceArn,
          triggerConfig: JSON.stringify({
            events: EVENTS,
            filter: { key: { prefix: trigger.prefix, suffix: '' } },
          }),
          ...(invocationRole === undefined ? {} : { invocationRole }),
        },
      });
      return true;
    } catch (error) {
      if (!(error instanceof TriggerRefused)) throw error;
      return error.isNameTaken && (await this.isThere(trigger.name, sourceArn, trigger.prefix));
    }
  }

  async removeOssTrigger(name: string): Promise<void> {
    try {
      const path = `/${encodeURIComponent(name)}`;
      await this.calls.send(this.call('DeleteTrigger', 'DELETE', path, `remove trigger ${name}`));
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
  }

  private async isThere(name: string, sourceArn: string, prefix: string): Promise<boolean> {
    const path = `/${encodeURIComponent(name)}`;
    const found = await this.calls.send(
      this.call('GetTrigger', 'GET', path, `read trigger ${name}`),
    );
    return found.sourceArn === sourceArn && prefixOf(found) === prefix;
  }

  private call(
    action: string,
    method: OpenApiCall['method'],
    path: string,
    attempt: string,
  ): OpenApiCall {
    const { functionName } = this.target;
    return {
      action,
      version: '2023-03-30',
      style: 'ROA',
      method,
      path: `/2023-03-30/functions/${encodeURIComponent(functionName)}/triggers${path}`,
      attempt: `${attempt} of function ${functionName}`,
      repeatable: true,
    };
  }
}

/** Quotas, overlaps and regions are 400 or 409 with codes that no document lists whole. */
function fcError(refusal: VendorRefusal): BackupCentreError | undefined {
  const { code, status, message } = refusal;
  if (code === 'TriggerNotFound') return new NotFoundError(message);
  if (code.startsWith('Throttling') || code.includes('Expired')) return undefined;
  return status === 400 || status === 409 ? new TriggerRefused(refusal) : undefined;
}

function prefixOf(trigger: JsonObject): unknown {
  const { triggerConfig } = trigger;
  if (typeof triggerConfig !== 'string') return undefined;
  const config: unknown = JSON.parse(triggerConfig);
  const filter = isJsonObject(config) ? config.filter : undefined;
  const key = isJsonObject(filter) ? filter.key : undefined;
  return isJsonObject(key) ? key.prefix : undefined;
}
