/** Calls to Alibaba Cloud's APIs (CS, FC, ECS, HBR) through the vendor's generic client. */
import { $OpenApiUtil, OpenApiUtil } from '@alicloud/openapi-core';
import { RuntimeOptions } from '@darabonba/typescript';
import { BackupCentreError, ThrottledError, UnavailableError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { type Pacing, STORE_RETRIES, withRetries } from './bounded-retry.ts';
import { type CloudCredentials, type CredentialsProvider, PerKeyClient } from './credentials.ts';
import { withDeadline } from './deadline.ts';
import { type OpenApiClient, OpenApiClientClass } from './open-api-client.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const READ_TIMEOUT_MS = 20_000;
/** The client's own limits come first, ms. */
const CALL_DEADLINE_MS = 30_000;
/** Pause asked of a caller who was throttled, ms. */
const THROTTLED_RETRY_MS = 1_000;

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

/** A refusal as the vendor wrote it, whichever way its keys are spelt. */
export interface VendorRefusal {
  readonly code: string;
  /** HTTP status; 0 where no reply came. */
  readonly status: number;
  /** `Cannot <attempt>: <code>: <words>` */
  readonly message: string;
}

/** What a service's own codes mean; undefined leaves a code to the rules common to all services. */
export type Translate = (refusal: VendorRefusal) => BackupCentreError | undefined;

/** The API of one service in one region. */
export class OpenApiCalls {
  private readonly clients: PerKeyClient<OpenApiClient>;
  private readonly pacing: Pacing;
  private readonly translate: Translate;

  constructor(
    endpoint: string,
    credentials: CredentialsProvider,
    pacing: Pacing,
    translate: Translate,
  ) {
    this.clients = new PerKeyClient(credentials, (keys) => buildClient(endpoint, keys));
    this.pacing = pacing;
    this.translate = translate;
  }

  /** The reply's body. @throws BackupCentreError after bounded repeats */
  async send(call: OpenApiCall): Promise<JsonObject> {
    return await withRetries(
      this.pacing,
      { ...STORE_RETRIES, isRepeatable: (error) => call.repeatable || wasNotDone(error) },
      async () => {
        try {
          return await this.exchange(call);
        } catch (thrown) {
          const refusal = refusalOf(thrown, call.attempt);
          throw this.translate(refusal) ?? commonError(refusal);
        }
      },
    );
  }

  private async exchange(call: OpenApiCall): Promise<JsonObject> {
    const reply: unknown = await withDeadline(
      this.clients.get().callApi(
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
      ),
      CALL_DEADLINE_MS,
      () => new Error(`no reply within ${CALL_DEADLINE_MS} ms`),
    );
    const body = isJsonObject(reply) ? reply.body : undefined;
    return isJsonObject(body) ? body : {};
  }
}

function buildClient(endpoint: string, keys: CloudCredentials): OpenApiClient {
  const url = new URL(endpoint);
  return new OpenApiClientClass(
    new $OpenApiUtil.Config({
      accessKeyId: keys.accessKeyId,
      accessKeySecret: keys.accessKeySecret,
      ...(keys.securityToken === undefined ? {} : { securityToken: keys.securityToken }),
      protocol: url.protocol.replace(':', ''),
      endpoint: url.host,
    }),
  );
}

/** Services and the gateway before them spell their keys in upper or lower case (API §D). */
function refusalOf(error: unknown, attempt: string): VendorRefusal {
  const fields: JsonObject = error instanceof Error ? { ...error } : {};
  const data = isJsonObject(fields.data) ? fields.data : {};
  const code = firstText(fields.code, data.Code, data.code);
  const status = Number(fields.statusCode ?? data.statusCode ?? data.status ?? 0) || 0;
  const own = firstText(data.Message, data.message);
  const words = own !== '' ? own : error instanceof Error ? error.message : String(error);
  const named = code === '' || words.startsWith(code) ? words : `${code}: ${words}`;
  return { code, status, message: `Cannot ${attempt}: ${named}` };
}

function firstText(...values: readonly unknown[]): string {
  return values.find((v): v is string => typeof v === 'string' && v !== '') ?? '';
}

function commonError({ code, status, message }: VendorRefusal): BackupCentreError {
  if (status === 429 || code.startsWith('Throttling')) {
    return new ThrottledError(message, THROTTLED_RETRY_MS);
  }
  // Temporary keys that ended: the next attempt asks for fresh ones.
  if (code.includes('Expired')) {
    return new BackupCentreError('credentials_expired', message, { retryable: true });
  }
  if (status === 0 || status >= 500) return new UnavailableError('internal', message);
  return new BackupCentreError('internal', message, { details: { code, status } });
}

/** Refused at the door, so that even a write may be sent again. */
function wasNotDone(error: BackupCentreError): boolean {
  return error.code === 'throttled' || error.code === 'credentials_expired';
}
