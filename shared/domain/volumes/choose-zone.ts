/**
 * The zone of a disk that is made from a snapshot without the cluster's CSI driver. A snapshot is
 * of a region, a disk of a zone, and only nodes of that zone can attach it (ACK §10-37).
 */
import type { JsonObject } from '../json.ts';
import { takesPod, zoneOfNode } from './node-rules.ts';

/** A zone, or why there is none. */
export type ZoneChoice =
  | { readonly kind: 'zone'; readonly zone: string }
  | { readonly kind: 'none'; readonly code: 'no_zone'; readonly message: string };

/**
 * The disk's first zone where a node there takes the pod, else the zone with most nodes that do,
 * the first by name of several.
 */
export function chooseZone(given: {
  /** Zone of the disk that the snapshot is of. */
  readonly original: string;
  readonly nodes: readonly JsonObject[];
  /** Spec of a pod that mounts the volume. */
  readonly podSpec?: JsonObject;
}): ZoneChoice {
  const { original, nodes, podSpec } = given;
  const counts = new Map<string, number>();
  for (const node of nodes) {
    const zone = zoneOfNode(node);
    if (zone === undefined || !takesPod(node, podSpec)) continue;
    counts.set(zone, (counts.get(zone) ?? 0) + 1);
  }
  if (counts.has(original)) return { kind: 'zone', zone: original };
  const [best] = [...counts].sort(([a, many], [b, more]) => more - many || (a < b ? -1 : 1));
  if (best !== undefined) return { kind: 'zone', zone: best[0] };
  const found = nodes.length === 0 ? 'the cluster has no nodes' : `none of ${nodes.length} nodes`;
  return {
    kind: 'none',
    code: 'no_zone',
    message: `Cannot choose a zone for the disk (it was in ${original}): ${found}${
      nodes.length === 0 ? '' : ' is ready, real, in a known zone and takes the pod'
    }`,
  };
}
