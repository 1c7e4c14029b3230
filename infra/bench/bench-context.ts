/** What the rows share. */
import type { BenchCluster } from './bench-cluster.ts';

/** What rows measure with. */
export interface BenchContext {
  /** The shared cluster, started when first asked for. @throws Error why there is none */
  cluster(): Promise<BenchCluster>;
  /** A cluster that the caller may write to, and stops. @throws Error why there is none */
  clusterOfItsOwn(): Promise<BenchCluster>;
  /** Scales the number of objects down for smaller tries; 1 is what the design asks for. */
  readonly scale: number;
  readonly rounds: number;
  readonly profileDir: string | undefined;
  readonly log: (line: string) => void;
  /** Where a figure's time goes; printed below the table. */
  readonly budgets: string[];
  /** Captures already measured, by the number of objects that the cluster held. */
  readonly captures: Map<number, Capture>;
}

/** What one capture told. */
export interface Capture {
  readonly objects: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly rangedGets: number;
  readonly wholeGets: number;
  readonly readBytes: number;
}
