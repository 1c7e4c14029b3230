/** Looking vaults up. A deleted vault stays as its tombstone and is found by identity only. */
import { NotFoundError } from '../domain/errors.ts';
import { maySeeVault, type Principal } from '../domain/principal.ts';
import type { Vault } from '../domain/vault.ts';
import type { RecordStore, StoredRow } from '../ports/record-store.ts';

/** Vaults of one account, living and dead, that are looked at in one go. */
const VAULTS_MAX = 1000;

/** All vaults that ever had this name, in no order. */
export async function vaultsNamed(
  records: RecordStore,
  accountId: string,
  name: string,
): Promise<readonly StoredRow<Vault>[]> {
  return (await records.list('vaults', { prefix: [accountId, name], limit: VAULTS_MAX })).rows;
}

/** The living vault of this name. @throws NotFoundError also where the principal may not see it */
export async function findVault(
  records: RecordStore,
  principal: Principal,
  name: string,
): Promise<StoredRow<Vault>> {
  const rows = await vaultsNamed(records, principal.accountId, name);
  const row = rows.find((r) => r.value.deletedAtMs === undefined);
  if (row === undefined || !maySeeVault(row.value, principal)) {
    throw new NotFoundError(`Cannot find vault ${name}`);
  }
  return row;
}

/** Living vaults of the account, newest first. */
export async function livingVaults(
  records: RecordStore,
  accountId: string,
): Promise<readonly StoredRow<Vault>[]> {
  const rows: StoredRow<Vault>[] = [];
  let after: string | undefined;
  do {
    const page = await records.list('vaults', {
      prefix: [accountId],
      limit: VAULTS_MAX,
      ...(after === undefined ? {} : { after }),
    });
    rows.push(...page.rows.filter((r) => r.value.deletedAtMs === undefined));
    after = page.next;
  } while (after !== undefined);
  return rows.sort((a, b) => b.value.createdAtMs - a.value.createdAtMs);
}
