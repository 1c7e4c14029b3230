/**
 * Claims whose files did not come are removed again, those of others never. Where their class keeps
 * volumes (Retain), the volume stays, with nothing or a part of the files in it: it is named, not removed,
 * as a claim may have been given a volume that somebody had made before.
 */
import type { Finding } from '../../../domain/finding.ts';
import { textAt } from '../../../domain/json.ts';
import type { KubeObject } from '../../../domain/kube-object.ts';
import { parseExact } from '../../../format/exact-json.ts';
import type { ObjectTarget } from '../../../ports/cluster-client.ts';
import type { LandingPlan } from './landing-plan.ts';
import { asKubeObject } from './prepare-object.ts';
import type { RestoreSession } from './restore-session.ts';
import { isManagedBy } from './settle-existing.ts';

type Target = Pick<RestoreSession, 'client' | 'index' | 'fieldManager'>;
type Claim = Pick<LandingPlan, 'place' | 'pvc'>;

/** Removes a claim that this run created; one of others stays. */
export async function removeClaim(session: Target, plan: Claim): Promise<void> {
  const ours = await ourClaim(session, plan);
  if (ours === undefined) return;
  await session.client.remove(ours.target, textAt(ours.claim, 'metadata', 'uid'));
}

/** The volume that will stay when the claim is removed; undefined where it goes too, or there is none. */
export async function volumeThatStays(session: Target, plan: Claim): Promise<string | undefined> {
  const resource = session.index.find('v1', 'persistentvolumes');
  const name = textAt((await ourClaim(session, plan))?.claim, 'spec', 'volumeName') ?? '';
  if (resource === undefined || name === '') return undefined;
  const bytes = await session.client.get({ resource, name });
  const volume = bytes === undefined ? undefined : parseExact(bytes);
  return textAt(volume, 'spec', 'persistentVolumeReclaimPolicy') === 'Retain' ? name : undefined;
}

/** The warning about it. */
export function leftVolume({ place, pvc }: Claim, name: string, step: string): Finding {
  const kind = 'PersistentVolume';
  return {
    code: 'volume_left',
    object: { apiVersion: 'v1', resource: 'persistentvolumes', kind, name },
    step,
    message: `Volume ${name} of claim ${place}/${pvc} is left without all its files: its class keeps volumes (Retain)`,
    hint: 'Delete the volume and its storage, unless somebody needs them; it is billed until then',
  };
}

async function ourClaim(
  { client, index, fieldManager }: Target,
  { place, pvc }: Claim,
): Promise<{ readonly target: ObjectTarget; readonly claim: KubeObject } | undefined> {
  const resource = index.find('v1', 'persistentvolumeclaims');
  if (resource === undefined) return undefined;
  const target = { resource, namespace: place, name: pvc };
  const bytes = await client.get(target);
  const claim = bytes === undefined ? undefined : asKubeObject(parseExact(bytes));
  return claim !== undefined && isManagedBy(claim, fieldManager) ? { target, claim } : undefined;
}
