/** Disks that volumes of the target name: a disk can serve one volume only. */
import { isJsonObject, type JsonObject, objectAt, textAt } from '../../../domain/json.ts';
import type { ClusterClient } from '../../../ports/cluster-client.ts';
import type { ResourceIndex } from '../../resource-index.ts';

/** Pages of volumes read at most: 100,000 volumes. */
const PAGES_MAX = 200;
const PAGE_OBJECTS = 500;

/** The cloud's id of a volume's disk; undefined for volumes that are no disks. */
export function diskOf(volume: JsonObject): string | undefined {
  const csi = objectAt(volume, 'spec', 'csi');
  if (textAt(csi, 'driver')?.includes('disk') === true) return textAt(csi, 'volumeHandle');
  const flex = objectAt(volume, 'spec', 'flexVolume');
  return textAt(flex, 'driver')?.includes('disk') === true
    ? textAt(flex, 'options', 'volumeId')
    : undefined;
}

/** Names of the target's volumes by the disk they name. */
export async function listDisks(
  client: ClusterClient,
  index: ResourceIndex,
): Promise<ReadonlyMap<string, string>> {
  const disks = new Map<string, string>();
  const resource = index.find('v1', 'persistentvolumes');
  if (resource === undefined) return disks;
  let next: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const from = next === undefined ? {} : { continue: next };
    const found = await client.list(resource, { limit: PAGE_OBJECTS, ...from });
    for (const bytes of found.items) {
      const volume: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
      const disk = isJsonObject(volume) ? diskOf(volume) : undefined;
      const name = textAt(volume, 'metadata', 'name');
      if (disk !== undefined && name !== undefined) disks.set(disk, name);
    }
    next = found.continue;
    if (next === undefined) break;
  }
  return disks;
}
