/** Wire form of plans. */
import { z } from 'zod';
import type { Plan } from '../domain/plan.ts';
import { upcomingRuns } from '../domain/plan-change.ts';
import { backupRequestSchema, namespacesSchema } from './backup-schemas.ts';
import { phaseSchema, timeSchema, timeText } from './common-schemas.ts';

/** How many coming runs a reply names (design §8). */
const NEXT_RUNS = 5;

/** `{cron | every, timeZone?}`; what stands in them is checked by the schedule's own rules. */
const scheduleSchema = z
  .strictObject({
    cron: z.string().max(1000).optional(),
    every: z.string().max(100).optional(),
    timeZone: z.string().max(64).optional(),
  })
  .meta({ id: 'Schedule' });

/** Body of POST .../plans. */
export const planRequestSchema = backupRequestSchema
  .extend({
    schedule: scheduleSchema,
    namespaceSelection: z.enum(['include', 'exclude']).default('include'),
    paused: z.boolean().default(false),
    skipNextRun: z.boolean().default(false),
  })
  .meta({ id: 'PlanRequest' });

/** A validated request; resource names are still the caller's words. */
export type PlanRequest = z.output<typeof planRequestSchema>;

/** Body of PATCH .../plans/{plan}: all that may be changed. */
export const planChangeSchema = z
  .strictObject({
    namespaces: namespacesSchema.optional(),
    schedule: scheduleSchema.optional(),
    paused: z.boolean().optional(),
    skipNextRun: z.boolean().optional(),
  })
  .meta({ id: 'PlanChange' });

/** A plan. */
export const planSchema = z
  .object({
    id: z.string(),
    cluster: z.string(),
    name: z.string(),
    vault: z.string(),
    namespaceSelection: z.enum(['include', 'exclude']),
    namespaces: z.array(z.string()),
    volumeBackup: z.boolean(),
    labelSelector: z.record(z.string(), z.unknown()).optional(),
    resources: z.array(z.string()).optional(),
    excludedResources: z.array(z.string()).optional(),
    clusterScope: z.enum(['related', 'all', 'none']),
    retentionDays: z.int(),
    schedule: z.union([
      z.object({ cron: z.string(), timeZone: z.string() }),
      z.object({ every: z.string(), timeZone: z.string() }),
    ]),
    paused: z.boolean(),
    skipNextRun: z.boolean(),
    createdAt: timeSchema,
    /** Five, none while paused; a run that is to be skipped is not among them. */
    nextRuns: z.array(timeSchema),
    lastRun: z.object({ name: z.string(), phase: phaseSchema, at: timeSchema }).optional(),
    lastSkipped: z.object({ at: timeSchema, reason: z.string() }).optional(),
  })
  .meta({ id: 'Plan' });

/** Fields of a plan that stay as they were made. */
export const PLAN_FIELDS_FIXED: readonly string[] = Object.keys(planSchema.shape).filter(
  (field) => !(field in planChangeSchema.shape),
);

/** A plan as replied. */
export function planView(plan: Plan, nowMs: number): z.input<typeof planSchema> {
  const { lastRun, lastSkipped, spec } = plan;
  const { labelSelector, resources, excludedResources, ...rest } = spec;
  return {
    id: plan.id,
    cluster: plan.cluster,
    ...rest,
    namespaceSelection: spec.namespaceSelection ?? 'include',
    namespaces: [...spec.namespaces],
    ...(labelSelector === undefined ? {} : { labelSelector: { ...labelSelector } }),
    ...(resources === undefined ? {} : { resources: [...resources] }),
    ...(excludedResources === undefined ? {} : { excludedResources: [...excludedResources] }),
    paused: plan.paused,
    skipNextRun: plan.skipNextRun,
    createdAt: timeText(plan.createdAtMs),
    nextRuns: upcomingRuns(plan, nowMs, NEXT_RUNS).map(timeText),
    ...(lastRun === undefined
      ? {}
      : { lastRun: { name: lastRun.name, phase: lastRun.phase, at: timeText(lastRun.atMs) } }),
    ...(lastSkipped === undefined
      ? {}
      : { lastSkipped: { at: timeText(lastSkipped.atMs), reason: lastSkipped.reason } }),
  };
}
