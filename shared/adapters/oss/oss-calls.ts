/** One call to a bucket: the client for the keys of now, errors of ours, bounded repeats. */
import { type BackupCentreError, UnavailableError } from '../../domain/errors.ts';
import { type Pacing, STORE_RETRIES, withRetries } from '../bounded-retry.ts';
import { type CredentialsProvider, PerKeyClient } from '../credentials.ts';
import { withDeadline } from '../deadline.ts';
import { fromOssError } from './oss-errors.ts';
import type { BucketAddress, OssSdk } from './oss-sdk.ts';

/** The SDK's own time-outs come first; this ends a call that they do not, ms. */
const CALL_DEADLINE_MS = 90_000;

/** Calls to one bucket. */
export class OssCalls {
  readonly bucket: string;
  private readonly clients: PerKeyClient<OssSdk>;
  private readonly pacing: Pacing;

  constructor(address: BucketAddress, credentials: CredentialsProvider, pacing: Pacing) {
    this.bucket = address.name;
    this.pacing = pacing;
    this.clients = new PerKeyClient(credentials, async (keys) => {
      const { buildOssClient } = await import('./oss-sdk.ts');
      return buildOssClient(address, keys, credentials);
    });
  }

  /** `bytes` random bytes as hex. */
  random(bytes: number): string {
    return this.pacing.entropy.hex(bytes);
  }

  /** A call that may be repeated freely. `what` is `put <key>`. @throws BackupCentreError */
  async repeat<T>(what: string, send: (sdk: OssSdk) => Promise<T>): Promise<T> {
    return await this.guarded(what, send, async (error) => {
      throw error;
    });
  }

  /**
   * A call whose refusal may be the echo of an earlier attempt that got no reply: `onRefused` is told
   * whether there was one, and returns the outcome or throws.
   */
  async guarded<T>(
    what: string,
    send: (sdk: OssSdk) => Promise<T>,
    onRefused: (error: BackupCentreError, wasUnclear: boolean) => Promise<T>,
  ): Promise<T> {
    const attempt = this.describe(what);
    let wasUnclear = false;
    return await withRetries(this.pacing, STORE_RETRIES, async () => {
      const sdk = await this.clients.get();
      try {
        const late = () => Object.assign(new Error('no reply in time'), { code: 'ETIMEDOUT' });
        return await withDeadline(send(sdk), CALL_DEADLINE_MS, late);
      } catch (thrown) {
        const error = fromOssError(thrown, attempt);
        if (error instanceof UnavailableError) wasUnclear = true;
        if (error.retryable) throw error;
        return await onRefused(error, wasUnclear);
      }
    });
  }

  /** `put shop.tar.gz of bucket cnfs-oss-1` */
  describe(what: string): string {
    return `${what} of bucket ${this.bucket}`;
  }
}
