/**
 * First part of a rebuild: the vault itself, from what it says of itself in its bucket. Nothing that is
 * there is overwritten, so doing it again, after a crash or on a catalogue that lives, changes nothing.
 */
import { BackupCentreError, ConditionFailedError, NotFoundError } from '../domain/errors.ts';
import { maySeeVault, type Principal } from '../domain/principal.ts';
import { type Vault, vaultLocation } from '../domain/vault.ts';
import { parseVault } from '../format/vault-document.ts';
import { vaultIdentitiesPrefix } from '../format/vault-keys.ts';
import type { StoredRow } from '../ports/record-store.ts';
import type { AppServices } from './app-services.ts';
import { refuseNested, takeClaim } from './create-vault.ts';
import { probeVault } from './probe-vault.ts';

/** Where the vault lies: all that is known once the catalogue is lost. */
export interface VaultPlace {
  readonly bucketRegion: string;
  readonly bucketName: string;
  readonly bucketSubdirectory: string;
}

/**
 * The vault at that place, with its identity, its claims and its row. Earlier vaults at the same place,
 * which were deleted, come back as tombstones: backups of theirs are still theirs.
 * @throws NotFoundError no vault says that it is there, or the caller may not see it; BackupCentreError
 * `name_taken`, `location_in_use`, `vault_unavailable`, `bundle_invalid`, `account_not_allowed`
 */
export async function rebuildVault(
  services: AppServices,
  principal: Principal,
  place: VaultPlace,
): Promise<Vault> {
  const [newest, ...earlier] = await keptVaults(services, place);
  if (newest === undefined || !maySeeVault(newest, principal)) {
    throw new NotFoundError(
      `Cannot rebuild from bucket ${place.bucketName}: found no vault at ${vaultIdentitiesPrefix(place.bucketSubdirectory)}*.json`,
    );
  }
  for (const vault of earlier) {
    await putIfAbsent(services, { ...vault, deletedAtMs: newest.createdAtMs });
  }
  const row = (await findRow(services, newest)) ?? (await makeRow(services, newest));
  if (row.value.deletedAtMs !== undefined) {
    throw new BackupCentreError(
      'vault_unavailable',
      `Cannot rebuild vault ${newest.spec.name}: it was deleted at ${new Date(row.value.deletedAtMs).toISOString()}`,
    );
  }
  const vault = row.value.phase === 'Available' ? row.value : await probeVault(services, row);
  if (vault.phase === 'Available') return vault;
  throw new BackupCentreError(
    'vault_unavailable',
    `Cannot rebuild vault ${vault.spec.name}: it is ${vault.phase}: ${vault.message ?? ''}`,
  );
}

/** Claims first, as in making a vault: two living vaults never share name or location. */
async function makeRow(services: AppServices, vault: Vault): Promise<StoredRow<Vault>> {
  const { identity, spec, accountId } = vault;
  const claim = { name: spec.name, identity, claimedAtMs: services.clock.now() };
  const location = `location/${vaultLocation(spec)}`;
  await takeClaim(services, accountId, `name/${spec.name}`, claim, 'name_taken');
  await takeClaim(services, accountId, location, claim, 'location_in_use');
  await refuseNested(services, accountId, spec, identity);
  await putIfAbsent(services, vault);
  const row = await findRow(services, vault);
  if (row !== undefined) return row;
  throw new NotFoundError(`Cannot find vault ${spec.name}: its row vanished while it was rebuilt`);
}

/** Vaults that say they are or were at this place, newest first. */
async function keptVaults(services: AppServices, place: VaultPlace): Promise<readonly Vault[]> {
  const store = services.stores.open({ region: place.bucketRegion, name: place.bucketName });
  const { objects } = await store.list(vaultIdentitiesPrefix(place.bucketSubdirectory));
  const vaults: Vault[] = [];
  for (const { key } of objects) {
    const kept = parseVault(await store.get(key), key);
    if (kept.accountId !== services.accountId) {
      throw new BackupCentreError(
        'account_not_allowed',
        `Cannot rebuild vault ${kept.spec.name}: it is of another account`,
      );
    }
    // A bucket may have been copied: where it lies now counts, not where it was made.
    const spec = { ...kept.spec, ...place };
    const unknown = { versioned: false, bucketEncrypted: false, inbox: 'listed' } as const;
    vaults.push({ ...kept, spec, phase: 'InProgress', ...unknown, warnings: [] });
  }
  return vaults.sort((a, b) => b.createdAtMs - a.createdAtMs);
}

async function findRow(
  services: AppServices,
  { accountId, spec, identity }: Vault,
): Promise<StoredRow<Vault> | undefined> {
  return await services.records.get('vaults', [accountId, spec.name, identity]);
}

async function putIfAbsent(services: AppServices, vault: Vault): Promise<void> {
  try {
    const key = [vault.accountId, vault.spec.name, vault.identity];
    await services.records.put('vaults', key, vault, 'absent');
  } catch (error) {
    if (!(error instanceof ConditionFailedError)) throw error;
  }
}
