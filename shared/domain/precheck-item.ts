/** What is looked at before a cluster is relied on. */

/** Checks in the order of their rows. */
export const PRECHECKS = [
  'api_reachable',
  'kubernetes_version',
  'csi_version',
  'snapshot_api',
  'rbac_read',
  'rbac_create',
  'cnfs_class',
  'oss_access',
  'ecs_snapshot_access',
  'hbr_activated',
  'hbr_client',
] as const;

/** One row: `remedy` is empty where the row is fine. */
export interface PrecheckItem {
  readonly check: (typeof PRECHECKS)[number];
  readonly ok: boolean;
  readonly found: string;
  readonly needed: string;
  readonly remedy: string;
}
