/** What a target cluster has for volumes: claims, classes, nodes and the snapshot API. */
import { isJsonObject, type JsonObject, textAt } from '../../../domain/json.ts';
import { scanObject } from '../../../format/object-scan.ts';
import type { ClusterClient } from '../../../ports/cluster-client.ts';
import { ListedObjects } from '../../listed-objects.ts';
import { ResourceIndex } from '../../resource-index.ts';
import { snapshotKinds } from './snapshot-objects.ts';

/** As it is when it is read. */
export interface TargetStorage {
  /** `<namespace>/<name>` of the claims that stay in the namespaces asked for. */
  readonly claims: ReadonlySet<string>;
  /** StorageClasses by name. */
  readonly classes: ReadonlyMap<string, JsonObject>;
  readonly nodes: readonly JsonObject[];
  /** Undefined where snapshots are not served. */
  readonly snapshotVersion: 'v1' | 'v1beta1' | undefined;
}

/** Reads it; nothing where no namespace is asked for. */
export async function readTargetStorage(
  client: ClusterClient,
  namespaces: ReadonlySet<string>,
): Promise<TargetStorage> {
  const nothing = { claims: new Set<string>(), classes: new Map(), nodes: [] };
  if (namespaces.size === 0) return { ...nothing, snapshotVersion: undefined };
  const index = new ResourceIndex(await client.discover());
  const listed = new ListedObjects(client);
  const read = async <T extends { readonly metadata?: unknown }>(
    version: string,
    name: string,
    places: ReadonlySet<string>,
    make: (bytes: Uint8Array) => T | undefined,
  ): Promise<ReadonlyMap<string, T>> => {
    const resource = index.find(version, name);
    return resource === undefined ? new Map() : await listed.of(resource, places, make);
  };
  const everywhere = new Set<string>();
  const claims = await read('v1', 'persistentvolumeclaims', namespaces, scanObject);
  const classes = await read(
    'storage.k8s.io/v1',
    'storageclasses.storage.k8s.io',
    everywhere,
    body,
  );
  const nodes = await read('v1', 'nodes', everywhere, body);
  const places = await read('v1', 'namespaces', everywhere, scanObject);
  const stays = (key: string): boolean => {
    const [namespace = ''] = key.split('/');
    return !isLeaving(claims.get(key)) && !isLeaving(places.get(`/${namespace}`));
  };
  return {
    claims: new Set([...claims.keys()].filter(stays)),
    classes: new Map([...classes].map(([key, object]) => [key.slice(1), object])),
    nodes: [...nodes.values()],
    snapshotVersion: snapshotKinds(index)?.version,
  };
}

/** What is being removed is waited for, and made anew. */
function isLeaving(object: { readonly metadata?: unknown } | undefined): boolean {
  return textAt(object, 'metadata', 'deletionTimestamp') !== undefined;
}

function body(bytes: Uint8Array): JsonObject | undefined {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  return isJsonObject(value) ? value : undefined;
}
