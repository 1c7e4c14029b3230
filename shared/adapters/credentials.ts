/** Keys of the function's role; temporary, so adapters ask anew and never keep them. */
export interface CloudCredentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken?: string;
}

/** The keys valid now. Cheap: asked before every call. */
export type CredentialsProvider = () => CloudCredentials;

/**
 * A vendor client that is built anew when the keys change: a client made with yesterday's keys would
 * fail in the middle of a run.
 */
export class PerKeyClient<C> {
  private readonly provide: CredentialsProvider;
  private readonly build: (credentials: CloudCredentials) => C;
  private held: { readonly accessKeyId: string; readonly client: C } | undefined;

  constructor(provide: CredentialsProvider, build: (credentials: CloudCredentials) => C) {
    this.provide = provide;
    this.build = build;
  }

  /** The client for the keys valid now. */
  get(): C {
    const credentials = this.provide();
    if (this.held?.accessKeyId !== credentials.accessKeyId) {
      this.held = { accessKeyId: credentials.accessKeyId, client: this.build(credentials) };
    }
    return this.held.client;
  }
}
