/** One call to Tablestore: the client for the keys of now, a deadline, errors of ours. */
import type { Client } from 'tablestore';
import { BackupCentreError } from '../../domain/errors.ts';
import { type Pacing, STORE_RETRIES, withRetries } from '../bounded-retry.ts';
import { type CredentialsProvider, PerKeyClient } from '../credentials.ts';
import { withDeadline } from '../deadline.ts';
import { fromTablestoreError, TablestoreFailure } from './tablestore-errors.ts';
import type { TablestoreLocation } from './tablestore-requests.ts';

/** The SDK never settles when a reply is cut short; this ends such a call, ms. */
const CALL_DEADLINE_MS = 10_000;

/** Builders of requests, loaded with the SDK. */
export type Requests = typeof import('./tablestore-requests.ts');

/** Sends one request. */
export type Send<T> = (client: Client, requests: Requests) => Promise<T>;

/** Calls with deadline and error mapping; `read` also repeats. */
export class TablestoreCalls {
  private readonly clients: PerKeyClient<{ client: Client; requests: Requests }>;
  private readonly pacing: Pacing;

  constructor(location: TablestoreLocation, credentials: CredentialsProvider, pacing: Pacing) {
    this.clients = new PerKeyClient(credentials, async (keys) => {
      const requests = await import('./tablestore-requests.ts');
      return { client: requests.buildTablestoreClient(location, keys), requests };
    });
    this.pacing = pacing;
  }

  /** One attempt. @throws TablestoreFailure; errors of ours pass */
  async once<T>(attempt: string, send: Send<T>): Promise<T> {
    const { client, requests } = await this.clients.get();
    try {
      return await withDeadline(send(client, requests), CALL_DEADLINE_MS, () =>
        Object.assign(new Error(`no reply within ${CALL_DEADLINE_MS} ms`), { code: 'Deadline' }),
      );
    } catch (error) {
      if (error instanceof BackupCentreError) throw error;
      throw fromTablestoreError(error, attempt);
    }
  }

  /** A call that may be repeated freely. @throws BackupCentreError */
  async read<T>(attempt: string, send: Send<T>): Promise<T> {
    return await withRetries(this.pacing, STORE_RETRIES, async () => {
      try {
        return await this.once(attempt, send);
      } catch (error) {
        throw error instanceof TablestoreFailure ? error.shown : error;
      }
    });
  }
}
