/** Who sends a request. */
export interface UserInfo {
  readonly user: string;
  readonly groups: readonly string[];
}

/** How one write is to be done, and by whom. */
export interface Writer {
  readonly user: UserInfo;
  /** Owner of the fields that the write sets. */
  readonly manager: string;
  readonly dryRun: boolean;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  /** Texts for the `Warning` headers of the reply. */
  readonly warnings: string[];
}

/** The writer that in-process controllers act as. */
export function controllerWriter(name: string): Writer {
  return {
    user: { user: `system:serviceaccount:kube-system:${name}`, groups: ['system:masters'] },
    manager: 'kube-controller-manager',
    dryRun: false,
    fieldValidation: 'Ignore',
    warnings: [],
  };
}
