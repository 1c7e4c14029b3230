import { rulesOf } from '../strategies/kind-rules.ts';
import { builtinStrategy } from '../strategies/strategy-table.ts';
import { builtinCodec } from './builtin-codec.ts';
import {
  apiVersionOf,
  builtinResources,
  groupResource,
  type ResourceInfo,
} from './resource-table.ts';
import type { ServedResource } from './served-resource.ts';

/** Where a resource's objects lie: events have one storage under two groups. */
function storageKeyOf(info: ResourceInfo): string {
  const name = groupResource(info);
  return name === 'events.events.k8s.io' ? 'events' : name;
}

/** Every built-in resource, ready to serve. */
export function servedBuiltins(): ServedResource[] {
  return builtinResources.map((info) => ({
    info,
    apiVersion: apiVersionOf(info),
    storageKey: storageKeyOf(info),
    custom: false,
    codec: builtinCodec(info),
    strategy: builtinStrategy(info, rulesOf(groupResource(info))),
  }));
}
