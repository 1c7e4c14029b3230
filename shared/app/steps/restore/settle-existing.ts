/**
 * What an object that is already in the target means: ours from before an interruption, the same, another
 * one, or a volume that serves somebody else. Nothing here changes it, with one exception that design §7
 * names: the `default` ServiceAccount of a namespace that this restore created.
 */
import { createHash } from 'node:crypto';
import { isSameObject } from '../../../domain/compare-objects.ts';
import { isJsonObject, type JsonObject, objectAt } from '../../../domain/json.ts';
import type { KubeObject } from '../../../domain/kube-object.ts';
import { parseExact } from '../../../format/exact-json.ts';
import { diskOf } from './disks.ts';
import { asKubeObject, type PreparedObject } from './prepare-object.ts';
import type { RestoreSession } from './restore-session.ts';

/** Verdict on an object that exists. */
export type ExistingVerdict =
  /** This run created it: the reply was lost, or the worker died before it wrote that down. */
  | { readonly kind: 'ours'; readonly uid: string }
  | {
      readonly kind: 'skipped';
      readonly reason: 'exists_equal' | 'exists_different';
      readonly uid: string;
      readonly warning?: string;
    }
  /** A namespace on its way out: what is put into it would be lost. */
  | { readonly kind: 'terminating' }
  /** A volume of that name serves another claim; on shared storage a second one may stand beside it. */
  | { readonly kind: 'taken'; readonly otherName: string | undefined };

/** Looks at the object in the target. */
export async function judgeExisting(
  session: RestoreSession,
  prepared: PreparedObject,
  bytes: Uint8Array,
): Promise<ExistingVerdict> {
  const existing = asKubeObject(parseExact(bytes));
  if (existing === undefined) return { kind: 'skipped', reason: 'exists_different', uid: '' };
  const uid = existing.metadata.uid ?? '';
  const { object } = prepared;
  if (!session.spec.dryRun && isManagedBy(existing, session.fieldManager)) {
    return { kind: 'ours', uid };
  }
  if (object.kind === 'Namespace' && existing.metadata.deletionTimestamp !== undefined) {
    return { kind: 'terminating' };
  }
  if (object.kind === 'PersistentVolume' && servesAnother(existing, object)) {
    return {
      kind: 'taken',
      otherName: diskOf(object) === undefined ? secondName(object) : undefined,
    };
  }
  if (object.kind === 'ServiceAccount' && object.metadata.name === 'default') {
    return await judgeDefaultAccount(session, prepared, existing);
  }
  return { kind: 'skipped', reason: sameness(object, existing), uid };
}

function sameness(wanted: KubeObject, existing: KubeObject): 'exists_equal' | 'exists_different' {
  return isSameObject(wanted, existing) ? 'exists_equal' : 'exists_different';
}

/**
 * Only a create of this very run writes under this name. Later writers add entries of their own; ours
 * stays for the fields nobody else took.
 */
export function isManagedBy(object: JsonObject, manager: string): boolean {
  const entries = objectAt(object, 'metadata')?.managedFields;
  return Array.isArray(entries) && entries.some((e) => isJsonObject(e) && e.manager === manager);
}

function servesAnother(existing: KubeObject, wanted: KubeObject): boolean {
  const theirs = objectAt(existing, 'spec', 'claimRef');
  const ours = objectAt(wanted, 'spec', 'claimRef');
  if (theirs === undefined || ours === undefined) return false;
  return theirs.namespace !== ours.namespace || theirs.name !== ours.name;
}

/** The same name for the same claim in every attempt; names of volumes have 253 characters at most. */
function secondName(volume: KubeObject): string {
  const claim = objectAt(volume, 'spec', 'claimRef');
  const text = `${String(claim?.namespace)}/${String(claim?.name)}`;
  const suffix = createHash('sha256').update(text).digest('hex').slice(0, 8);
  return `${volume.metadata.name.slice(0, 244)}-${suffix}`;
}

const ACCOUNT_FIELDS = ['secrets', 'imagePullSecrets'] as const;

/** Every namespace has this account before a restore can create it. */
async function judgeDefaultAccount(
  session: RestoreSession,
  prepared: PreparedObject,
  existing: KubeObject,
): Promise<ExistingVerdict> {
  const { object, target, changes } = prepared;
  const uid = existing.metadata.uid ?? '';
  const differing = ACCOUNT_FIELDS.filter(
    (field) =>
      object[field] !== undefined &&
      JSON.stringify(object[field]) !== JSON.stringify(existing[field]),
  );
  if (differing.length === 0) return { kind: 'skipped', reason: sameness(object, existing), uid };
  const namespace = target.namespace ?? '';
  if (session.spec.dryRun || !session.state.madeNamespace(namespace)) {
    const warning = `ServiceAccount default of namespace ${namespace} differs in ${differing.join(', ')}`;
    return { kind: 'skipped', reason: 'exists_different', uid, warning };
  }
  const patch = Object.fromEntries(differing.map((field) => [field, object[field]]));
  const reply = await session.client.patch(
    target,
    Buffer.from(JSON.stringify(patch)),
    'application/merge-patch+json',
  );
  changes.push(`${differing.join(', ')}: given back, the namespace is new`);
  const now = asKubeObject(parseExact(reply)) ?? existing;
  return { kind: 'skipped', reason: sameness(object, now), uid };
}
