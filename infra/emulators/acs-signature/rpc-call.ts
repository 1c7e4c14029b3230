import { headerText, type SignedRequest } from './credential.ts';
import { requestPairs } from './verifier.ts';

/** One call of an RPC-style API (ECS, HBR, STS). */
export interface RpcCall {
  readonly action: string;
  readonly version: string;
  /** Flattened parameters (`Tag.1.Key`), the query's and the form's. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Reads action and version from the headers (present SDKs) or the parameters (older ones). */
export function readRpcCall(request: SignedRequest): RpcCall {
  const parameters = new Map(requestPairs(request));
  return {
    action: headerText(request, 'x-acs-action') ?? parameters.get('Action') ?? '',
    version: headerText(request, 'x-acs-version') ?? parameters.get('Version') ?? '',
    parameters,
  };
}
