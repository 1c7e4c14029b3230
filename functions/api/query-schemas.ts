/** Queries of the routes; the OpenAPI document shows the same. */
import { z } from 'zod';
import { pageQuerySchema, phaseSchema } from '../../shared/api/common-schemas.ts';

/** Filters of lists of records. */
export const recordQuerySchema = pageQuerySchema.extend({
  phase: phaseSchema.optional(),
  plan: z.string().optional(),
  vault: z.string().optional(),
  namespace: z.string().optional(),
});

/** Which vault is meant, where a backup's name is in two. */
export const backupQuerySchema = z.strictObject({ vault: z.string().optional() });

/** Filters of the list of plans. */
export const plansQuerySchema = pageQuerySchema.extend({
  vault: z.string().optional(),
  namespace: z.string().optional(),
});

/** Which vault is meant, where a plan's name is in two. */
export const planQuerySchema = z.strictObject({ vault: z.string().optional() });

/** A page of the objects in a backup; the cursor is the number of the next one. */
export const resourcesQuerySchema = pageQuerySchema.extend({
  ...backupQuerySchema.shape,
  cursor: z.coerce.number().int().min(0).optional(),
});

/** How one object of a backup is shown. */
export const objectQuerySchema = backupQuerySchema.extend({
  reveal: z.enum(['true', 'false']).default('false'),
});

/** Backups of a vault, of one cluster where named. */
export const vaultBackupsQuerySchema = pageQuerySchema.extend({ cluster: z.string().optional() });
