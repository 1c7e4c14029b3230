/**
 * `metadata/vault-<identity>.json`: what a vault says of itself, so that the catalogue can be rebuilt
 * from OSS alone. Written once.
 */
import { BackupCentreError } from '../domain/errors.ts';
import { objectAt, textAt } from '../domain/json.ts';
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

/** What a document says. */
type KeptVault = Pick<Vault, 'identity' | 'spec' | 'creator' | 'accountId' | 'createdAtMs'>;

/**
 * Reads a document.
 * @throws BackupCentreError `bundle_invalid`, naming the key and the first field that is not as it must be
 */
export function parseVault(bytes: Uint8Array, key: string): KeptVault {
  const document = parsed(bytes);
  const invalid = (found: string) =>
    new BackupCentreError('bundle_invalid', `Cannot read vault ${key}: ${found}`);
  if (document === undefined) throw invalid('it is no JSON object');
  if (document.format !== 1) throw invalid('its format is not 1');
  const read = (...path: readonly string[]): string => {
    const text = textAt(document, ...path);
    if (text === undefined) throw invalid(`${path.join('.')} is missing or no text`);
    return text;
  };
  const createdAtMs = Date.parse(read('createdAt'));
  if (Number.isNaN(createdAtMs)) throw invalid('createdAt is no time');
  const visibility = read('spec', 'visibility');
  return {
    identity: read('identity'),
    spec: {
      name: read('spec', 'name'),
      bucketRegion: read('spec', 'bucketRegion'),
      bucketName: read('spec', 'bucketName'),
      bucketSubdirectory: read('spec', 'bucketSubdirectory'),
      visibility: visibility === 'shared' ? 'shared' : 'owner',
    },
    creator: read('creator'),
    accountId: read('accountId'),
    createdAtMs,
  };
}

function parsed(bytes: Uint8Array) {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return objectAt(value);
  } catch {
    return undefined;
  }
}
