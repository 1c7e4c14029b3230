/** Wire form of restores. */
import { z } from 'zod';
import type { RestoreRecord } from '../domain/restore-record.ts';
import { recordBaseSchema, recordBaseView } from './backup-schemas.ts';
import {
  labelSelectorSchema,
  nameSchema,
  namespaceSchema,
  resourceListSchema,
} from './common-schemas.ts';
import { modifierRuleSchema, modifiersTextSchema, RULES_MAX } from './modifier-schemas.ts';

const conversionSchema = z.strictObject({
  namespace: namespaceSchema.optional(),
  pvc: z.string().max(253).optional(),
  from: z.string().max(253).optional(),
  to: z.string().min(1).max(253),
  accessModes: z
    .array(z.enum(['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod']))
    .min(1)
    .optional(),
});

/** A registry, or a path in one; blanks around it and trailing slashes do not matter. */
const registrySchema = z
  .string()
  .trim()
  .max(512)
  .regex(
    /^(?!.*\/\/)[A-Za-z0-9][-A-Za-z0-9._:/]*$/,
    'must be a registry or a path in one, like registry.example.com/team',
  );

/** Body of POST .../restores. */
export const restoreRequestSchema = z
  .strictObject({
    name: nameSchema,
    vault: nameSchema,
    backup: z.string().min(1).max(63).optional(),
    plan: nameSchema.optional(),
    namespaces: z
      .array(namespaceSchema)
      .max(10_000)
      .transform((list) => [...new Set(list)])
      .default([]),
    resources: resourceListSchema.optional(),
    excludedResources: resourceListSchema.optional(),
    labelSelector: labelSelectorSchema.optional(),
    namespaceMapping: z.record(namespaceSchema, namespaceSchema).default({}),
    imageRegistryMapping: z.record(registrySchema, registrySchema).default({}),
    storageClassConversion: z.array(conversionSchema).max(1000).default([]),
    resourceModifiers: z.array(modifierRuleSchema).max(RULES_MAX).default([]),
    resourceModifiersText: modifiersTextSchema.optional(),
    preserveNodePorts: z.boolean().optional(),
    clusterScope: z.enum(['related', 'all', 'none']).optional(),
    volumes: z.enum(['restore', 'none']).default('restore'),
    verify: z.boolean().default(true),
    dryRun: z.boolean().default(false),
  })
  .refine((r) => (r.backup === undefined) !== (r.plan === undefined), {
    path: ['backup'],
    message: 'exactly one of backup and plan must be given',
  })
  .refine((r) => r.resourceModifiersText === undefined || r.resourceModifiers.length === 0, {
    path: ['resourceModifiersText'],
    message: 'only one of resourceModifiers and resourceModifiersText may be given',
  })
  .meta({ id: 'RestoreRequest' });

/** A validated request; names are still the caller's words. */
export type RestoreRequest = z.output<typeof restoreRequestSchema>;

/** A restore. */
export const restoreSchema = recordBaseSchema
  .extend({
    backup: z.string(),
    sourceCluster: z.string(),
    counts: z.object({
      created: z.int(),
      skipped: z.int(),
      failed: z.int(),
      omitted: z.int(),
    }),
    verification: z
      .object({
        ok: z.boolean(),
        checks: z.array(
          z.object({ object: z.string(), check: z.string(), ok: z.boolean(), found: z.string() }),
        ),
      })
      .optional(),
  })
  .meta({ id: 'Restore' });

/** What happened, or would happen, to one object. */
export const restoreItemSchema = z
  .object({
    apiVersion: z.string(),
    resource: z.string(),
    namespace: z.string().optional(),
    name: z.string(),
    action: z.enum(['created', 'skipped', 'failed', 'omitted', 'create', 'skip', 'refuse', 'omit']),
    reason: z.string(),
    changes: z.array(z.string()),
    proof: z.enum(['server', 'schema', 'none']).optional(),
  })
  .meta({ id: 'RestoreItem' });

/** A restore as replied. */
export function restoreView(record: RestoreRecord): z.input<typeof restoreSchema> {
  const { verification } = record;
  return {
    ...recordBaseView(record),
    backup: record.spec.backup,
    sourceCluster: record.sourceCluster,
    counts: record.counts,
    ...(verification === undefined
      ? {}
      : {
          verification: { ok: verification.ok, checks: verification.checks.map((c) => ({ ...c })) },
        }),
  };
}
