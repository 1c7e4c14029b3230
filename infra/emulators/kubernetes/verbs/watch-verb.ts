import type { ServerResponse } from 'node:http';
import type { Cluster } from '../cluster.ts';
import { readListOptions } from '../read/query-options.ts';
import type { WatchHub, WatchSignal } from '../read/watch-hub.ts';
import { StatusError } from '../status-error.ts';
import { parseStored } from '../storage/store-event.ts';
import { kindHead, shownObject } from './object-reply.ts';
import type { ResourceRequest } from './resource-request.ts';

/** How often a quiet watch gets a bookmark, in real time. The vendor's is about a minute. */
const bookmarkIntervalMs = 10_000;
/** A watch without timeoutSeconds lives this long at least. @see --min-request-timeout */
const watchLifeMs = 1_800_000;

function bookmark(request: ResourceRequest, revision: number, initialEnd: boolean): string {
  const { info, apiVersion } = request.resource;
  const annotations = initialEnd ? { 'k8s.io/initial-events-end': 'true' } : undefined;
  const metadata = {
    resourceVersion: String(revision),
    ...(annotations === undefined ? {} : { annotations }),
  };
  const bare = request.resource.custom ? {} : { ...request.resource.codec.empty, metadata };
  const object = { kind: info.kind, apiVersion, ...bare, metadata };
  return `${JSON.stringify({ type: 'BOOKMARK', object })}\n`;
}

/** Turns signals into the lines of the stream. */
function lineWriter(request: ResourceRequest): (signal: WatchSignal) => Buffer {
  const head = kindHead(request.resource);
  return ({ type, json, revision, initialEnd }) => {
    if (json === undefined) return Buffer.from(bookmark(request, revision, initialEnd === true));
    const start = Buffer.from(`{"type":"${type}","object":`);
    const body =
      request.form === 'object'
        ? [head, json.subarray(1)]
        : [Buffer.from(JSON.stringify(shownObject(request, parseStored(json))))];
    return Buffer.concat([start, ...body, Buffer.from('}\n')]);
  };
}

/**
 * GET with `watch`: streams events until the client goes, the time is over, or the server closes.
 * A revision that is too old is told inside the stream, as the vendor does.
 */
export function watchVerb(
  cluster: Cluster,
  hub: WatchHub,
  request: ResourceRequest,
  response: ServerResponse,
): void {
  const { resource, namespace } = request;
  const options = readListOptions(request.query, true);
  const toLine = lineWriter(request);
  const lines: Buffer[] = [];
  let streaming = false;
  const send = (signal: WatchSignal): void => {
    const line = toLine(signal);
    if (streaming) response.write(line);
    else lines.push(line);
  };
  let stop: () => void = () => undefined;
  let failure: StatusError | undefined;
  try {
    stop = hub.open(cluster, { resource, namespace, options, send });
  } catch (error) {
    if (!(error instanceof StatusError) || error.code !== 410) throw error;
    failure = error;
  }
  response.writeHead(200, {
    'content-type':
      request.form === 'object' ? 'application/json' : 'application/json;stream=watch',
    'cache-control': 'no-cache, private',
  });
  response.flushHeaders();
  if (failure !== undefined) {
    response.end(`${JSON.stringify({ type: 'ERROR', object: failure.toStatus() })}\n`);
    return;
  }
  streaming = true;
  if (lines.length > 0) response.write(Buffer.concat(lines));
  const sendBookmark = (): void =>
    send({ type: 'BOOKMARK', json: undefined, revision: cluster.store.revision });
  const bookmarks = options.allowWatchBookmarks
    ? setInterval(sendBookmark, bookmarkIntervalMs).unref()
    : undefined;
  const life = options.timeoutSeconds === undefined ? watchLifeMs : options.timeoutSeconds * 1000;
  const end = setTimeout(() => response.end(), life).unref();
  response.on('close', () => {
    stop();
    clearInterval(bookmarks);
    clearTimeout(end);
  });
}
