import type { OssTrigger } from './definition.ts';
import { fcErrors } from './errors.ts';

/**
 * One change of a bucket: an inner element of an OSS event (`events[0]`), as far as triggers read it.
 * @see https://www.alibabacloud.com/help/en/functioncompute/fc-2-0/user-guide/formats-of-event-for-different-triggers
 */
export interface OssEventElement {
  /** Without the `oss:` of triggers: `ObjectCreated:PutObject`. */
  readonly eventName: string;
  readonly region: string;
  readonly oss: {
    readonly bucket: { readonly name: string };
    readonly object: { readonly key: string };
  };
}

const SOURCE_ARN = /^acs:oss:([a-z0-9-]+):(\d+):([a-z0-9-]+)$/;
const EVENT = /^oss:Object(Created|Removed|Modified|Replication|Restore):(\*|[A-Za-z]+)$/;

/** The bucket that a trigger listens to. */
export function bucketOf(trigger: OssTrigger): string {
  return SOURCE_ARN.exec(trigger.sourceArn)?.[3] ?? '';
}

/** @throws the vendor's refusal of a malformed trigger, or of one for another region */
export function checkOssTrigger(trigger: OssTrigger, region: string): void {
  const source = SOURCE_ARN.exec(trigger.sourceArn);
  if (source === null) {
    throw fcErrors.invalidArgument(`source ARN '${trigger.sourceArn}' is invalid`);
  }
  if (source[1] !== region) {
    throw fcErrors.invalidArgument(
      `source ARN '${trigger.sourceArn}' is of region '${source[1]}', the function is in '${region}'`,
    );
  }
  const { events } = trigger.triggerConfig;
  const unknown = events.find((event) => !EVENT.test(event));
  if (events.length === 0 || unknown !== undefined) {
    throw fcErrors.invalidArgument(`invalid OSS trigger config: events ${JSON.stringify(events)}`);
  }
}

/** Whether one object's event could start both triggers of a bucket. */
export function ossTriggersOverlap(a: OssTrigger, b: OssTrigger): boolean {
  const [keyA, keyB] = [a.triggerConfig.filter.key, b.triggerConfig.filter.key];
  const sameEvent = a.triggerConfig.events.some((one) =>
    b.triggerConfig.events.some((other) => eventMatches(one, other) || eventMatches(other, one)),
  );
  const prefixes = keyA.prefix.startsWith(keyB.prefix) || keyB.prefix.startsWith(keyA.prefix);
  const suffixes = keyA.suffix.endsWith(keyB.suffix) || keyB.suffix.endsWith(keyA.suffix);
  return sameEvent && prefixes && suffixes;
}

/** Whether a change of a bucket starts a trigger. */
export function ossTriggerMatches(trigger: OssTrigger, event: OssEventElement): boolean {
  const { prefix, suffix } = trigger.triggerConfig.filter.key;
  const { key } = event.oss.object;
  return (
    bucketOf(trigger) === event.oss.bucket.name &&
    key.startsWith(prefix) &&
    key.endsWith(suffix) &&
    trigger.triggerConfig.events.some((pattern) => eventMatches(pattern, `oss:${event.eventName}`))
  );
}

function eventMatches(pattern: string, event: string): boolean {
  return pattern.endsWith('*') ? event.startsWith(pattern.slice(0, -1)) : pattern === event;
}
