/**
 * StatefulSets make the claims of their templates where they are missing: one that did not come back
 * would be made again, empty, and the application would begin anew on it.
 */
import { objectAt, objectsAt, textAt } from '../../../domain/json.ts';
import type { KubeObject } from '../../../domain/kube-object.ts';
import type { RestoreState } from './restore-state.ts';

/** Name of a claim that the object would make anew although its restore failed; undefined for none. */
export function claimMadeAnew(object: KubeObject, state: RestoreState): string | undefined {
  if (object.kind !== 'StatefulSet') return undefined;
  const { name, namespace = '' } = object.metadata;
  const spec = objectAt(object, 'spec');
  const start = numberOr(objectAt(spec, 'ordinals')?.start, 0);
  const end = start + numberOr(spec?.replicas, 1);
  const stems = objectsAt(spec, 'volumeClaimTemplates').map(
    (template) => `${textAt(template, 'metadata', 'name')}-${name}-`,
  );
  return state.failedClaims(namespace).find((claim) =>
    stems.some((stem) => {
      const ordinal = claim.startsWith(stem) ? claim.slice(stem.length) : '';
      return /^\d+$/.test(ordinal) && Number(ordinal) >= start && Number(ordinal) < end;
    }),
  );
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
