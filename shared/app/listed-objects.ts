/** Objects of the target read by lists: few requests for many objects. */
import type { ApiResource } from '../domain/api-resource.ts';
import { type JsonObject, textAt } from '../domain/json.ts';
import { type ClusterClient, ContinueExpiredError } from '../ports/cluster-client.ts';

/** Up to this many namespaces are listed one by one; more are picked out of one list. */
const NAMESPACES_APART_MAX = 10;
const PAGE_OBJECTS = 500;
/** Pages of one list at most: five million objects. */
const PAGES_MAX = 10_000;

/** Reads lists of one cluster. */
export class ListedObjects {
  private readonly client: ClusterClient;

  constructor(client: ClusterClient) {
    this.client = client;
  }

  /** `<namespace>/<name>` -> what `read` makes of each object, in the namespaces given or everywhere. */
  async of<T extends { readonly metadata?: unknown }>(
    resource: ApiResource,
    namespaces: ReadonlySet<string>,
    read: (bytes: Uint8Array) => T | undefined,
  ): Promise<ReadonlyMap<string, T>> {
    const found = new Map<string, T>();
    const apart = resource.namespaced && namespaces.size <= NAMESPACES_APART_MAX;
    for (const namespace of apart ? namespaces : [undefined]) {
      const place = namespace === undefined ? {} : { namespace };
      let next: string | undefined;
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const list = await this.page(resource, place, next);
        for (const bytes of list.items) {
          const object = read(bytes);
          const key = object === undefined ? undefined : keyOf(object.metadata);
          if (object !== undefined && key !== undefined) found.set(key, object);
        }
        next = list.continue;
        if (next === undefined) break;
      }
    }
    return found;
  }

  private async page(
    resource: ApiResource,
    place: { readonly namespace?: string },
    from: string | undefined,
  ): ReturnType<ClusterClient['list']> {
    const request = { ...place, limit: PAGE_OBJECTS };
    try {
      return await this.client.list(
        resource,
        from === undefined ? request : { ...request, continue: from },
      );
    } catch (error) {
      if (!(error instanceof ContinueExpiredError) || error.freshContinue === undefined)
        throw error;
      return await this.client.list(resource, { ...request, continue: error.freshContinue });
    }
  }
}

function keyOf(metadata: unknown): string | undefined {
  const object: JsonObject = { metadata };
  const name = textAt(object, 'metadata', 'name');
  return name === undefined
    ? undefined
    : `${textAt(object, 'metadata', 'namespace') ?? ''}/${name}`;
}
