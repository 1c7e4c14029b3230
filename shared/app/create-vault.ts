/**
 * Creating a vault: its name and its location are claimed first, each by one conditional write, so two
 * living vaults never share either. A claim whose vault never came to be, or was deleted, is void.
 */
import { BackupCentreError, ConditionFailedError } from '../domain/errors.ts';
import type { Finding } from '../domain/finding.ts';
import type { Principal } from '../domain/principal.ts';
import {
  locationsOverlap,
  type Vault,
  type VaultClaim,
  type VaultSpec,
  vaultLocation,
} from '../domain/vault.ts';
import type { AppServices } from './app-services.ts';
import { probeVault } from './probe-vault.ts';
import { vaultsNamed } from './vault-catalogue.ts';

/** A claim without a vault is void after this, ms: its creator died in between. */
const CLAIM_GRACE_MS = 60_000;
const CLAIMS_MAX = 1000;

/**
 * Creates and probes a vault.
 * @throws BackupCentreError `name_taken`, `location_in_use`
 */
export async function createVault(
  services: AppServices,
  principal: Principal,
  spec: VaultSpec,
): Promise<Vault> {
  const now = services.clock.now();
  const identity = services.entropy.hex(8);
  const earlier = await vaultsNamed(services.records, principal.accountId, spec.name);
  const claim: VaultClaim = { name: spec.name, identity, claimedAtMs: now };
  const held: string[] = [];
  try {
    await takeClaim(services, principal.accountId, `name/${spec.name}`, claim, 'name_taken');
    held.push(`name/${spec.name}`);
    const location = `location/${vaultLocation(spec)}`;
    await takeClaim(services, principal.accountId, location, claim, 'location_in_use');
    held.push(location);
    await refuseNested(services, principal.accountId, spec, identity);
  } catch (error) {
    await releaseClaims(services, principal.accountId, held, identity);
    throw error;
  }
  const vault: Vault = {
    identity,
    spec,
    creator: principal.arn,
    accountId: principal.accountId,
    createdAtMs: now,
    phase: 'InProgress',
    versioned: false,
    bucketEncrypted: false,
    inbox: 'listed',
    warnings: earlier.length === 0 ? [] : [nameReused(spec.name)],
  };
  const key = [principal.accountId, spec.name, identity];
  const version = await services.records.put('vaults', key, vault, 'absent');
  return await probeVault(services, { key, version, value: vault });
}

/** Gives up the claims that this vault holds; others' are left alone. */
export async function releaseClaims(
  services: AppServices,
  accountId: string,
  claims: readonly string[],
  identity: string,
): Promise<void> {
  for (const claim of claims) {
    const row = await services.records.get('vault_claims', [accountId, claim]);
    if (row?.value.identity !== identity) continue;
    await services.records.remove('vault_claims', [accountId, claim], { version: row.version });
  }
}

/**
 * Takes a claim, or finds that the vault has it.
 * @throws BackupCentreError `name_taken`, `location_in_use`
 */
export async function takeClaim(
  services: AppServices,
  accountId: string,
  claim: string,
  value: VaultClaim,
  code: 'name_taken' | 'location_in_use',
): Promise<void> {
  const key = [accountId, claim];
  const row = await services.records.get('vault_claims', key);
  if (row?.value.identity === value.identity) return;
  const taken = (name: string): BackupCentreError =>
    new BackupCentreError(
      code,
      `Cannot create vault ${value.name}: ${claim.replace('/', ' ')} is used by vault ${name}`,
      { details: { vault: name } },
    );
  if (row !== undefined && !(await isVoid(services, accountId, row.value))) {
    throw taken(row.value.name);
  }
  try {
    const condition = row === undefined ? 'absent' : { version: row.version };
    await services.records.put('vault_claims', key, value, condition);
  } catch (error) {
    if (error instanceof ConditionFailedError) throw taken(value.name);
    throw error;
  }
}

async function isVoid(services: AppServices, account: string, claim: VaultClaim): Promise<boolean> {
  const vault = await services.records.get('vaults', [account, claim.name, claim.identity]);
  if (vault !== undefined) return vault.value.deletedAtMs !== undefined;
  return claim.claimedAtMs + CLAIM_GRACE_MS < services.clock.now();
}

/** Each of two vaults created at once inside one another sees the other's claim: both give way. */
export async function refuseNested(
  services: AppServices,
  accountId: string,
  spec: VaultSpec,
  identity: string,
): Promise<void> {
  const location = vaultLocation(spec);
  const page = await services.records.list('vault_claims', {
    prefix: [accountId],
    limit: CLAIMS_MAX,
  });
  for (const row of page.rows) {
    const claim = row.key[1] ?? '';
    if (!claim.startsWith('location/') || row.value.identity === identity) continue;
    const other = claim.slice('location/'.length);
    if (!locationsOverlap(other, location)) continue;
    if (await isVoid(services, accountId, row.value)) continue;
    throw new BackupCentreError(
      'location_in_use',
      `Cannot create vault ${spec.name} at ${location}: vault ${row.value.name} is at ${other}`,
      { details: { vault: row.value.name } },
    );
  }
}

function nameReused(name: string): Finding {
  return {
    code: 'name_reused',
    step: 'create',
    message: `A vault named ${name} existed before; clusters that used it cannot use this one`,
    hint: 'Create the vault under a new name if such clusters must use it',
  };
}
