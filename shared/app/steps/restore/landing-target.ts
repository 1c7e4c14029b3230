/** Where the files of a claim are written to: known once its new volume is there. */
import { type JsonObject, objectAt, textAt } from '../../../domain/json.ts';
import type { CloudFiles } from '../../../domain/volume-backup.ts';
import { type VolumeFacts, volumeFacts } from '../../../domain/volumes/volume-facts.ts';
import { parseExact } from '../../../format/exact-json.ts';
import type { LandingPlan } from './landing-plan.ts';
import { ensureLandingPod, type LandingCluster } from './landing-pod.ts';

/** The place, or why there is none. */
export type LandingTarget =
  | { readonly kind: 'there'; readonly files: CloudFiles }
  | { readonly kind: 'wait'; readonly found: string }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

/** ACK's handle on a file system, by which volumes of its classes name it. */
const FILE_SYSTEMS = 'containernetworkfilesystems.storage.alibabacloud.com';
const FILE_SYSTEMS_VERSION = 'storage.alibabacloud.com/v1beta1';

/**
 * Looks for the new volume of a claim. Where a pod is needed it is made for `together`, the claims of its
 * group that still wait; for none it is looked for only.
 */
export async function landingTarget(
  cluster: LandingCluster & { readonly clusterId: string },
  plan: LandingPlan,
  together: readonly LandingPlan[],
): Promise<LandingTarget> {
  const { place, pvc, source } = plan;
  const pod = plan.pod === undefined ? undefined : await ensureLandingPod(cluster, plan, together);
  if (pod?.kind === 'refused') return pod;
  const claim = await read(cluster, 'persistentvolumeclaims', pvc, place);
  if (claim === undefined) {
    return { kind: 'refused', code: 'lost', message: 'the claim was removed again by somebody' };
  }
  if (textAt(claim, 'metadata', 'deletionTimestamp') !== undefined) {
    return { kind: 'wait', found: 'the claim is being removed' };
  }
  const name = textAt(claim, 'spec', 'volumeName') ?? '';
  const phase = textAt(claim, 'status', 'phase') ?? 'Pending';
  if (name === '' || phase !== 'Bound') {
    const more = pod?.kind === 'wait' ? `, ${pod.found}` : '';
    return { kind: 'wait', found: `the claim is ${phase}${more}` };
  }
  const volume = await read(cluster, 'persistentvolumes', name, undefined);
  if (volume === undefined) return { kind: 'wait', found: `volume ${name} cannot be found` };
  const facts = volumeFacts(volume);
  if (source.files.way === 'nas') return await nasTarget(cluster, volume, facts);
  if (pod?.kind !== 'running') {
    return { kind: 'wait', found: pod?.found ?? 'there is no pod' };
  }
  const { node, uid: podUid } = pod;
  const files: CloudFiles = {
    way: 'container',
    cluster: cluster.clusterId,
    node,
    podUid,
    folder: facts.podFolder,
    pvUid: textAt(volume, 'metadata', 'uid') ?? '',
    pv: name,
    namespace: place,
    pvc,
    storageClass: facts.storageClass ?? '',
    size: textAt(volume, 'spec', 'capacity', 'storage') ?? '',
  };
  return { kind: 'there', files };
}

/** The file system and path of a NAS volume; a class of CNFS names the file system in its own object. */
async function nasTarget(
  cluster: LandingCluster,
  volume: JsonObject,
  facts: VolumeFacts,
): Promise<LandingTarget> {
  const path = `/${(facts.path ?? '').replace(/^\/+/, '')}`;
  const cnfs = textAt(volume, 'spec', 'csi', 'volumeAttributes', 'containerNetworkFileSystem');
  const object = cnfs === undefined ? undefined : await readFileSystem(cluster, cnfs);
  const fileSystemId =
    facts.fileSystemId ?? textAt(object, 'status', 'fsAttributes', 'filesystemId');
  if (facts.kind === 'nas' && fileSystemId !== undefined && facts.path !== undefined) {
    return { kind: 'there', files: { way: 'nas', fileSystemId, path } };
  }
  const found = cnfs ?? facts.server ?? 'neither server nor path';
  const message = `its new volume ${facts.pv} does not tell its NAS file system (${facts.driver}: ${found})`;
  return { kind: 'refused', code: 'conversion_not_allowed', message };
}

async function readFileSystem(
  { client, index }: LandingCluster,
  name: string,
): Promise<JsonObject | undefined> {
  const resource = index.find(FILE_SYSTEMS_VERSION, FILE_SYSTEMS);
  const bytes = resource === undefined ? undefined : await client.get({ resource, name });
  return bytes === undefined ? undefined : objectAt(parseExact(bytes));
}

async function read(
  { client, index }: LandingCluster,
  kind: 'persistentvolumeclaims' | 'persistentvolumes',
  name: string,
  namespace: string | undefined,
): Promise<JsonObject | undefined> {
  const resource = index.find('v1', kind);
  if (resource === undefined) return undefined;
  const place = namespace === undefined ? {} : { namespace };
  const bytes = await client.get({ resource, name, ...place });
  return bytes === undefined ? undefined : parseExact(bytes);
}
