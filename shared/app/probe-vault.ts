/**
 * Looks whether a vault can be used: bucket there, in its region, of a readable storage class, and
 * writable, readable and deletable by us. The file that proves writing is the vault's own identity
 * document, written once, so probing works under OSS retention policies.
 */
import { AlreadyExistsError, BackupCentreError, ConditionFailedError } from '../domain/errors.ts';
import type { Vault, VaultPhase } from '../domain/vault.ts';
import { probeKey, vaultDocument } from '../format/vault-document.ts';
import { vaultIdentityKey } from '../format/vault-keys.ts';
import type { StoredRow } from '../ports/record-store.ts';
import type { AppServices } from './app-services.ts';
import { livingVaults } from './vault-catalogue.ts';

/** How often a vault is looked at, ms (ACK §2.5: about every 5 minutes). */
const RECHECK_MS = 300_000;
/** Storage classes whose objects can be read at any time (ACK §2.3-5). */
const READABLE_CLASSES: readonly string[] = ['Standard', 'IA'];

/** What a probe found. */
interface ProbeResult {
  readonly phase: VaultPhase;
  readonly message?: string;
  readonly versioned: boolean;
  readonly bucketEncrypted: boolean;
}

/** Probes the vault and stores what was found; returns the vault as it then is. */
export async function probeVault(services: AppServices, row: StoredRow<Vault>): Promise<Vault> {
  const result = await probe(services, row.value);
  const { message: _before, ...rest } = row.value;
  const vault: Vault = { ...rest, ...result, checkedAtMs: services.clock.now() };
  try {
    await services.records.put('vaults', row.key, vault, { version: row.version });
  } catch (error) {
    // Deleted or probed by somebody else meanwhile: theirs is as good as ours.
    if (!(error instanceof ConditionFailedError)) throw error;
    return (await services.records.get('vaults', row.key))?.value ?? vault;
  }
  if (result.phase !== row.value.phase) {
    services.log.info('Vault changed phase', {
      vault: vault.spec.name,
      phase: result.phase,
      message: result.message,
    });
  }
  return vault;
}

/** Probes every vault whose last look is five minutes old. */
export async function recheckVaults(services: AppServices): Promise<void> {
  const due = services.clock.now() - RECHECK_MS;
  for (const row of await livingVaults(services.records, services.accountId)) {
    if ((row.value.checkedAtMs ?? 0) <= due) await probeVault(services, row);
  }
}

async function probe(services: AppServices, vault: Vault): Promise<ProbeResult> {
  const { spec } = vault;
  const before = { versioned: vault.versioned, bucketEncrypted: vault.bucketEncrypted };
  const unavailable = (message: string): ProbeResult => ({
    ...before,
    phase: 'Unavailable',
    message,
  });
  const store = services.stores.open({ region: spec.bucketRegion, name: spec.bucketName });
  try {
    const info = await store.bucketInfo();
    if (info.region !== spec.bucketRegion) {
      return unavailable(
        `bucket ${spec.bucketName} is in region ${info.region}, the vault says ${spec.bucketRegion}; create a vault with the bucket's region`,
      );
    }
    if (!READABLE_CLASSES.includes(info.storageClass)) {
      return unavailable(
        `bucket ${spec.bucketName} has storage class ${info.storageClass}, whose objects cannot be read at any time; use a bucket of class Standard`,
      );
    }
    const document = new TextEncoder().encode(vaultDocument(vault));
    const key = vaultIdentityKey(spec.bucketSubdirectory, vault.identity);
    try {
      await store.put(key, document, { ifAbsent: true, encrypt: !info.encrypted });
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error;
    }
    await store.get(key, { offset: 0, length: 1 });
    await store.remove([probeKey(spec.bucketSubdirectory, services.entropy.hex(8))]);
    return {
      phase: 'Available',
      versioned: info.versioning !== 'disabled',
      bucketEncrypted: info.encrypted,
    };
  } catch (error) {
    if (!(error instanceof BackupCentreError)) throw error;
    return unavailable(
      `${error.message.replace(/\.$/, '')}; the vault needs bucket ${spec.bucketName} in region ${spec.bucketRegion}, where the centre's role may read, write and delete`,
    );
  }
}
