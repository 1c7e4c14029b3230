/** Calls of Container Service (CS, 2015-12-15) through the vendor's generic client, errors translated. */
import { $OpenApiUtil } from '@alicloud/openapi-core';
import { RuntimeOptions } from '@darabonba/typescript';
import {
  BackupCentreError,
  NotFoundError,
  ThrottledError,
  UnavailableError,
} from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { type Pacing, STORE_RETRIES, withRetries } from '../bounded-retry.ts';
import { type CloudCredentials, type CredentialsProvider, PerKeyClient } from '../credentials.ts';
import { type OpenApiClient, OpenApiClientClass } from '../open-api-client.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const READ_TIMEOUT_MS = 20_000;
/** How long to wait after a throttled call, ms. */
const THROTTLE_PAUSE_MS = 1_000;

/** A GET of the CS API. */
export interface CsRequest {
  readonly action: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** What is attempted, for messages: `read ACK cluster c1`. */
  readonly attempt: string;
}

/** The CS API of one region. */
export class CsCalls {
  private readonly clients: PerKeyClient<OpenApiClient>;
  private readonly pacing: Pacing;

  constructor(endpoint: string, credentials: CredentialsProvider, pacing: Pacing) {
    this.clients = new PerKeyClient(credentials, (keys) => buildClient(endpoint, keys));
    this.pacing = pacing;
  }

  /** The reply's body. @throws BackupCentreError, translated by `csError` */
  async get(request: CsRequest): Promise<JsonObject> {
    return await withRetries(this.pacing, STORE_RETRIES, async () => {
      try {
        const { body } = (await this.clients.get().callApi(
          new $OpenApiUtil.Params({
            action: request.action,
            version: '2015-12-15',
            protocol: 'HTTPS',
            pathname: request.path,
            method: 'GET',
            authType: 'AK',
            style: 'ROA',
            reqBodyType: 'json',
            bodyType: 'json',
          }),
          new $OpenApiUtil.OpenApiRequest({ query: { ...request.query } }),
          new RuntimeOptions({ connectTimeout: CONNECT_TIMEOUT_MS, readTimeout: READ_TIMEOUT_MS }),
        )) as { body?: unknown };
        return isJsonObject(body) ? body : {};
      } catch (error) {
        throw csError(error, request.attempt);
      }
    });
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

/** What a failed call means to us. Replies spell their keys in upper or lower case (API §D). */
export function csError(error: unknown, attempt: string): BackupCentreError {
  const fields: JsonObject = isJsonObject(error) || error instanceof Error ? { ...error } : {};
  const data = isJsonObject(fields.data) ? fields.data : {};
  const code = String(fields.code ?? data.Code ?? data.code ?? '');
  const status = Number(fields.statusCode ?? data.statusCode ?? data.status ?? 0);
  const words = error instanceof Error ? error.message : String(error);
  const message = `Cannot ${attempt}: ${words}`;
  if (status === 404 || code.endsWith('NotFound')) return new NotFoundError(message);
  if (status === 429 || code.startsWith('Throttling')) {
    return new ThrottledError(message, THROTTLE_PAUSE_MS, error);
  }
  if (/Expired/.test(code)) {
    return new BackupCentreError('credentials_expired', message, { retryable: true, cause: error });
  }
  if (
    status === 403 ||
    status === 401 ||
    /^(Forbidden|NoPermission|InvalidAccessKeyId)/.test(code)
  ) {
    return new BackupCentreError('cluster_access_denied', message, { cause: error });
  }
  if (status >= 400 && status < 500) {
    return new BackupCentreError('cluster_unreachable', message, { cause: error });
  }
  return new UnavailableError('cluster_unreachable', message, error);
}
