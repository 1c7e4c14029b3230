/**
 * `metadata/vault-<identity>.json`: what a vault says of itself, so that the catalogue can be rebuilt
 * from OSS alone. Written once.
 */
import type { Vault } from '../domain/vault.ts';
import { vaultIdentityKey } from './vault-keys.ts';

/** A key that never exists: removing it proves the right to delete and leaves nothing. */
export function probeKey(subdirectory: string, random: string): string {
  return vaultIdentityKey(subdirectory, `probe-${random}`);
}

/** The document's text. */
export function vaultDocument(vault: Vault): string {
  const { identity, spec, creator, accountId, createdAtMs } = vault;
  return `${JSON.stringify({ format: 1, identity, spec, creator, accountId, createdAt: new Date(createdAtMs).toISOString() }, null, 2)}\n`;
}
