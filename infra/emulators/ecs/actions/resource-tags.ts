import type { EcsCall, EcsReply } from '../ecs-call.ts';
import { refuse } from '../errors.ts';
import { TAGGED_RESOURCES_MAX, TAGS_PER_RESOURCE_MAX } from '../limits.ts';
import { takePage } from '../paging.ts';
import { numbered, optionalBoolean } from '../parameters.ts';
import { readResourceIds, readResourceType, readTagged, taggables } from '../taggable.ts';
import { carriesTags, readNewTags, readTagPairs } from '../tags.ts';

/** Adds tags to resources, or gives those of the same key another value; all or none. */
export async function tagResources(call: EcsCall): Promise<EcsReply> {
  const resources = readTagged(call);
  const added = readNewTags(call.parameters);
  if (added.length === 0) {
    throw refuse.notFound('MissingParameter.Tags', 'The parameter - Tags should not be null.');
  }
  const changes = resources.map((resource) => {
    const kept = resource.tags.filter((tag) => !added.some(({ key }) => key === tag.key));
    return { resource, tags: [...kept, ...added] };
  });
  if (changes.some(({ tags }) => tags.length > TAGS_PER_RESOURCE_MAX)) {
    throw refuse.badRequest(
      'OperationDenied.QuotaExceed',
      'The quota of tags on resource is beyond permitted range.',
    );
  }
  await call.store.commit(() => {
    for (const { resource, tags } of changes) resource.setTags(tags);
  });
  return {};
}

/** Removes tags by key, or every tag with All; keys that are not there are ignored. */
export async function untagResources(call: EcsCall): Promise<EcsReply> {
  const resources = readTagged(call);
  const keys = numbered(call.parameters, 'TagKey');
  const all = keys.length === 0 && optionalBoolean(call.parameters, 'All') === true;
  if (keys.length === 0 && !all) {
    throw refuse.notFound('MissingParameter.TagKey', 'The parameter - TagKey should not be null.');
  }
  await call.store.commit(() => {
    for (const resource of resources) {
      resource.setTags(all ? [] : resource.tags.filter((tag) => !keys.includes(tag.key)));
    }
  });
  return {};
}

/** Lists the tags of the resources named, or of all that carry the tags given; 50 to a page. */
export function listTagResources(call: EcsCall): EcsReply {
  const regionId = call.region().regionId;
  const type = readResourceType(call);
  const ids = readResourceIds(call);
  const wanted = readTagPairs(call.parameters);
  if (ids.length === 0 && wanted.length === 0) {
    throw refuse.notFound(
      'MissingParameter.ResourceIds',
      'The parameter - ResourceIds.N should not be null.',
    );
  }
  const rows = taggables(call, regionId, type)
    .filter((resource) => ids.length === 0 || ids.includes(resource.id))
    .filter((resource) => carriesTags(resource.tags, wanted))
    .flatMap((resource) =>
      resource.tags.map(({ key, value }) => ({
        ResourceId: resource.id,
        ResourceType: type,
        TagKey: key,
        TagValue: value,
      })),
    );
  const parameters = new Map([['MaxResults', `${TAGGED_RESOURCES_MAX}`], ...call.parameters]);
  const numberedRows = rows.map((row, index) => ({ row, seq: rows.length - index }));
  const page = takePage(parameters, numberedRows, {
    clamps: false,
    maxResults: { min: 1, max: 1000 },
  });
  return {
    NextToken: page.fields.NextToken,
    TagResources: { TagResource: page.items.map(({ row }) => row) },
  };
}
