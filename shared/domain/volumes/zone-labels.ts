/** Keys under which nodes and PVs name their zone; the disk driver's own comes first. */
export const DISK_ZONE_LABEL = 'topology.diskplugin.csi.alibabacloud.com/zone';

/** All of them, in the order in which they are believed. */
export const ZONE_LABELS: readonly string[] = [
  DISK_ZONE_LABEL,
  'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/zone',
];
