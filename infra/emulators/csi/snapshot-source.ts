import { asRecord } from '../controllers/engine/api-client.ts';
import type { ClusterCache } from '../controllers/engine/cluster-cache.ts';
import type { PersistentVolumeClaim } from '../controllers/engine/storage-objects.ts';
import { quantityBytes } from '../controllers/volume-fit.ts';
import {
  SNAPSHOT_GROUP,
  type VolumeSnapshotContent,
  volumeSnapshotContents,
  volumeSnapshots,
} from './snapshot-objects.ts';

/** On a content: claims may ask for another volume mode than the source's. */
const MODE_CHANGE_ANNOTATION = 'snapshot.storage.kubernetes.io/allow-volume-mode-change';

/** What a claim wants to be filled from. */
export interface DataSource {
  readonly apiGroup: string;
  readonly kind: string;
  readonly name: string;
}

/** The claim's data source; undefined for an empty volume. */
export function dataSourceOf(claim: PersistentVolumeClaim): DataSource | undefined {
  const source = claim.spec.dataSource ?? claim.spec.dataSourceRef;
  if (source === undefined) return undefined;
  const { apiGroup, kind, name } = asRecord(source);
  return { apiGroup: String(apiGroup ?? ''), kind: String(kind ?? ''), name: String(name ?? '') };
}

/** Whether the claim is to be filled from a VolumeSnapshot. */
export function isFromSnapshot(claim: PersistentVolumeClaim): boolean {
  const source = dataSourceOf(claim);
  return source?.kind === 'VolumeSnapshot' && source.apiGroup === SNAPSHOT_GROUP;
}

/**
 * The handle of the snapshot that the claim names, once all of csi-provisioner's checks hold.
 * @throws Error in csi-provisioner's words
 */
export async function snapshotHandleFor(
  cluster: ClusterCache,
  claim: PersistentVolumeClaim,
  driver: string,
): Promise<string> {
  const name = dataSourceOf(claim)?.name ?? '';
  const { namespace } = claim.metadata;
  const snapshot = await cluster.read(volumeSnapshots, { namespace, name });
  if (snapshot === undefined) {
    const found = `volumesnapshots.snapshot.storage.k8s.io "${name}" not found`;
    throw unready(name, `error getting snapshot ${name} from api server: ${found}`);
  }
  if (snapshot.metadata.deletionTimestamp !== undefined) {
    throw unready(name, `snapshot ${name} is currently being deleted`);
  }
  const contentName = snapshot.status?.boundVolumeSnapshotContentName ?? '';
  const content =
    contentName === ''
      ? undefined
      : await cluster.read(volumeSnapshotContents, { name: contentName });
  const reference = content?.spec.volumeSnapshotRef;
  const bound =
    reference?.uid === snapshot.metadata.uid &&
    reference.namespace === namespace &&
    reference.name === name;
  if (content === undefined || !bound || content.spec.driver !== driver) {
    throw unready(name, `snapshot ${name} not bound`);
  }
  if (snapshot.status?.readyToUse !== true) throw unready(name, `snapshot ${name} is not Ready`);
  const handle = content.status?.snapshotHandle;
  if (handle === undefined) throw unready(name, `snapshot handle ${name} is not available`);
  checkSize(claim, { name, restoreSize: snapshot.status.restoreSize });
  checkMode(claim, content);
  return handle;
}

function checkSize(
  claim: PersistentVolumeClaim,
  snapshot: { name: string; restoreSize?: string | undefined },
): void {
  if (snapshot.restoreSize === undefined) return;
  const wanted = quantityBytes(claim.spec.resources?.requests?.storage);
  const least = quantityBytes(snapshot.restoreSize);
  if (wanted >= least) return;
  throw unready(
    snapshot.name,
    `requested volume size ${wanted} is less than the size ${least} for the source snapshot ${snapshot.name}`,
  );
}

function checkMode(claim: PersistentVolumeClaim, content: VolumeSnapshotContent): void {
  const { sourceVolumeMode } = content.spec;
  const wanted = claim.spec.volumeMode ?? 'Filesystem';
  if (sourceVolumeMode === undefined || sourceVolumeMode === wanted) return;
  const allowed = content.metadata.annotations?.[MODE_CHANGE_ANNOTATION];
  if (allowed === 'true') return;
  const found = allowed === undefined ? 'annotation is not present on' : 'is set to false on';
  const { namespace, name } = claim.metadata;
  throw unready(
    dataSourceOf(claim)?.name ?? '',
    `requested volume ${namespace}/${name} modifies the mode of the source volume but does not ` +
      `have permission to do so. ${MODE_CHANGE_ANNOTATION} ${found} snapshotcontent ${content.metadata.name}`,
  );
}

function unready(name: string, found: string): Error {
  return new Error(
    `error getting handle for DataSource Type VolumeSnapshot by Name ${name}: ${found}`,
  );
}
