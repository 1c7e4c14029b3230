import { Readable } from 'node:stream';
import OpenApiCore, { $OpenApiUtil, OpenApiUtil } from '@alicloud/openapi-core';
import { RuntimeOptions } from '@darabonba/typescript';

/** A caller of an emulator, by the vendor's generic SDK client. */
export interface SdkCaller {
  readonly url: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken?: string;
}

/** One call; `stream` is sent as octets, `body` as JSON (ROA) or form (RPC). */
export interface SdkCall {
  readonly action: string;
  readonly version: string;
  readonly style: 'RPC' | 'ROA';
  readonly method?: string;
  readonly pathname?: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: Readonly<Record<string, unknown>> | readonly unknown[];
  readonly stream?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly bodyType?: 'json' | 'array' | 'byte' | 'none';
}

/** What came back; `body` is unknown until the test checks it. */
export interface SdkReply {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** The class itself: bundlers and Node give the package's exports as its default import. */
const OpenApiClient: typeof OpenApiCore =
  (OpenApiCore as typeof OpenApiCore & { readonly default?: typeof OpenApiCore }).default ??
  OpenApiCore;

/** Sends one call through `@alicloud/openapi-core`, without retries. */
export async function callSdk(caller: SdkCaller, call: SdkCall): Promise<SdkReply> {
  const client = new OpenApiClient(
    new $OpenApiUtil.Config({
      accessKeyId: caller.accessKeyId,
      accessKeySecret: caller.accessKeySecret,
      ...(caller.securityToken === undefined ? {} : { securityToken: caller.securityToken }),
      regionId: 'cn-hangzhou',
      protocol: 'http',
      endpoint: caller.url.replace('http://', ''),
    }),
  );
  const params = new $OpenApiUtil.Params({
    action: call.action,
    version: call.version,
    protocol: 'HTTPS',
    pathname: call.pathname ?? '/',
    method: call.method ?? 'POST',
    authType: 'AK',
    style: call.style,
    reqBodyType: call.style === 'RPC' ? 'formData' : 'json',
    bodyType: call.bodyType ?? 'json',
  });
  const request = new $OpenApiUtil.OpenApiRequest({
    query: OpenApiUtil.query({ ...call.query }),
    headers: { ...call.headers },
    ...(call.body === undefined ? {} : { body: call.body }),
    ...(call.stream === undefined ? {} : { stream: Readable.from([call.stream]) }),
  });
  const reply = (await client.callApi(params, request, new RuntimeOptions({}))) as SdkReply;
  return reply;
}

/** The error that the SDK makes of a refusal. */
export interface SdkError {
  readonly name: string;
  readonly code: string;
  readonly statusCode: number;
  readonly message: string;
}

/** Sends a call that must be refused; fails when it is not. */
export async function refusedBySdk(caller: SdkCaller, call: SdkCall): Promise<SdkError> {
  try {
    await callSdk(caller, call);
  } catch (error) {
    return error as SdkError;
  }
  throw new Error(`${call.action} was accepted, a refusal was expected`);
}
