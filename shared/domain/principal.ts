/** Who is asking. */
import type { Vault } from './vault.ts';

/** A proven identity. */
export interface Principal {
  readonly accountId: string;
  /** ARN of the account owner, RAM user or role. */
  readonly arn: string;
  readonly isAccountOwner: boolean;
}

/** Whether the vault exists for this principal at all. */
export function maySeeVault(vault: Vault, principal: Principal): boolean {
  if (vault.accountId !== principal.accountId) return false;
  if (principal.isAccountOwner || vault.creator === principal.arn) return true;
  return vault.spec.visibility === 'shared';
}
