/**
 * Idempotency keys: per principal and path, 24 hours. The first request claims the key by one
 * conditional write and stores its reply; of two at once one runs and both get its reply.
 */

import type { AppServices } from '../../shared/app/app-services.ts';
import { BackupCentreError, ConditionFailedError } from '../../shared/domain/errors.ts';
import type { IdempotencyEntry, StoredRow } from '../../shared/ports/record-store.ts';

/** How long a key is remembered, ms (design §3). */
const REMEMBERED_MS = 86_400_000;
/** A claim without a reply after this belongs to a process that died, ms. */
const CLAIM_MS = 60_000;
/** How long a second request waits for the first one's reply, and how often it looks, ms. */
const WAIT_MS_MAX = 30_000;
const LOOK_MS = 100;

/** A request that carries a key. */
export interface KeyedRequest {
  readonly principal: string;
  readonly path: string;
  readonly key: string;
  readonly bodyHash: string;
}

/** Runs `serve` once for the key, or replays the reply of the run before. */
export async function onceForKey(
  services: AppServices,
  request: KeyedRequest,
  serve: () => Promise<Response>,
): Promise<Response> {
  const key = [`${request.principal} ${request.path}`, request.key];
  const deadline = services.clock.now() + WAIT_MS_MAX;
  for (;;) {
    const row = await services.records.get('idempotency', key);
    const now = services.clock.now();
    const usable =
      row !== undefined && row.value.claimedAtMs + REMEMBERED_MS > now ? row : undefined;
    if (usable !== undefined && usable.value.requestHash !== request.bodyHash) {
      throw new BackupCentreError(
        'idempotency_mismatch',
        `Idempotency key ${request.key} was used for another body of ${request.path}`,
      );
    }
    if (usable?.value.reply !== undefined) return replay(usable.value.reply);
    if (usable === undefined || usable.value.claimedAtMs + CLAIM_MS <= now) {
      const version = await claim(services, key, row, request.bodyHash);
      if (version !== undefined) return await serveAndStore(services, key, version, request, serve);
    }
    if (services.clock.now() > deadline) {
      throw new BackupCentreError(
        'condition_failed',
        `The first request with idempotency key ${request.key} is still being served; try again`,
      );
    }
    await services.clock.sleep(LOOK_MS);
  }
}

async function claim(
  services: AppServices,
  key: readonly string[],
  row: StoredRow<IdempotencyEntry> | undefined,
  requestHash: string,
): Promise<number | undefined> {
  const entry: IdempotencyEntry = { requestHash, claimedAtMs: services.clock.now() };
  try {
    const condition = row === undefined ? 'absent' : { version: row.version };
    return await services.records.put('idempotency', key, entry, condition);
  } catch (error) {
    if (error instanceof ConditionFailedError) return undefined;
    throw error;
  }
}

async function serveAndStore(
  services: AppServices,
  key: readonly string[],
  version: number,
  request: KeyedRequest,
  serve: () => Promise<Response>,
): Promise<Response> {
  const response = await serve();
  // What may pass is not remembered: the same request must be able to succeed later.
  if (response.status >= 500 || response.status === 429) {
    await services.records.remove('idempotency', key, { version });
    return response;
  }
  const body = await response.text();
  const headers = Object.fromEntries(response.headers);
  const entry: IdempotencyEntry = {
    requestHash: request.bodyHash,
    claimedAtMs: services.clock.now(),
    reply: { status: response.status, headers, body },
  };
  await services.records.put('idempotency', key, entry, { version });
  return new Response(body, { status: response.status, headers });
}

function replay(reply: NonNullable<IdempotencyEntry['reply']>): Response {
  return new Response(reply.body, { status: reply.status, headers: reply.headers });
}
