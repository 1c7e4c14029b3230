/** What a service needs to know of an access key to check a signature made with it. */
export interface AcsCredential {
  readonly accessKeySecret: string;
  /** Set on temporary keys: a request must carry this very token. */
  readonly securityToken?: string;
  /** RAM user id, account id, or `<role id>:<session name>`. */
  readonly principalId: string;
  readonly accountId: string;
  /** `acs:ram::<account>:root`, `acs:ram::<account>:user/<name>` or `acs:ram::<account>:role/<role>/<session>` */
  readonly arn: string;
  /** End of a temporary key, on the emulators' clock. */
  readonly expiresAtMs?: number;
}

/** Finds the credential of an access key id; `undefined` when no such key exists. */
export type CredentialLookup = (accessKeyId: string) => AcsCredential | undefined;

/** A request as it came over the wire. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, still encoded. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** Who signed a request, or why the gateway refuses it. */
export type AcsVerdict =
  | { readonly ok: true; readonly accessKeyId: string; readonly credential: AcsCredential }
  | {
      readonly ok: false;
      readonly status: number;
      readonly code: string;
      readonly message: string;
    };

/** A header as one text; repeated ones are joined as Node joins them. */
export function headerText(request: SignedRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
