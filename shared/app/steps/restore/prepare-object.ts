/** From the bytes of the backup to the object to create, with a list of what was rewritten. */
import type { ApiResource } from '../../../domain/api-resource.ts';
import {
  type Conversion,
  conversionsOf,
  convertedResource,
  convertObject,
  currentWorkloadVersion,
  goneKind,
} from '../../../domain/api-versions/conversions.ts';
import { type JsonObject, objectAt } from '../../../domain/json.ts';
import type { KubeObject, OwnerReference } from '../../../domain/kube-object.ts';
import { transformObject } from '../../../domain/transform/transform-object.ts';
import { parseExact } from '../../../format/exact-json.ts';
import type { ObjectTarget } from '../../../ports/cluster-client.ts';
import { claimWithData } from './claim-data.ts';
import { askForNewVolume } from './landing-claim.ts';
import { modifyObject } from './modify-object.ts';
import { PLANNED_OWNER, type PlanEntry } from './restore-plan.ts';
import type { RestoreSession } from './restore-session.ts';
import { claimMadeAnew } from './template-claims.ts';

/** An object ready to be created. */
export interface PreparedObject {
  readonly target: ObjectTarget;
  readonly object: KubeObject;
  readonly changes: string[];
  /** What is created just before it and removed again where it does not come to be. */
  readonly companions?: readonly KubeObject[];
  /** Whether it is looked for first, and whether it may be created where it is not there. */
  readonly first?: { readonly mayCreate: boolean };
}

/** Why an object cannot even be asked for. */
export interface Unpreparable {
  readonly reason: string;
  readonly message: string;
}

/** Reason of an object whose API group is registered in the target and does not answer. */
export const GROUP_UNAVAILABLE = 'api_group_unavailable';

const VOLUMES = 'persistentvolumes';

/** Makes the object to create of what the backup holds. */
export async function prepareObject(
  session: RestoreSession,
  entry: PlanEntry,
  bytes: Uint8Array,
): Promise<PreparedObject | Unpreparable> {
  const { apiVersion, kind } = entry.line;
  const served = servedAs(session, entry);
  if ('reason' in served) return served;
  const { resource, conversion } = served;
  const object = asKubeObject(parseExact(bytes));
  if (object === undefined) {
    return { reason: 'invalid', message: 'the backup holds no object there' };
  }
  object.apiVersion = apiVersion;
  object.kind = kind;
  const converted = conversion === undefined ? [] : convertObject(object, conversion);
  const landing = session.landings.planOf(entry.line);
  if (landing?.refused !== undefined) {
    return { reason: landing.refused.code, message: landing.refused.message };
  }
  const asked = landing === undefined ? [] : askForNewVolume(object, landing);
  const plan = session.volumes.planOf(entry.line);
  const volume = plan === undefined ? await claimedVolume(session, object) : undefined;
  if (volume !== undefined && 'reason' in volume) return volume;
  const owners = object.metadata.ownerReferences ?? [];
  const { namespaceMapping, preserveNodePorts } = session.spec;
  const changes = transformObject(object, {
    namespaceMapping,
    imageRules: session.imageRules,
    preserveNodePorts,
    // A claim that gets its data otherwise loses its volume there.
    volumeName: (name) => (plan === undefined ? volume?.name : name),
  });
  if (plan !== undefined) {
    const made = claimWithData(session, plan, object);
    if ('reason' in made) return made;
    const { claim, companions, mayCreate } = made;
    const modified = await modifyObject(session, entry.line, resource, claim);
    if ('refused' in modified) return { reason: 'modifier_failed', message: modified.refused };
    changes.push(...made.changes, ...modified.changes, ...relink(session, entry, claim, owners));
    return {
      target: targetOf(resource, claim),
      object: claim,
      changes,
      companions,
      first: { mayCreate },
    };
  }
  const modified = await modifyObject(session, entry.line, resource, object);
  if ('refused' in modified) return { reason: 'modifier_failed', message: modified.refused };
  const anew = claimMadeAnew(object, session.state);
  if (anew !== undefined) {
    const message = `it would make claim ${anew} anew, empty, which could not be restored`;
    return { reason: 'claim_not_restored', message };
  }
  changes.unshift(...converted, ...asked);
  changes.push(...modified.changes, ...relink(session, entry, object, owners));
  const first = landing === undefined ? {} : { first: { mayCreate: true } };
  return { target: targetOf(resource, object), object, changes, ...first };
}

/** The kind in the target: at the version of the backup, else at one that we can convert it to. */
function servedAs(
  session: RestoreSession,
  entry: PlanEntry,
): { readonly resource: ApiResource; readonly conversion?: Conversion } | Unpreparable {
  const { apiVersion, resource: name, kind } = entry.line;
  const same = session.index.find(apiVersion, name);
  if (same !== undefined) return { resource: same };
  const ways = conversionsOf(apiVersion, name);
  for (const conversion of ways) {
    const resource = session.index.find(conversion.to, convertedResource(conversion));
    if (resource !== undefined) return { resource, conversion };
  }
  for (const version of [apiVersion, ...ways.map((way) => way.to)]) {
    const failure = session.index.failureOf(version);
    if (failure !== undefined) return groupUnavailable(session, version, failure);
  }
  const why = goneKind(name);
  const message = `the target does not serve ${kind} ${apiVersion}${why === undefined ? '' : `: ${why}`}`;
  return { reason: 'unsupported_version', message };
}

/** Why nothing of a group can be created now. */
export function groupUnavailable(
  session: RestoreSession,
  apiVersion: string,
  failure: string,
): Unpreparable {
  const message = `API group ${apiVersion} of cluster ${session.record.cluster} does not answer: ${failure}`;
  return { reason: GROUP_UNAVAILABLE, message };
}

/** Where an object goes. */
export function targetOf(resource: ApiResource, object: KubeObject): ObjectTarget {
  const { name, namespace } = object.metadata;
  return resource.namespaced && namespace !== undefined
    ? { resource, namespace, name }
    : { resource, name };
}

/** An object with metadata and a name; undefined for anything else. */
export function asKubeObject(value: JsonObject | undefined): KubeObject | undefined {
  return isKubeObject(value) ? value : undefined;
}

function isKubeObject(value: JsonObject | undefined): value is KubeObject {
  return value !== undefined && typeof objectAt(value, 'metadata')?.name === 'string';
}

/** Owners that are in the target under their UID there; the others are left off. */
function relink(
  session: RestoreSession,
  entry: PlanEntry,
  object: KubeObject,
  owners: readonly OwnerReference[],
): string[] {
  const changes: string[] = [];
  const linked = owners.flatMap((owner): OwnerReference[] => {
    const link = entry.owners[owner.uid];
    const uid = link === PLANNED_OWNER ? session.state.uidOf(owner.uid) : link;
    const apiVersion = currentWorkloadVersion(owner);
    if (uid !== undefined) return [{ ...owner, apiVersion, uid }];
    changes.push(`owner ${owner.kind}/${owner.name}: left off, it did not come back before`);
    return [];
  });
  if (linked.length > 0) object.metadata.ownerReferences = linked;
  return changes;
}

/**
 * The volume of a claim under its name in the target; no name where it does not come back. A claim whose
 * volume was wanted and failed is refused: it would be given an empty one.
 */
async function claimedVolume(
  session: RestoreSession,
  object: KubeObject,
): Promise<{ readonly name: string | undefined } | Unpreparable | undefined> {
  const name = objectAt(object, 'spec')?.volumeName;
  if (object.kind !== 'PersistentVolumeClaim' || typeof name !== 'string') return undefined;
  const known = session.state.volume(name);
  if (known === undefined) return { name: await unplannedVolume(session, name) };
  if (known.target !== undefined) return { name: known.target };
  return { reason: 'volume_in_use', message: `its volume ${name} was not restored` };
}

async function unplannedVolume(session: RestoreSession, name: string): Promise<string | undefined> {
  const resource = session.index.find('v1', VOLUMES);
  if (session.spec.volumes === 'none' || resource === undefined) return undefined;
  return (await session.client.get({ resource, name })) === undefined ? undefined : name;
}
