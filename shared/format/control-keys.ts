/**
 * Keys of the control bucket: dispatch objects that start workers, and scratch streams of running
 * runs. Nothing here is needed to restore; lifecycle rules expire dispatches after a day and scratch
 * after 30 days.
 */

/** `dispatch/<kind>/<network>/<runId>/<seq>`: written once, its creation event starts a worker. */
export function dispatchKey(d: {
  readonly kind: string;
  readonly network: string;
  readonly runId: string;
  readonly seq: number;
}): string {
  return `dispatch/${d.kind}/${d.network}/${d.runId}/${String(d.seq).padStart(8, '0')}`;
}

/** The parts of a dispatch key, undefined for any other key. */
export function parseDispatchKey(
  key: string,
): { kind: string; network: string; runId: string; seq: number } | undefined {
  const match = /^dispatch\/([a-z]+)\/([a-z0-9-]+)\/([a-z0-9-]+)\/(\d{8})$/.exec(key);
  if (match === null) return undefined;
  const [, kind = '', network = '', runId = '', seq = ''] = match;
  return { kind, network, runId, seq: Number(seq) };
}

/** `runs/<runId>/` or `runs/<runId>/<stream>/` */
export function scratchPrefix(runId: string, stream?: string): string {
  return stream === undefined ? `runs/${runId}/` : `runs/${runId}/${stream}/`;
}

/** One chunk of a scratch stream. */
export function scratchChunkKey(runId: string, stream: string, sequence: number): string {
  return `${scratchPrefix(runId, stream)}${String(sequence).padStart(8, '0')}`;
}
