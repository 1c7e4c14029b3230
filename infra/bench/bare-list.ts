/** The bare limit of a capture: every page of every list read and discarded. */

import { resourcePath } from '../../shared/adapters/kubernetes/resource-path.ts';
import type { ApiResource } from '../../shared/domain/api-resource.ts';
import type { RawServer } from './raw-server.ts';

/** What a capture asks for (design §5): objects of a page, lists at once. */
const PAGE_OBJECTS = 500;
/** Lists at once: the one in hand and three ahead. */
export const LISTS_AT_ONCE = 4;

/** What was read. */
export interface BareList {
  readonly bytes: number;
  readonly pages: number;
}

/** Reads all lists, without parsing, keeping or joining anything. */
export async function readEveryPage(
  server: RawServer,
  resources: readonly ApiResource[],
): Promise<BareList> {
  const waiting = [...resources];
  const total = { bytes: 0, pages: 0 };
  const readLists = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      let token: string | undefined;
      do {
        const page = await readPage(server, resourcePath(next, {}), token);
        total.bytes += page.bytes;
        total.pages += 1;
        token = page.continue;
      } while (token !== undefined);
    }
  };
  await Promise.all(Array.from({ length: LISTS_AT_ONCE }, readLists));
  return total;
}

async function readPage(
  server: RawServer,
  path: string,
  token: string | undefined,
): Promise<{ readonly bytes: number; readonly continue: string | undefined }> {
  const after = token === undefined ? '' : `&continue=${encodeURIComponent(token)}`;
  const { statusCode, body } = await server.get(`${path}?limit=${PAGE_OBJECTS}${after}`);
  let bytes = 0;
  let head = '';
  for await (const chunk of body) {
    const piece = chunk as Buffer;
    // A list's metadata comes before its items.
    if (bytes === 0) head = piece.toString('latin1', 0, 2048);
    bytes += piece.length;
  }
  if (statusCode !== 200) throw new Error(`Cannot list ${path}: the API server says ${statusCode}`);
  return { bytes, continue: /^[^[]*"continue":"([^"]+)"/.exec(head)?.[1] };
}
