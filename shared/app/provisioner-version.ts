/** The disk driver's version by its provisioner in the cluster, for where ACK's components do not tell. */
import { isJsonObject } from '../domain/json.ts';
import { provisionerImageVersion } from '../domain/volumes/csi-version.ts';
import type { ClusterClient } from '../ports/cluster-client.ts';
import type { ResourceIndex } from './resource-index.ts';

/** The tag of its image; undefined where there is none of a version. */
export async function provisionerVersion(
  client: ClusterClient,
  index: ResourceIndex,
): Promise<string | undefined> {
  for (const kind of ['deployments', 'statefulsets']) {
    const resource = index.find('apps/v1', `${kind}.apps`);
    if (resource === undefined) continue;
    const target = { resource, namespace: 'kube-system', name: 'csi-provisioner' };
    const bytes = await client.get(target);
    const object: unknown =
      bytes === undefined ? undefined : JSON.parse(Buffer.from(bytes).toString());
    const version = isJsonObject(object) ? provisionerImageVersion(object) : undefined;
    if (version !== undefined) return version;
  }
  return undefined;
}
