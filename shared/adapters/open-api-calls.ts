/** Calls to Alibaba Cloud's APIs (CS, FC, ECS, HBR) through the vendor's generic client. */
import { BackupCentreError, ThrottledError, UnavailableError } from '../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { type Pacing, STORE_RETRIES, withRetries } from './bounded-retry.ts';
import { type CredentialsProvider, PerKeyClient } from './credentials.ts';
import { withDeadline } from './deadline.ts';
import type { OpenApiCall, OpenApiClient } from './open-api-client.ts';

/** The client's own limits come first, ms. */
const CALL_DEADLINE_MS = 30_000;
/** Pause asked of a caller who was throttled, ms. */
const THROTTLED_RETRY_MS = 1_000;

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
    this.clients = new PerKeyClient(credentials, async (keys) => {
      const { OpenApiClient } = await import('./open-api-client.ts');
      return new OpenApiClient(endpoint, keys);
    });
    this.pacing = pacing;
    this.translate = translate;
  }

  /** The reply's body. @throws BackupCentreError after bounded repeats */
  async send(call: OpenApiCall): Promise<JsonObject> {
    return await withRetries(
      this.pacing,
      { ...STORE_RETRIES, isRepeatable: (error) => call.repeatable || wasNotDone(error) },
      async () => {
        const client = await this.clients.get();
        try {
          const late = () => new Error(`no reply within ${CALL_DEADLINE_MS} ms`);
          return await withDeadline(client.exchange(call), CALL_DEADLINE_MS, late);
        } catch (thrown) {
          const refusal = refusalOf(thrown, call.attempt);
          throw this.translate(refusal) ?? commonError(refusal);
        }
      },
    );
  }
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
