/** One call to Tablestore: the client for the keys of now, a deadline, errors of ours. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import TableStore, { type Client } from 'tablestore';
import { type Pacing, STORE_RETRIES, withRetries } from '../bounded-retry.ts';
import { type CloudCredentials, type CredentialsProvider, PerKeyClient } from '../credentials.ts';
import { withDeadline } from '../deadline.ts';
import { fromTablestoreError, TablestoreFailure } from './tablestore-errors.ts';

/** How long one request may take, ms; a socket silent for this long is given up. */
const REQUEST_TIMEOUT_MS = 8_000;
/** The SDK never settles when a reply is cut short; this ends such a call, ms. */
const CALL_DEADLINE_MS = 10_000;
/** Connections to the instance at most, per function instance. */
const CONNECTIONS_MAX = 64;

/** Where the tables are. */
export interface TablestoreLocation {
  readonly endpoint: string;
  readonly instance: string;
}

/** A client of the SDK as this house sets it up. */
export function buildTablestoreClient(
  location: TablestoreLocation,
  credentials: CloudCredentials,
): Client {
  const agentOptions = { keepAlive: true, maxSockets: CONNECTIONS_MAX };
  // The SDK's own agent for https does not keep connections alive; its types do not know `agent`.
  const httpOptions = {
    timeout: REQUEST_TIMEOUT_MS,
    maxSockets: CONNECTIONS_MAX,
    agent: location.endpoint.startsWith('https:')
      ? new HttpsAgent(agentOptions)
      : new HttpAgent(agentOptions),
  };
  return new TableStore.Client({
    endpoint: location.endpoint,
    instancename: location.instance,
    accessKeyId: credentials.accessKeyId,
    secretAccessKey: credentials.accessKeySecret,
    ...(credentials.securityToken === undefined ? {} : { stsToken: credentials.securityToken }),
    // Process-wide in the SDK, and blind to its own error codes: retries are ours.
    maxRetries: 0,
    httpOptions,
  });
}

/** Calls with deadline and error mapping; `read` also repeats. */
export class TablestoreCalls {
  private readonly clients: PerKeyClient<Client>;
  private readonly pacing: Pacing;

  constructor(location: TablestoreLocation, credentials: CredentialsProvider, pacing: Pacing) {
    this.clients = new PerKeyClient(credentials, (keys) => buildTablestoreClient(location, keys));
    this.pacing = pacing;
  }

  /** One attempt. @throws TablestoreFailure */
  async once<T>(attempt: string, send: (client: Client) => Promise<T>): Promise<T> {
    try {
      return await withDeadline(send(this.clients.get()), CALL_DEADLINE_MS, () =>
        Object.assign(new Error(`no reply within ${CALL_DEADLINE_MS} ms`), { code: 'Deadline' }),
      );
    } catch (error) {
      throw fromTablestoreError(error, attempt);
    }
  }

  /** A call that may be repeated freely. @throws BackupCentreError */
  async read<T>(attempt: string, send: (client: Client) => Promise<T>): Promise<T> {
    return await withRetries(this.pacing, STORE_RETRIES, async () => {
      try {
        return await this.once(attempt, send);
      } catch (error) {
        throw error instanceof TablestoreFailure ? error.shown : error;
      }
    });
  }
}
