import type { EcsCall } from './ecs-call.ts';
import { refuse } from './errors.ts';
import { TAGGED_RESOURCES_MAX } from './limits.ts';
import { numbered, optional } from './parameters.ts';
import type { Tag } from './records.ts';

/** A resource with its tags, whatever its type. */
export interface Taggable {
  readonly type: 'disk' | 'snapshot' | 'instance';
  readonly id: string;
  readonly tags: readonly Tag[];
  /** Records other tags, inside a commit. */
  setTags(tags: readonly Tag[]): void;
}

/** Every resource of a type and region that the account sees, newest first. */
export function taggables(call: EcsCall, regionId: string, type: Taggable['type']): Taggable[] {
  const { disks, snapshots, instances } = call.store;
  switch (type) {
    case 'disk':
      return call.disksOf(regionId).map((disk) => ({
        type,
        id: disk.diskId,
        tags: disk.tags,
        setTags: (tags) => void disks.putSync(disk.diskId, { ...disk, tags }),
      }));
    case 'snapshot':
      return call.snapshotsOf(regionId).map((snapshot) => ({
        type,
        id: snapshot.snapshotId,
        tags: snapshot.tags,
        setTags: (tags) => void snapshots.putSync(snapshot.snapshotId, { ...snapshot, tags }),
      }));
    case 'instance':
      return call.instancesOf(regionId).map((instance) => ({
        type,
        id: instance.instanceId,
        tags: Object.entries(instance.tags ?? {}).map(([key, value]) => ({ key, value })),
        setTags: (tags) => {
          const record = Object.fromEntries(tags.map(({ key, value }) => [key, value]));
          instances.putSync(instance.instanceId, { ...instance, tags: record });
        },
      }));
  }
}

/** ResourceType of a tag action. */
export function readResourceType(call: EcsCall): Taggable['type'] {
  const type = optional(call.parameters, 'ResourceType');
  if (type === undefined) {
    throw refuse.notFound(
      'MissingParameter.ResourceType',
      'The parameter - ResourceType should not be null.',
    );
  }
  if (type === 'disk' || type === 'snapshot' || type === 'instance') return type;
  throw refuse.notFound(
    'InvalidResourceType.NotFound',
    'The ResourceType provided does not exist in our records.',
  );
}

/** The resources that `ResourceId.N` names: at least one, and all must exist. */
export function readTagged(call: EcsCall): Taggable[] {
  const regionId = call.region().regionId;
  const type = readResourceType(call);
  const ids = readResourceIds(call);
  if (ids.length === 0) {
    throw refuse.notFound(
      'MissingParameter.ResourceIds',
      'The parameter - ResourceIds.N should not be null.',
    );
  }
  const found = taggables(call, regionId, type).filter((resource) => ids.includes(resource.id));
  if (found.length < new Set(ids).size) {
    throw refuse.notFound(
      'InvalidResourceId.NotFound',
      'The specified ResourceIds are not found in our records.',
    );
  }
  return found;
}

/** `ResourceId.N`, at most 50. */
export function readResourceIds(call: EcsCall): string[] {
  const ids = numbered(call.parameters, 'ResourceId');
  if (ids.length <= TAGGED_RESOURCES_MAX) return ids;
  throw refuse.badRequest(
    'NumberExceed.ResourceIds',
    "The ResourceIds parameter's number is exceed , Valid : 50.",
  );
}
