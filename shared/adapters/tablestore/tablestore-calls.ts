/** One call to Tablestore: the client for the keys of now, a deadline, errors of ours. */
import { BackupCentreError } from '../../domain/errors.ts';
import { type Pacing, STORE_RETRIES, withRetries } from '../bounded-retry.ts';
import { type CredentialsProvider, PerKeyClient } from '../credentials.ts';
import { withDeadline } from '../deadline.ts';
import { fromTablestoreError, TablestoreFailure } from './tablestore-errors.ts';
import type { TablestoreSession as Session, TablestoreLocation } from './tablestore-session.ts';

/** The SDK never settles when a reply is cut short; this ends such a call, ms. */
const CALL_DEADLINE_MS = 10_000;

/** Sends one request. */
type Send<T> = (session: Session) => Promise<T>;

/** Calls with deadline and error mapping; `read` also repeats. */
export class TablestoreCalls {
  private readonly sessions: PerKeyClient<Session>;
  private readonly pacing: Pacing;

  constructor(location: TablestoreLocation, credentials: CredentialsProvider, pacing: Pacing) {
    this.sessions = new PerKeyClient(credentials, async (keys) => {
      const { TablestoreSession } = await import('./tablestore-session.ts');
      return new TablestoreSession(location, keys);
    });
    this.pacing = pacing;
  }

  /** One attempt. @throws TablestoreFailure; errors of ours pass */
  async once<T>(attempt: string, send: Send<T>): Promise<T> {
    const session = await this.sessions.get();
    try {
      return await withDeadline(send(session), CALL_DEADLINE_MS, () =>
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
