import type { EcsCall, EcsReply } from '../ecs-call.ts';
import { refuse } from '../errors.ts';
import { IDS_MAX } from '../limits.ts';
import { takePage } from '../paging.ts';
import { idArray, optional } from '../parameters.ts';
import type { EcsInstance } from '../records.ts';
import { carriesTags, readTagPairs } from '../tags.ts';

/** Lists the instances that the host of the emulator put here. */
export function describeInstances(call: EcsCall): EcsReply {
  const { parameters } = call;
  const regionId = call.region().regionId;
  const malformed = () =>
    refuse.badRequest(
      'InvalidInstanceIds.Malformed',
      'The amount of specified instance Ids exceeds the limit.',
    );
  const ids = idArray(parameters, 'InstanceIds', malformed);
  if (ids !== undefined && ids.length > IDS_MAX) throw malformed();
  const status = optional(parameters, 'Status');
  const zoneId = optional(parameters, 'ZoneId');
  const name = optional(parameters, 'InstanceName');
  const wanted = readTagPairs(parameters);
  const matches = call
    .instancesOf(regionId)
    .filter((i) => ids === undefined || ids.includes(i.instanceId))
    .filter((i) => status === undefined || (i.status ?? 'Running') === status)
    .filter((i) => zoneId === undefined || i.zoneId === zoneId)
    .filter((i) => name === undefined || (i.instanceName ?? i.instanceId) === name)
    .filter((i) => carriesTags(tagsOf(i), wanted));
  const placed = matches.map((instance, index) => ({ instance, seq: matches.length - index }));
  const page = takePage(parameters, placed, { clamps: false, maxResults: { min: 1, max: 100 } });
  return {
    ...page.fields,
    Instances: {
      Instance: page.items.map(({ instance }) => describeInstance(instance, regionId)),
    },
  };
}

function tagsOf(instance: EcsInstance): { key: string; value: string }[] {
  return Object.entries(instance.tags ?? {}).map(([key, value]) => ({ key, value }));
}

function describeInstance(instance: EcsInstance, regionId: string): Record<string, unknown> {
  const { instanceId, privateIpAddress } = instance;
  return {
    InstanceId: instanceId,
    InstanceName: instance.instanceName ?? instanceId,
    HostName: instance.hostName ?? instanceId,
    InstanceType: instance.instanceType ?? 'ecs.g7.xlarge',
    RegionId: regionId,
    ZoneId: instance.zoneId,
    Status: instance.status ?? 'Running',
    InstanceNetworkType: 'vpc',
    InstanceChargeType: 'PostPaid',
    OperationLocks: {
      LockReason: instance.lockedForSecurity === true ? [{ LockReason: 'security' }] : [],
    },
    VpcAttributes: {
      PrivateIpAddress: { IpAddress: privateIpAddress === undefined ? [] : [privateIpAddress] },
    },
    Tags: { Tag: tagsOf(instance).map(({ key, value }) => ({ TagKey: key, TagValue: value })) },
  };
}
