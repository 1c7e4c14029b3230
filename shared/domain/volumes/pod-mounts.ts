/** Which pods use which claims, and which of them a node's agent can read through. */
import { type JsonObject, objectAt, objectsAt, textAt } from '../json.ts';

/** A pod with the claims it uses. */
export interface PodMounts {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid: string;
  /** Absent while it is not scheduled. */
  readonly node?: string;
  /** Whether its volumes are mounted for sure: a pending, ended or leaving pod's may not be. */
  readonly running: boolean;
  readonly claims: readonly string[];
}

/**
 * The pod's claims by name, those of its ephemeral volumes included; undefined where it has none.
 */
export function podMounts(pod: JsonObject): PodMounts | undefined {
  const name = textAt(pod, 'metadata', 'name') ?? '';
  const claims = new Set<string>();
  for (const volume of objectsAt(pod, 'spec', 'volumes')) {
    const claim = textAt(volume, 'persistentVolumeClaim', 'claimName');
    if (claim !== undefined) claims.add(claim);
    // The claim of an ephemeral volume is named after pod and volume.
    if (objectAt(volume, 'ephemeral') !== undefined) claims.add(`${name}-${String(volume.name)}`);
  }
  if (claims.size === 0) return undefined;
  const node = textAt(pod, 'spec', 'nodeName');
  return {
    namespace: textAt(pod, 'metadata', 'namespace') ?? '',
    pod: name,
    podUid: textAt(pod, 'metadata', 'uid') ?? '',
    ...(node === undefined || node === '' ? {} : { node }),
    running:
      textAt(pod, 'status', 'phase') === 'Running' &&
      textAt(pod, 'metadata', 'deletionTimestamp') === undefined,
    claims: [...claims],
  };
}
