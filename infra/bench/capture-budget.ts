/** Where the CPU of a capture goes, and what its rate could be at most on this machine. */
import { median } from './figure.ts';

/** One bare reading and the capture after it; seconds of CPU, NaN where the system does not tell. */
export interface CaptureCost {
  readonly objects: number;
  /** Time of the bare reading, on the clock. */
  readonly bareSeconds: number;
  /** etcd and API server while it read. */
  readonly bareServer: number;
  readonly bareClient: number;
  /** etcd and API server during the capture. */
  readonly server: number;
  readonly capture: number;
}

/** Unit of the table. */
const PER_OBJECTS = 10_000;

/** NaN where either was not told. */
export function difference(before: number | undefined, after: number | undefined): number {
  return before === undefined || after === undefined ? Number.NaN : after - before;
}

/**
 * As text. CPU bounds the ratio of the capture row where server and client share the processors and
 * both keep them busy: it is then that of the CPU both take, whatever else runs beside them. Printed
 * for the capture as it is, and for one that reads and packs and does nothing else.
 *
 * @param packing seconds of CPU that packing one object takes
 */
export function captureBudget(costs: readonly CaptureCost[], packing: number): string {
  const per = (of: (cost: CaptureCost) => number) =>
    median(costs.map((cost) => (of(cost) / cost.objects) * PER_OBJECTS));
  const bare = per((cost) => cost.bareSeconds);
  const bareServer = per((cost) => cost.bareServer);
  const bareClient = per((cost) => cost.bareClient);
  const server = per((cost) => cost.server);
  const capture = per((cost) => cost.capture);
  const packed = packing * PER_OBJECTS;
  const read = bareServer + bareClient;
  const share = (cpu: number) => (read / cpu).toFixed(2);
  const s = (value: number) => `${value.toFixed(2)} s`;
  return [
    `CPU per ${PER_OBJECTS} objects, medians of ${costs.length} rounds:`,
    `  bare reading (${s(bare)} on the clock): API server and etcd ${s(bareServer)}, client ${s(bareClient)}`,
    `  capture: API server and etcd ${s(server)}, ours ${s(capture)}, of which packing ${s(packed)}`,
    `Where CPU is the limit that makes ${share(server + capture)}; reading and packing alone would ` +
      `make ${share(read + packed)}`,
  ].join('\n');
}
