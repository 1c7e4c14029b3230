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

function root(subdirectory: string): string {
  return subdirectory === '' ? '' : `${subdirectory}/`;
}
