/** Wire form of a rebuild. */
import { z } from 'zod';
import { vaultRequestSchema, vaultSchema } from './vault-schemas.ts';

const { bucketRegion, bucketName, bucketSubdirectory } = vaultRequestSchema.shape;
const names = z.array(z.string());
const count = z.number().int().nonnegative();

/** Body of POST /v1/rebuild: where the vault lies, and where to go on. */
export const rebuildRequestSchema = z
  .strictObject({
    bucketRegion,
    bucketName,
    bucketSubdirectory,
    cursor: z.string().max(2000).optional(),
  })
  .meta({ id: 'RebuildRequest' });

/** What one call restored; ask again with `nextCursor` until there is none. */
export const rebuildSchema = z
  .object({
    vault: vaultSchema,
    plans: z.object({ restored: names, present: count, unreadable: names }),
    backups: z.object({
      restored: count,
      failed: names,
      present: count,
      active: names,
      abortedUploads: count,
    }),
    clusterTroubles: z.array(z.object({ cluster: z.string(), message: z.string() })),
    nextCursor: z.string().optional(),
  })
  .meta({ id: 'Rebuild' });
