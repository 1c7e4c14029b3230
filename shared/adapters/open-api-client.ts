/**
 * The vendor's generic API client. Loaded with the first call, so that a cold start does not wait for
 * the SDK.
 */
import OpenApiCore, { $OpenApiUtil, OpenApiUtil } from '@alicloud/openapi-core';
import { RuntimeOptions } from '@darabonba/typescript';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import type { CloudCredentials } from './credentials.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const READ_TIMEOUT_MS = 20_000;

/** One API call. */
export interface OpenApiCall {
  readonly action: string;
  readonly version: string;
  /** ROA: path and JSON body; RPC: everything in the query. */
  readonly style: 'ROA' | 'RPC';
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `/` for RPC. */
  readonly path: string;
  /** Arrays and objects are flattened (`Tag.1.Key`). */
  readonly query?: JsonObject;
  readonly body?: JsonObject;
  /** What is attempted, for messages: `read ACK cluster c1`. */
  readonly attempt: string;
  /** Whether a call whose reply was lost may be sent again: reads, and writes with a ClientToken. */
  readonly repeatable: boolean;
}

/**
 * The client's class. Node and bundles give the package's whole exports as its default import, other
 * loaders give the class itself.
 */
const OpenApiClientClass: typeof OpenApiCore =
  (OpenApiCore as typeof OpenApiCore & { readonly default?: typeof OpenApiCore }).default ??
  OpenApiCore;

/** One service's API, with one pair of keys. */
export class OpenApiClient {
  private readonly client: OpenApiCore;

  constructor(endpoint: string, keys: CloudCredentials) {
    const url = new URL(endpoint);
    this.client = new OpenApiClientClass(
      new $OpenApiUtil.Config({
        accessKeyId: keys.accessKeyId,
        accessKeySecret: keys.accessKeySecret,
        ...(keys.securityToken === undefined ? {} : { securityToken: keys.securityToken }),
        protocol: url.protocol.replace(':', ''),
        endpoint: url.host,
      }),
    );
  }

  /** One attempt. @throws what the SDK throws */
  async exchange(call: OpenApiCall): Promise<JsonObject> {
    const reply: unknown = await this.client.callApi(
      new $OpenApiUtil.Params({
        action: call.action,
        version: call.version,
        protocol: 'HTTPS',
        pathname: call.path,
        method: call.method,
        authType: 'AK',
        style: call.style,
        reqBodyType: call.style === 'RPC' ? 'formData' : 'json',
        bodyType: call.method === 'DELETE' ? 'none' : 'json',
      }),
      new $OpenApiUtil.OpenApiRequest({
        query: OpenApiUtil.query({ ...call.query }),
        ...(call.body === undefined ? {} : { body: { ...call.body } }),
      }),
      new RuntimeOptions({ connectTimeout: CONNECT_TIMEOUT_MS, readTimeout: READ_TIMEOUT_MS }),
    );
    const body = isJsonObject(reply) ? reply.body : undefined;
    return isJsonObject(body) ? body : {};
  }
}
