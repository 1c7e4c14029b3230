/** Keys, bytes and failures for the object store suites. */
import { createHash, randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { BackupCentreError } from '../../shared/domain/errors.ts';

/** A key that no other test uses. */
export function unique(name = 'object'): string {
  return `contract/${randomBytes(6).toString('hex')}/${name}`;
}

/** UTF-8. */
export function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

/** Upper-case hex, as ETags are. */
export function md5(body: Uint8Array): string {
  return createHash('md5').update(body).digest('hex').toUpperCase();
}

/** All chunks of a stream. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** Runs over the items, sixteen at a time. */
export async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<unknown>) {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) await run(item);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

/** The error that a call must end in. */
export async function failureOf(call: Promise<unknown>): Promise<BackupCentreError> {
  const error = await call.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(BackupCentreError);
  return error as BackupCentreError;
}
