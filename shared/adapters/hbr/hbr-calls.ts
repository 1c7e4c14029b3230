/** Calls of the HBR API 2017-09-08, region by region: repeated where that is safe, and paged. */
import { assert, BackupCentreError, UnavailableError } from '../../domain/errors.ts';
import { type JsonObject, objectsAt, textAt } from '../../domain/json.ts';
import { type Pacing, STORE_RETRIES, withRetries } from '../bounded-retry.ts';
import type { CredentialsProvider } from '../credentials.ts';
import { OpenApiCalls } from '../open-api-calls.ts';
import { hbrError, refusalIn } from './hbr-errors.ts';

/** Rows of a page, at most (API reference of DescribeBackupJobs2 and its like). */
const PAGE_SIZE = 99;
/** Snapshots of a page, at most (API reference of SearchHistoricalSnapshots). */
const SNAPSHOTS_PER_PAGE = 100;
/** More pages than any list has. */
const PAGES_MAX = 1_000;

/** One call. */
export interface HbrCall {
  readonly region: string;
  readonly action: string;
  /** What is attempted, for messages: `create vault ack-backup-data`. */
  readonly attempt: string;
  readonly query: JsonObject;
  /** What the vendor's own clients send as a form. */
  readonly body?: JsonObject;
}

/** A condition of a list call. */
export function where(key: string, operator: string, ...values: readonly unknown[]): JsonObject {
  return { Key: key, Operator: operator, Values: values.map(String) };
}

/** HBR in every region of an account. */
export class HbrCalls {
  private readonly endpointOf: (region: string) => string;
  private readonly credentials: CredentialsProvider;
  private readonly pacing: Pacing;
  private readonly regions = new Map<string, OpenApiCalls>();

  constructor(
    endpointOf: (region: string) => string,
    credentials: CredentialsProvider,
    pacing: Pacing,
  ) {
    this.endpointOf = endpointOf;
    this.credentials = credentials;
    this.pacing = pacing;
  }

  /** A call that may happen twice: it is repeated where its reply is lost. */
  async send(call: HbrCall): Promise<JsonObject> {
    return await this.exchange(call, true);
  }

  /**
   * A call that makes something, of which a second one would make another: repeated only where it
   * was refused at the door. Answers with the new thing's id.
   */
  async start(call: HbrCall, idField: string): Promise<string> {
    const id = textAt(await this.exchange(call, false), idField) ?? '';
    if (id !== '') return id;
    const message = `Cannot ${call.attempt}: the reply holds no ${idField}`;
    throw new BackupCentreError('cloud_refused', message);
  }

  /** Every row of a list, page after page as they are asked for; `path` leads to a page's rows. */
  async *rows(call: HbrCall, path: readonly string[]): AsyncGenerator<JsonObject> {
    for (let page = 1; ; page += 1) {
      assert(page <= PAGES_MAX, `${call.action} ends within ${PAGES_MAX} pages`);
      const query = { ...call.query, PageNumber: page, PageSize: PAGE_SIZE };
      const rows = objectsAt(await this.send({ ...call, query }), ...path);
      yield* rows;
      if (rows.length < PAGE_SIZE) return;
    }
  }

  /** Every snapshot that a search finds, page after page as they are asked for. */
  async *snapshots(call: HbrCall): AsyncGenerator<JsonObject> {
    let next = '';
    for (let page = 1; page === 1 || next !== ''; page += 1) {
      assert(page <= PAGES_MAX, `${call.action} ends within ${PAGES_MAX} pages`);
      const token = next === '' ? {} : { NextToken: next };
      const query = { ...call.query, ...token, Limit: SNAPSHOTS_PER_PAGE };
      const body = await this.send({ ...call, query });
      const rows = objectsAt(body, 'Snapshots', 'Snapshot');
      yield* rows;
      next = rows.length === 0 ? '' : (textAt(body, 'NextToken') ?? '');
    }
  }

  /** A reply of status 200 can hold a refusal; it is repeated by the same rules as any other. */
  private async exchange(call: HbrCall, repeatable: boolean): Promise<JsonObject> {
    const heldIn200 = new Set<BackupCentreError>();
    const isRepeatable = (error: BackupCentreError) =>
      heldIn200.has(error) && (repeatable || error.code === 'throttled');
    return await withRetries(this.pacing, { ...STORE_RETRIES, isRepeatable }, async () => {
      const body = await this.region(call.region).send({
        action: call.action,
        version: '2017-09-08',
        style: 'RPC',
        method: 'POST',
        path: '/',
        query: call.query,
        ...(call.body === undefined ? {} : { body: call.body }),
        attempt: call.attempt,
        repeatable,
      });
      const refusal = refusalIn(body, call.attempt);
      if (refusal === undefined) return body;
      const error = hbrError(refusal) ?? new UnavailableError('internal', refusal.message);
      heldIn200.add(error);
      throw error;
    });
  }

  private region(name: string): OpenApiCalls {
    const held = this.regions.get(name);
    if (held !== undefined) return held;
    const calls = new OpenApiCalls(this.endpointOf(name), this.credentials, this.pacing, hbrError);
    this.regions.set(name, calls);
    return calls;
  }
}
