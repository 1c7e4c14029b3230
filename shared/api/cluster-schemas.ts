/** Wire form of clusters. */
import { z } from 'zod';
import type { Cluster } from '../domain/cluster.ts';
import { PRECHECKS } from '../domain/precheck-item.ts';
import { timeSchema, timeText } from './common-schemas.ts';

/** Body of POST /v1/clusters: an ACK cluster id; the rest is read from ACK. */
export const clusterRequestSchema = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be an ACK cluster id'),
    region: z
      .string()
      .regex(/^[a-z]{2}-[a-z0-9-]+$/, 'must be a region id')
      .optional(),
    network: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'must be a network name')
      .optional(),
  })
  .meta({ id: 'ClusterRequest' });

/** A registered cluster. */
export const clusterSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    region: z.string(),
    clusterType: z.string(),
    profile: z.string(),
    network: z.string(),
    kubernetesVersion: z.string(),
    kinds: z.int(),
    registeredAt: timeSchema,
    registeredBy: z.string(),
    contactedAt: timeSchema.optional(),
    /** Why the API server could not be reached just now. */
    unreachable: z.string().optional(),
  })
  .meta({ id: 'Cluster' });

/** Whether a cluster can be backed up and restored into, row by row. */
export const precheckSchema = z
  .object({
    items: z.array(
      z.object({
        check: z.enum(PRECHECKS),
        ok: z.boolean(),
        found: z.string(),
        needed: z.string(),
        /** What to do; empty where the row is fine. */
        remedy: z.string(),
      }),
    ),
  })
  .meta({ id: 'Precheck' });

/** A cluster as replied. */
export function clusterView(cluster: Cluster, unreachable?: string): z.input<typeof clusterSchema> {
  const { id, name, region, clusterType, profile, network, kubernetesVersion } = cluster;
  return {
    id,
    name,
    region,
    clusterType,
    profile,
    network,
    kubernetesVersion,
    kinds: cluster.resources.length,
    registeredAt: timeText(cluster.registeredAtMs),
    registeredBy: cluster.registeredBy,
    ...(cluster.contactedAtMs === 0 ? {} : { contactedAt: timeText(cluster.contactedAtMs) }),
    ...(unreachable === undefined ? {} : { unreachable }),
  };
}
