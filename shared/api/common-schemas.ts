/** Pieces that several wire schemas share. */
import { z } from 'zod';

/** Names of vaults, plans, backups and restores (design §8). */
export const nameSchema = z
  .string()
  .min(1)
  .max(40)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be lower-case letters, digits and inner hyphens');

/** Kubernetes namespace names. */
export const namespaceSchema = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, 'must be a namespace name');

/** Resource lists: arrays or comma strings; names are resolved against the cluster's kinds. */
export const resourceListSchema = z
  .union([z.array(z.string().min(1).max(253)).min(1).max(500), z.string().min(1).max(10_000)])
  .transform((value) =>
    (typeof value === 'string' ? value.split(',') : value)
      .map((n) => n.trim())
      .filter((n) => n !== ''),
  )
  .pipe(z.array(z.string()).min(1, 'must name at least one resource'));

/** A name or value of a label: 63 characters (Kubernetes, "Labels and Selectors", syntax). */
const LABEL_NAME = '[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
const LABEL_KEY = `(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?${LABEL_NAME}`;
const LABEL_VALUE = `(?:${LABEL_NAME})?`;

const labelKeySchema = z
  .string()
  .regex(new RegExp(`^${LABEL_KEY}$`), 'must be a label key, with or without prefix/');
const labelValueSchema = z
  .string()
  .regex(
    new RegExp(`^${LABEL_VALUE}$`),
    'must be a label value: at most 63 letters, digits, inner - _ and .',
  );

const requirementSchema = z
  .strictObject({
    key: labelKeySchema,
    operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
    values: z.array(labelValueSchema).max(100).optional(),
  })
  .refine(
    (r) =>
      (r.operator === 'In' || r.operator === 'NotIn') ===
      (r.values !== undefined && r.values.length > 0),
    'In and NotIn need values, the others take none',
  );

/** `{matchLabels, matchExpressions}`, or exactly one `key=value`. */
export const labelSelectorSchema = z.union([
  z
    .strictObject({
      matchLabels: z.record(labelKeySchema, labelValueSchema).optional(),
      matchExpressions: z.array(requirementSchema).max(50).optional(),
    })
    .refine(
      (s) => Object.keys(s.matchLabels ?? {}).length + (s.matchExpressions ?? []).length > 0,
      'must select something',
    ),
  z
    .string()
    .regex(new RegExp(`^${LABEL_KEY}=${LABEL_VALUE}$`), 'must be exactly one key=value')
    .transform((text) => {
      const at = text.indexOf('=');
      return { matchLabels: { [text.slice(0, at)]: text.slice(at + 1) } };
    }),
]);

/** Query of every list. */
export const pageQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: z.string().max(2000).optional(),
});

const objectSchema = z.object({
  apiVersion: z.string(),
  resource: z.string(),
  kind: z.string(),
  namespace: z.string().optional(),
  name: z.string(),
});

/** An error or warning of a record. */
export const findingSchema = z
  .object({
    code: z.string(),
    object: objectSchema.optional(),
    step: z.string(),
    message: z.string(),
    hint: z.string().optional(),
  })
  .meta({ id: 'Finding' });

/** Phases of a record. */
export const phaseSchema = z.enum([
  'New',
  'InProgress',
  'WaitingForVolumes',
  'Finalizing',
  'Completed',
  'PartiallyFailed',
  'Failed',
  'Cancelling',
  'Cancelled',
  'Deleting',
]);

/** RFC 3339 UTC. */
export const timeSchema = z.iso.datetime();

/** Milliseconds since the epoch as RFC 3339 UTC. Beyond the year 9999 the year is cut there. */
export function timeText(ms: number): string {
  return new Date(Math.min(ms, 253_402_300_799_000)).toISOString();
}
