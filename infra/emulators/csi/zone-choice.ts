import { createHash } from 'node:crypto';
import type { ClusterCache } from '../controllers/engine/cluster-cache.ts';
import type { PersistentVolumeClaim, StorageClass } from '../controllers/engine/storage-objects.ts';
import { type Node, nodes } from '../controllers/engine/workload-objects.ts';
import { csiNodes } from './csi-node.ts';
import { ZONE_TOPOLOGY } from './volume-driver.ts';

/** Where a volume goes, or why it can go nowhere. */
export type ZoneChoice = { readonly zone: string } | { readonly obstacle: string };

/**
 * The zone of a new volume, as csi-provisioner with `--strict-topology` demands it: that of the
 * selected node, else one of the cluster's zones, chosen by the claim's name so that a StatefulSet
 * spreads. Only nodes on which the driver is registered count.
 */
export function chooseZone(
  cluster: ClusterCache,
  given: {
    driver: string;
    claim: PersistentVolumeClaim;
    storageClass: StorageClass;
    selectedNode?: Node;
    zones?: readonly string[];
  },
): ZoneChoice {
  const { driver, claim, storageClass, selectedNode } = given;
  const allowed = allowedZones(storageClass);
  if (selectedNode !== undefined) {
    const { name, labels } = selectedNode.metadata;
    const zone = labels?.[ZONE_TOPOLOGY];
    if (!hasDriver(cluster, driver, name) || zone === undefined) {
      return { obstacle: obstacle(`no topology key found on CSINode ${name}`) };
    }
    if (allowed !== undefined && !allowed.has(zone)) {
      return {
        obstacle: obstacle(`selected node '"${name}"' topology is not in allowed topologies`),
      };
    }
    return { zone };
  }
  const served = cluster
    .informer(nodes)
    .all()
    .filter((node) => hasDriver(cluster, driver, node.metadata.name))
    .flatMap((node) => node.metadata.labels?.[ZONE_TOPOLOGY] ?? []);
  const zones = [...new Set(given.zones ?? served)]
    .filter((zone) => allowed === undefined || allowed.has(zone))
    .sort();
  const zone = zones[spread(claim.metadata.name) % Math.max(zones.length, 1)];
  return zone === undefined ? { obstacle: obstacle('no available topology found') } : { zone };
}

function obstacle(found: string): string {
  return `error generating accessibility requirements: ${found}`;
}

function allowedZones(storageClass: StorageClass): Set<string> | undefined {
  const terms = storageClass.allowedTopologies ?? [];
  if (terms.length === 0) return undefined;
  const expressions = terms.flatMap((term) => term.matchLabelExpressions ?? []);
  const zones = expressions.filter((each) => each.key === ZONE_TOPOLOGY);
  return new Set(zones.flatMap((each) => each.values));
}

function hasDriver(cluster: ClusterCache, driver: string, node: string): boolean {
  const registered = cluster.informer(csiNodes).get(node)?.spec.drivers ?? [];
  return registered.some((each) => each.name === driver);
}

/** `name-3` is three zones on from `name-0`; other names are spread by their hash. */
function spread(claimName: string): number {
  const match = /^(.*)-([0-9]+)$/.exec(claimName);
  const base = createHash('sha256')
    .update(match?.[1] ?? claimName)
    .digest()
    .readUInt32BE(0);
  return base + Number(match?.[2] ?? 0);
}
