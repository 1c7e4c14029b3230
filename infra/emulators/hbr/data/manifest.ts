/** A file, directory or link as it was when a job read it. */
export type ManifestEntry =
  | (EntryAttributes & {
      readonly kind: 'file';
      readonly size: number;
      /** SHA-256 of its bytes, in hex: the name of its blob. */
      readonly hash: string;
    })
  | (EntryAttributes & { readonly kind: 'directory' })
  | (EntryAttributes & { readonly kind: 'link'; readonly target: string });

interface EntryAttributes {
  /** Below the place that was backed up, without a leading slash. */
  readonly path: string;
  readonly mode: number;
  readonly mtimeMs: number;
  readonly uid: number;
  readonly gid: number;
}

/** What a backup job read; parents stand before children. */
export interface Manifest {
  readonly vaultId: string;
  readonly entries: readonly ManifestEntry[];
}
