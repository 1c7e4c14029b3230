/** Keys of the function's role; temporary, so adapters ask anew and never keep them. */
export interface CloudCredentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken?: string;
}

/** The keys valid now. Cheap: asked before every call. */
export type CredentialsProvider = () => CloudCredentials;

/**
 * A vendor client that is built when first needed, and anew when the keys change: one made with
 * yesterday's keys would fail in the middle of a run. Building may load the vendor's SDK.
 */
export class PerKeyClient<C> {
  private readonly provide: CredentialsProvider;
  private readonly build: (credentials: CloudCredentials) => Promise<C>;
  private held: { readonly accessKeyId: string; readonly client: Promise<C> } | undefined;

  constructor(provide: CredentialsProvider, build: (credentials: CloudCredentials) => Promise<C>) {
    this.provide = provide;
    this.build = build;
  }

  /** The client for the keys valid now. */
  async get(): Promise<C> {
    const credentials = this.provide();
    if (this.held?.accessKeyId !== credentials.accessKeyId) {
      this.held = { accessKeyId: credentials.accessKeyId, client: this.build(credentials) };
    }
    return await this.held.client;
  }
}
