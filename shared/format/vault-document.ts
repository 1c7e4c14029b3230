/**
 * `metadata/vault-<identity>.json`: what a vault says of itself, so that the catalogue can be rebuilt
 * from OSS alone. Written once.
 */
import type { Vault } from '../domain/vault.ts';

/** Key prefix of a subdirectory: '' or `<subdirectory>/`. */
function root(subdirectory: string): string {
  return subdirectory === '' ? '' : `${subdirectory}/`;
}

/** Key of the identity document. */
export function vaultDocumentKey(subdirectory: string, identity: string): string {
  return `${root(subdirectory)}metadata/vault-${identity}.json`;
}

/** A key that never exists: removing it proves the right to delete and leaves nothing. */
export function probeKey(subdirectory: string, random: string): string {
  return `${root(subdirectory)}metadata/probe-${random}`;
}

/** The document's text. */
export function vaultDocument(vault: Vault): string {
  const { identity, spec, creator, accountId, createdAtMs } = vault;
  return `${JSON.stringify({ format: 1, identity, spec, creator, accountId, createdAt: new Date(createdAtMs).toISOString() }, null, 2)}\n`;
}
