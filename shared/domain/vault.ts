/** A vault: a named pointer to a place in OSS where bundles live. Immutable once created. */
import type { Finding } from './finding.ts';

/** What was asked for; never changes. */
export interface VaultSpec {
  readonly name: string;
  readonly bucketRegion: string;
  readonly bucketName: string;
  /** '' is the bucket's root; no leading or trailing slash. */
  readonly bucketSubdirectory: string;
  readonly visibility: 'owner' | 'shared';
}

/**
 * - `InProgress`: being probed for the first time
 * - `Available`: the last probe wrote, read and removed a file
 * - `Unavailable`: the last probe failed; `message` says why
 */
export type VaultPhase = 'InProgress' | 'Available' | 'Unavailable';

/** A vault with what is known of it. */
export interface Vault {
  /** Differs from every earlier vault of the same name; written into the vault itself. */
  readonly identity: string;
  readonly spec: VaultSpec;
  readonly creator: string;
  readonly accountId: string;
  readonly createdAtMs: number;
  readonly phase: VaultPhase;
  readonly message?: string;
  readonly checkedAtMs?: number;
  /** Whether overwriting keeps old versions: forbid-overwrite has no effect then. */
  readonly versioned: boolean;
  /** Whether the bucket encrypts by default, else uploads ask for AES256. */
  readonly bucketEncrypted: boolean;
  readonly inbox: 'event' | 'listed';
  readonly warnings: readonly Finding[];
  /** Set when deleted: the tombstone keeps the name known for ever. */
  readonly deletedAtMs?: number;
}

/** Region, bucket and subdirectory as one comparable text; names are claimed per location. */
export function vaultLocation(spec: {
  readonly bucketName: string;
  readonly bucketSubdirectory: string;
}): string {
  return spec.bucketSubdirectory === ''
    ? `${spec.bucketName}/`
    : `${spec.bucketName}/${spec.bucketSubdirectory}/`;
}

/** Whether two locations are equal or one lies inside the other. */
export function locationsOverlap(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

/** A cluster's link to a vault: the identity it has used under that name. */
export interface VaultBinding {
  readonly cluster: string;
  readonly vaultName: string;
  readonly identity: string;
  readonly location: string;
  readonly boundAtMs: number;
}

/** A vault's hold on its name or its location; void once that vault is deleted or never came to be. */
export interface VaultClaim {
  readonly name: string;
  readonly identity: string;
  readonly claimedAtMs: number;
}
