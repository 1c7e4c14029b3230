/** The bare limit of a restore: the bodies that a restore would send, POSTed and nothing else. */
import { resourcePath } from '../../shared/adapters/kubernetes/resource-path.ts';
import { type ApiResource, apiVersionOf } from '../../shared/domain/api-resource.ts';
import { imageRules } from '../../shared/domain/image-mapping.ts';
import type { JsonObject } from '../../shared/domain/json.ts';
import { isJsonObject } from '../../shared/domain/json.ts';
import type { KubeObject } from '../../shared/domain/kube-object.ts';
import { transformObject } from '../../shared/domain/transform/transform-object.ts';
import { formatExact, parseExact } from '../../shared/format/exact-json.ts';
import type { ClusterClient } from '../../shared/ports/cluster-client.ts';
import { type Body, benchNamespaces } from './fill-cluster.ts';
import type { RawServer } from './raw-server.ts';

const PAGE_OBJECTS = 500;
/** The kinds that the cluster is filled with. */
const FILLED = new Set(['configmaps', 'secrets', 'deployments']);

/** Where the objects of the filled namespaces go: beside them, under a prefix. */
export function mappingTo(prefix: string): Record<string, string> {
  return Object.fromEntries(benchNamespaces().map((name) => [name, `${prefix}-${name}`]));
}

/** Every object of the filled namespaces as a restore would send it, namespaces first. */
export async function restoreBodies(
  client: ClusterClient,
  prefix: string,
): Promise<{ readonly namespaces: readonly Body[]; readonly objects: readonly Body[] }> {
  const { resources } = await client.discover();
  const kinds = resources.filter((r) => r.preferred && FILLED.has(r.resource));
  const mapping = mappingTo(prefix);
  const objects: Body[] = [];
  for (const namespace of benchNamespaces()) {
    for (const kind of kinds) {
      for await (const bytes of itemsOf(client, kind, namespace)) {
        objects.push(bodyOf(kind, bytes, mapping));
      }
    }
  }
  const namespaces = Object.values(mapping).map((name) => {
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    return { path: '/api/v1/namespaces', bytes: Buffer.from(JSON.stringify(object)) };
  });
  return { namespaces, objects };
}

async function* itemsOf(
  client: ClusterClient,
  kind: ApiResource,
  namespace: string,
): AsyncGenerator<Uint8Array> {
  let token: string | undefined;
  do {
    const from = token === undefined ? {} : { continue: token };
    const page = await client.list(kind, { namespace, limit: PAGE_OBJECTS, ...from });
    yield* page.items;
    token = page.continue;
  } while (token !== undefined);
}

function bodyOf(resource: ApiResource, bytes: Uint8Array, mapping: Record<string, string>): Body {
  const object = parseExact(bytes);
  if (!isKubeObject(object)) throw new Error(`Cannot read an object of ${resource.resource}`);
  object.apiVersion = apiVersionOf(resource);
  object.kind = resource.kind;
  transformObject(object, {
    namespaceMapping: mapping,
    imageRules: imageRules({}),
    preserveNodePorts: undefined,
    volumeName: () => undefined,
  });
  const { namespace } = object.metadata;
  return { path: resourcePath(resource, { namespace }), bytes: formatExact(object) };
}

function isKubeObject(value: JsonObject | undefined): value is KubeObject {
  return isJsonObject(value?.metadata) && typeof value.metadata.name === 'string';
}

/** POSTs all bodies, so many at once. @throws Error for any reply but 201 */
export async function postAll(
  server: RawServer,
  bodies: readonly Body[],
  atOnce: number,
): Promise<void> {
  let next = 0;
  const post = async () => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) {
      const status = await server.post(body.path, body.bytes);
      if (status === 201) continue;
      throw new Error(`Cannot create an object at ${body.path}: the API server says ${status}`);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, post));
}
