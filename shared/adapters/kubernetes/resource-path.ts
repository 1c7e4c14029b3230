import { type ApiResource, groupResource } from '../../domain/api-resource.ts';
import { describeReference } from '../../domain/kube-object.ts';

/** Where a kind, an object or a part of one is, as a URL path. */
export function resourcePath(
  resource: ApiResource,
  place: {
    readonly namespace?: string | undefined;
    readonly name?: string;
    readonly subresource?: string | undefined;
  } = {},
): string {
  const { group, version } = resource;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const namespace =
    resource.namespaced && place.namespace !== undefined
      ? `/namespaces/${encodeURIComponent(place.namespace)}`
      : '';
  const name = place.name === undefined ? '' : `/${encodeURIComponent(place.name)}`;
  const part = place.subresource === undefined ? '' : `/${place.subresource}`;
  return `${root}${namespace}/${resource.resource}${name}${part}`;
}

/** `deployments.apps shop/web`: how messages name an object. */
export function describeTarget(target: {
  readonly resource: ApiResource;
  readonly namespace?: string;
  readonly name: string;
}): string {
  const { resource, namespace, name } = target;
  const where = resource.namespaced && namespace !== undefined ? { namespace } : {};
  return describeReference({ resource: groupResource(resource), ...where, name });
}
