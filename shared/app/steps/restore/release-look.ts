/** What a restore made in its target beside the objects of the backup, and who uses it. */
import type { ApiResource } from '../../../domain/api-resource.ts';
import { isJsonObject, type JsonObject, textAt } from '../../../domain/json.ts';
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import type { VolumeBackup } from '../../../domain/volume-backup.ts';
import { madeName, RUN_ANNOTATION } from '../../../domain/volumes/restored-claim.ts';
import type { ClusterClient } from '../../../ports/cluster-client.ts';
import { ListedObjects } from '../../listed-objects.ts';
import { ResourceIndex } from '../../resource-index.ts';
import { diskOf } from './disks.ts';
import { type SnapshotKinds, snapshotKinds } from './snapshot-objects.ts';

/** How a claim of the restore stands. */
type ClaimStanding =
  | { readonly kind: 'bound'; readonly volume: string }
  /** It waits for a pod, or for its volume. `on`: what was made for it. */
  | { readonly kind: 'waiting'; readonly on: 'snapshot' | 'volume' }
  /** It is not there, or not this restore's. */
  | { readonly kind: 'free' };

/** A snapshot object, or what is left of one. */
interface MadeSnapshot {
  readonly namespace: string;
  readonly name: string;
}

/** One look at the target. */
export interface ReleaseLook {
  readonly client: ClusterClient;
  readonly kinds: SnapshotKinds | undefined;
  readonly volumeKind: ApiResource | undefined;
  /** Snapshot objects of the restore. */
  readonly snapshots: readonly MadeSnapshot[];
  /** Names of the restore's volumes. */
  readonly volumes: ReadonlySet<string>;
  /** Names of all volumes by the disk that they name. */
  readonly disks: ReadonlyMap<string, string>;
  /** Standing of the claim of a row. */
  readonly standingOf: (row: VolumeBackup) => ClaimStanding;
}

/** Looks at the claims of these rows and at everything the restore made. */
export async function lookAtRelease(
  client: ClusterClient,
  record: RestoreRecord,
  rows: readonly VolumeBackup[],
): Promise<ReleaseLook> {
  const index = new ResourceIndex(await client.discover());
  const listed = new ListedObjects(client);
  const places = new Set(rows.map(({ namespace }) => namespace));
  const isOurs = (object: JsonObject): boolean =>
    textAt(object, 'metadata', 'annotations', RUN_ANNOTATION) === record.runId;
  const read = async (
    resource: ApiResource | undefined,
    keep: (object: JsonObject) => boolean,
  ): Promise<ReadonlyMap<string, JsonObject>> => {
    if (resource === undefined) return new Map();
    return await listed.of(resource, resource.namespaced ? places : new Set(), (bytes) => {
      const object: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
      return isJsonObject(object) && keep(object) ? object : undefined;
    });
  };
  const kinds = snapshotKinds(index);
  const volumeKind = index.find('v1', 'persistentvolumes');
  const contents = await read(kinds?.contents, isOurs);
  const snapshots = await read(kinds?.snapshots, isOurs);
  const volumes = [...(await read(volumeKind, () => true)).values()];
  const claims = await read(index.find('v1', 'persistentvolumeclaims'), () => true);
  return {
    client,
    kinds,
    volumeKind,
    snapshots: [...contents.values(), ...snapshots.values()].map(madeSnapshot),
    volumes: new Set(volumes.filter(isOurs).map(nameIn)),
    disks: new Map(volumes.map((each) => [diskOf(each) ?? '', nameIn(each)])),
    standingOf: (row) => standing(claims.get(`${row.namespace}/${row.pvc}`), nameFor(record, row)),
  };
}

/** Name of what the restore makes for the claim of a row. */
export function nameFor({ runId }: RestoreRecord, { namespace, pvc }: VolumeBackup): string {
  return madeName({ runId, namespace, pvc });
}

function standing(claim: JsonObject | undefined, made: string): ClaimStanding {
  const volume = textAt(claim, 'spec', 'volumeName') ?? '';
  const onSnapshot = textAt(claim, 'spec', 'dataSource', 'name') === made;
  if (!onSnapshot && volume !== made) return { kind: 'free' };
  const phase = textAt(claim, 'status', 'phase') ?? 'Pending';
  if (phase !== 'Pending') return { kind: 'bound', volume };
  return { kind: 'waiting', on: onSnapshot ? 'snapshot' : 'volume' };
}

function madeSnapshot(object: JsonObject): MadeSnapshot {
  const namespace =
    textAt(object, 'metadata', 'namespace') ??
    textAt(object, 'spec', 'volumeSnapshotRef', 'namespace') ??
    '';
  return { namespace, name: nameIn(object) };
}

function nameIn(object: JsonObject): string {
  return textAt(object, 'metadata', 'name') ?? '';
}
