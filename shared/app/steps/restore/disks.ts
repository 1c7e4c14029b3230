/** Disks of volumes: a disk can serve one volume only, and a volume is nothing without its disk. */
import type { Cluster } from '../../../domain/cluster.ts';
import { BackupCentreError } from '../../../domain/errors.ts';
import { isJsonObject, type JsonObject, objectAt, textAt } from '../../../domain/json.ts';
import type { VolumeFinding } from '../../../domain/volumes/storage-class-conversion.ts';
import type { ClusterClient } from '../../../ports/cluster-client.ts';
import type { CloudDisk } from '../../../ports/disk-cloud.ts';
import type { ResourceIndex } from '../../resource-index.ts';
import type { RestoreServices } from '../../restore-services.ts';

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

/** A volume that comes back on the disk it had. */
export interface KeptDisk {
  readonly pv: string;
  readonly disk: string;
}

/** Which of these disks are gone at ECS, and to which instance others are attached. */
export async function lookAtDisks(
  { disks }: Pick<RestoreServices, 'disks'>,
  { region }: Pick<Cluster, 'region'>,
  kept: readonly KeptDisk[],
): Promise<{
  readonly gone: readonly { readonly pv: string; readonly finding: VolumeFinding }[];
  readonly attached: Readonly<Record<string, string>>;
}> {
  let found: readonly CloudDisk[];
  try {
    found = await disks.describeDisks(region, [...new Set(kept.map(({ disk }) => disk))]);
  } catch (error) {
    // Objects come back also where ECS may not be asked; the volume then says what is wrong.
    if (error instanceof BackupCentreError && !error.retryable) return { gone: [], attached: {} };
    throw error;
  }
  const ids = new Set(found.map(({ id }) => id));
  const attached = found.flatMap(({ id, instance }) =>
    instance === undefined ? [] : [[id, instance] as const],
  );
  return {
    gone: kept
      .filter(({ disk }) => !ids.has(disk))
      .map((each) => ({ pv: each.pv, finding: storageGone(each, region) })),
    attached: Object.fromEntries(attached),
  };
}

function storageGone({ pv, disk }: KeptDisk, region: string): VolumeFinding {
  return {
    code: 'storage_gone',
    object: { apiVersion: 'v1', resource: 'persistentvolumes', kind: 'PersistentVolume', name: pv },
    message: `Volume ${pv} is not restored: its disk ${disk} is not at ECS in ${region}; its claim gets a new, empty volume`,
  };
}
