/** Parameters that the creating calls of ECS share, checked before they are sent. */
import { assert } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { CloudTags } from '../../ports/disk-cloud.ts';

/**
 * Tags of one resource, and characters of a key or value.
 * @see https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-tagresources
 */
const TAGS_MAX = 20;
const TAG_LENGTH_MAX = 128;
/** Printable ASCII. @see https://www.alibabacloud.com/help/en/ecs/developer-reference/how-to-ensure-idempotence */
const CLIENT_TOKEN = /^[ -~]{1,64}$/;
const RETENTION_DAYS_MAX = 65_536;
/** 2 to 128 characters. Not `auto`: that is what snapshots of policies are called. */
const NAME = /^(?!auto)\p{L}[\p{L}\p{N}:_.-]{1,127}$/u;
const DESCRIPTION = /^(?!https?:\/\/).{2,256}$/su;

/** What every creation says of itself. */
interface Creation {
  readonly name: string;
  readonly tags: CloudTags;
  readonly clientToken: string;
}

/**
 * Tags in the order of their keys: the same request must be the same bytes, or its ClientToken is
 * refused. @throws BackupCentreError `internal` that names the tag which ECS would not take
 */
export function creationParameters(of: string, { name, tags, clientToken }: Creation): JsonObject {
  const pairs = Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1));
  assert(NAME.test(name), `the name ${name} of ${of} is one that ECS takes`);
  assert(CLIENT_TOKEN.test(clientToken), `the token of ${of} has 1 to 64 ASCII characters`);
  assert(pairs.length <= TAGS_MAX, `${of} has at most ${TAGS_MAX} tags (found ${pairs.length})`);
  for (const [key, value] of pairs) {
    assertTagText(`the key of tag ${key} of ${of}`, key);
    assertTagText(`the value of tag ${key} of ${of}`, value);
    assert(key !== '' && !/^(aliyun|acs:)/i.test(key), `the key of tag ${key} of ${of} is free`);
  }
  return {
    ClientToken: clientToken,
    ...(pairs.length === 0 ? {} : { Tag: pairs.map(([Key, Value]) => ({ Key, Value })) }),
  };
}

/** @throws BackupCentreError `internal` for a description or a retention that ECS would not take */
export function assertKept(
  of: string,
  { description, retentionDays: days }: { description: string; retentionDays: number },
): void {
  assert(DESCRIPTION.test(description), `the description of ${of} has 2 to 256 characters`);
  assertRetention(of, days);
}

/** @throws BackupCentreError `internal` for a retention that ECS would not take */
export function assertRetention(of: string, days: number): void {
  const isValid = Number.isInteger(days) && days >= 1 && days <= RETENTION_DAYS_MAX;
  assert(isValid, `the retention of ${of} is 1 to ${RETENTION_DAYS_MAX} days (found ${days})`);
}

function assertTagText(what: string, text: string): void {
  const { length } = text;
  assert(
    length <= TAG_LENGTH_MAX,
    `${what} has at most ${TAG_LENGTH_MAX} characters (found ${length})`,
  );
  assert(!/https?:\/\//.test(text), `${what} holds no address`);
}
