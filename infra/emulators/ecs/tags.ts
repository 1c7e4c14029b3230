import { refuse } from './errors.ts';
import { TAG_LENGTH_MAX, TAGS_PER_RESOURCE_MAX } from './limits.ts';
import type { Parameters } from './parameters.ts';
import type { Tag } from './records.ts';

/** `Tag.N.Key` and `Tag.N.Value` as given; older clients write `key` and `value`. */
export function readTagPairs(parameters: Parameters): { key: string; value?: string }[] {
  const pairs: { key: string; value?: string }[] = [];
  for (let n = 1; ; n += 1) {
    const key = parameters.get(`Tag.${n}.Key`) ?? parameters.get(`Tag.${n}.key`);
    const value = parameters.get(`Tag.${n}.Value`) ?? parameters.get(`Tag.${n}.value`);
    if (key === undefined && value === undefined) return pairs;
    pairs.push({ key: key ?? '', ...(value === undefined ? {} : { value }) });
  }
}

/** The tags that a new resource shall carry. @throws what ECS says of tags it does not take */
export function readNewTags(parameters: Parameters): Tag[] {
  const tags = readTagPairs(parameters).map(({ key, value }) => ({ key, value: value ?? '' }));
  if (tags.length > TAGS_PER_RESOURCE_MAX) {
    throw refuse.badRequest(
      'NumberExceed.Tags',
      "The Tags parameter's number is exceed , Valid : 20.",
    );
  }
  for (const { key, value } of tags) {
    if (!isKey(key)) {
      throw refuse.badRequest('InvalidTagKey.Malformed', 'The specified Tag.n.Key is not valid.');
    }
    if (!isValue(value)) {
      throw refuse.badRequest(
        'InvalidTagValue.Malformed',
        'The specified Tag.n.Value is not valid.',
      );
    }
  }
  if (new Set(tags.map((t) => t.key)).size < tags.length) {
    throw refuse.badRequest('Duplicate.TagKey', 'The Tag.N.Key contain duplicate key.');
  }
  return tags;
}

/** Whether a resource carries every tag asked for; a key alone asks for any value. */
export function carriesTags(
  tags: readonly Tag[],
  wanted: readonly { key: string; value?: string }[],
): boolean {
  return wanted.every(({ key, value }) =>
    tags.some((tag) => tag.key === key && (value === undefined || tag.value === value)),
  );
}

function isKey(key: string): boolean {
  return isValue(key) && key !== '' && !/^(aliyun|acs:)/i.test(key);
}

function isValue(value: string): boolean {
  return value.length <= TAG_LENGTH_MAX && !/https?:\/\//.test(value);
}
