/**
 * Snapshot objects that a restore puts into the target for its claims. They are ours alone, found by the
 * run's id in their annotation, and go once the claim is bound; the snapshot at ECS stays.
 */
import type { ApiResource } from '../../../domain/api-resource.ts';
import { BackupCentreError } from '../../../domain/errors.ts';
import { textAt } from '../../../domain/json.ts';
import { RUN_ANNOTATION } from '../../../domain/volumes/restored-claim.ts';
import { parseExact } from '../../../format/exact-json.ts';
import type { ClusterClient, ObjectTarget } from '../../../ports/cluster-client.ts';
import type { ResourceIndex } from '../../resource-index.ts';

const GROUP = 'snapshot.storage.k8s.io';
const RETAIN = 'Retain';

/** The kinds of the snapshot API as the target serves them. */
export interface SnapshotKinds {
  readonly version: 'v1' | 'v1beta1';
  readonly contents: ApiResource;
  readonly snapshots: ApiResource;
}

/** Undefined where they are not served. */
export function snapshotKinds(index: ResourceIndex): SnapshotKinds | undefined {
  for (const version of ['v1', 'v1beta1'] as const) {
    const contents = index.find(`${GROUP}/${version}`, `volumesnapshotcontents.${GROUP}`);
    const snapshots = index.find(`${GROUP}/${version}`, `volumesnapshots.${GROUP}`);
    if (contents !== undefined && snapshots !== undefined) return { version, contents, snapshots };
  }
  return undefined;
}

/**
 * Removes a snapshot object and its content, after the content has been seen to keep the snapshot at
 * ECS: with `Delete`, removing them would destroy the backup. Objects of others are left alone.
 * @throws BackupCentreError the content would delete the snapshot and cannot be changed
 */
export async function removeSnapshotObjects(
  client: ClusterClient,
  kinds: SnapshotKinds,
  given: { readonly runId: string; readonly namespace: string; readonly name: string },
): Promise<void> {
  const { runId, namespace, name } = given;
  const content: ObjectTarget = { resource: kinds.contents, name };
  const snapshot: ObjectTarget = { resource: kinds.snapshots, namespace, name };
  const contentUid = await uidOfOurs(client, content, runId);
  if (contentUid !== undefined) await keepSnapshot(client, content);
  const snapshotUid = await uidOfOurs(client, snapshot, runId);
  if (snapshotUid !== undefined) await client.remove(snapshot, snapshotUid);
  if (contentUid !== undefined) await client.remove(content, contentUid);
}

async function uidOfOurs(
  client: ClusterClient,
  target: ObjectTarget,
  runId: string,
): Promise<string | undefined> {
  const bytes = await client.get(target);
  const object = bytes === undefined ? undefined : parseExact(bytes);
  return textAt(object, 'metadata', 'annotations', RUN_ANNOTATION) === runId
    ? textAt(object, 'metadata', 'uid')
    : undefined;
}

async function keepSnapshot(client: ClusterClient, content: ObjectTarget): Promise<void> {
  if ((await policyOf(client, content)) === RETAIN) return;
  const patch = Buffer.from(JSON.stringify({ spec: { deletionPolicy: RETAIN } }));
  await client.patch(content, patch, 'application/merge-patch+json');
  const found = await policyOf(client, content);
  if (found === RETAIN || found === undefined) return;
  throw new BackupCentreError(
    'object_rejected',
    `Cannot remove VolumeSnapshotContent ${content.name}: its deletionPolicy is ${found}, which would delete the snapshot at ECS`,
  );
}

async function policyOf(client: ClusterClient, content: ObjectTarget): Promise<string | undefined> {
  const bytes = await client.get(content);
  return bytes === undefined ? undefined : textAt(parseExact(bytes), 'spec', 'deletionPolicy');
}
