/**
 * Keys in a vault's bucket; every one is built here. All lie inside `backups/`, `restores/` and
 * `metadata/`: Velero refuses a location with any other top-level folder.
 */

/** The files of one backup. */
export interface BackupKeys {
  /** `<subdirectory>/backups/<backup>/` */
  readonly prefix: string;
  /** `velero-backup.json`, written last: its presence is the commit. */
  readonly marker: string;
  readonly archive: string;
  readonly resourceList: string;
  readonly logs: string;
  readonly results: string;
  readonly volumeInfo: string;
  readonly catalog: string;
  readonly manifest: string;
}

/** Keys of the files of a backup; `subdirectory` is '' for a bucket's root. */
export function backupKeys(subdirectory: string, backup: string): BackupKeys {
  const prefix = `${backupsPrefix(subdirectory)}${backup}/`;
  return {
    prefix,
    marker: `${prefix}velero-backup.json`,
    archive: `${prefix}${backup}.tar.gz`,
    resourceList: `${prefix}${backup}-resource-list.json.gz`,
    logs: `${prefix}${backup}-logs.gz`,
    results: `${prefix}${backup}-results.gz`,
    volumeInfo: `${prefix}${backup}-volumeinfo.json.gz`,
    catalog: `${prefix}catalog.ndjson.gz`,
    manifest: `${prefix}manifest.json`,
  };
}

/** Under which all backups of a vault lie, one folder each. */
export function backupsPrefix(subdirectory: string): string {
  return `${root(subdirectory)}backups/`;
}

/** `metadata/vault-<identity>.json`: what the vault is, for a rebuild from OSS alone. */
export function vaultIdentityKey(subdirectory: string, identity: string): string {
  return `${root(subdirectory)}metadata/vault-${identity}.json`;
}

/** Under which vaults at this place say what they are. */
export function vaultIdentitiesPrefix(subdirectory: string): string {
  return `${root(subdirectory)}metadata/vault-`;
}

/** Under which the plans of a vault lie. */
export function plansPrefix(subdirectory: string): string {
  return `${root(subdirectory)}metadata/plans/`;
}

/** `metadata/plans/<plan>-<n>.json`: the plan as its n-th edit left it, for a rebuild from OSS alone. */
export function planKey(subdirectory: string, plan: string, revision: number): string {
  return `${plansPrefix(subdirectory)}${plan}-${revision}.json`;
}

function root(subdirectory: string): string {
  return subdirectory === '' ? '' : `${subdirectory}/`;
}

/** The files of one restore. */
export interface RestoreKeys {
  /** The outcome list: gzip members of JSON lines. */
  readonly items: string;
  /** Where each member of the list begins and how many lines it has. */
  readonly itemsIndex: string;
  readonly logs: string;
  readonly results: string;
}

/**
 * Keys of the files of a restore. Its id is in the names: clusters that share a vault may use one name
 * for different restores, and a dry run does not use its name up.
 */
export function restoreKeys(subdirectory: string, restore: string, id: string): RestoreKeys {
  const prefix = `${root(subdirectory)}restores/${restore}/${id}`;
  return {
    items: `${prefix}-items.ndjson.gz`,
    itemsIndex: `${prefix}-items-index.json`,
    logs: `${prefix}-logs.gz`,
    results: `${prefix}-results.gz`,
  };
}
