/** Replies of plain text that arrives in pieces. */
import type { Context } from 'hono';
import { stream } from 'hono/streaming';
import type { ApiEnv } from './api-context.ts';

/**
 * Streams the pieces as they come. The first one is waited for, so that what cannot be read at all is
 * refused with a problem document and not with an empty 200.
 */
export async function textReply(
  c: Context<ApiEnv>,
  pieces: AsyncGenerator<string>,
): Promise<Response> {
  const first = await pieces.next();
  c.header('content-type', 'text/plain; charset=utf-8');
  return stream(c, async (out) => {
    if (first.done === true) return;
    await out.write(first.value);
    for await (const piece of pieces) await out.write(piece);
  });
}
