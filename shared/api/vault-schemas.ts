/** Wire form of vaults and bindings. */
import { z } from 'zod';
import type { Vault, VaultBinding } from '../domain/vault.ts';
import { findingSchema, nameSchema, timeSchema, timeText } from './common-schemas.ts';

const subdirectorySchema = z
  .string()
  .max(512)
  .transform((text) => text.replace(/^\/+|\/+$/g, ''))
  .refine(
    (text) =>
      text === '' || text.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
    'must be a path without empty or dot parts',
  );

/** Body of POST /v1/vaults. */
export const vaultRequestSchema = z
  .strictObject({
    name: nameSchema,
    bucketRegion: z
      .string()
      .regex(/^[a-z]{2}-[a-z0-9-]+$/, 'must be a region id such as cn-hangzhou'),
    bucketName: z.string().regex(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, 'must be an OSS bucket name'),
    bucketSubdirectory: subdirectorySchema.default(''),
    visibility: z.enum(['owner', 'shared']),
  })
  .meta({ id: 'VaultRequest' });

/** A vault. */
export const vaultSchema = z
  .object({
    name: z.string(),
    identity: z.string(),
    bucketRegion: z.string(),
    bucketName: z.string(),
    bucketSubdirectory: z.string(),
    visibility: z.enum(['owner', 'shared']),
    phase: z.enum(['InProgress', 'Available', 'Unavailable']),
    message: z.string().optional(),
    inbox: z.enum(['event', 'listed']),
    warnings: z.array(findingSchema),
    createdAt: timeSchema,
    checkedAt: timeSchema.optional(),
  })
  .meta({ id: 'Vault' });

/** Reply of DELETE: the pointer is gone, what is named here stays and stays billed. */
export const vaultDeletedSchema = z
  .object({
    name: z.string(),
    identity: z.string(),
    deletedAt: timeSchema,
    staysBilled: z.array(z.string()),
  })
  .meta({ id: 'VaultDeleted' });

/** A cluster's binding to a vault. */
export const bindingSchema = z
  .object({
    cluster: z.string(),
    vault: z.string(),
    identity: z.string(),
    boundAt: timeSchema,
  })
  .meta({ id: 'VaultBinding' });

/** A vault as replied. */
export function vaultView(vault: Vault): z.input<typeof vaultSchema> {
  return {
    ...vault.spec,
    identity: vault.identity,
    phase: vault.phase,
    ...(vault.message === undefined ? {} : { message: vault.message }),
    inbox: vault.inbox,
    warnings: [...vault.warnings],
    createdAt: timeText(vault.createdAtMs),
    ...(vault.checkedAtMs === undefined ? {} : { checkedAt: timeText(vault.checkedAtMs) }),
  };
}

/** A deleted vault as replied. */
export function vaultDeletedView(vault: Vault): z.input<typeof vaultDeletedSchema> {
  const { bucketName, bucketSubdirectory } = vault.spec;
  return {
    name: vault.spec.name,
    identity: vault.identity,
    deletedAt: timeText(vault.deletedAtMs ?? 0),
    staysBilled: [`OSS storage of ${bucketName}/${bucketSubdirectory}`],
  };
}

/** A binding as replied. */
export function bindingView(binding: VaultBinding): z.input<typeof bindingSchema> {
  return {
    cluster: binding.cluster,
    vault: binding.vaultName,
    identity: binding.identity,
    boundAt: timeText(binding.boundAtMs),
  };
}
