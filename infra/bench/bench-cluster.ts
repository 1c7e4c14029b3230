/** The real API server that the rows share: started once, filled as far as a row needs. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ControlPlane,
  controlPlaneAvailable,
  startControlPlane,
} from '../testcluster/start-control-plane.ts';
import { fillCluster } from './fill-cluster.ts';
import { openRawServer } from './raw-server.ts';

/** etcd's limit while measuring (design §11). */
const ETCD_QUOTA_BYTES = 8_589_934_592;
/** Clock ticks a second in /proc (proc(5): USER_HZ, 100 on all common architectures). */
const TICKS = 100;
/** Connections that fill the cluster. */
const FILL_CONNECTIONS = 32;

/** A filled cluster and a folder for what is measured with it. */
export class BenchCluster {
  readonly dir: string;
  private readonly plane: ControlPlane;
  private readonly log: (line: string) => void;
  private filled = 0;

  private constructor(dir: string, plane: ControlPlane, log: (line: string) => void) {
    this.dir = dir;
    this.plane = plane;
    this.log = log;
  }

  /** Why there can be none, undefined where there can. */
  static async unavailable(log: (line: string) => void): Promise<string | undefined> {
    const found = await controlPlaneAvailable(log);
    return 'reason' in found ? found.reason : undefined;
  }

  static async start(log: (line: string) => void): Promise<BenchCluster> {
    const dir = await mkdtemp(join(tmpdir(), 'backup-centre-bench-'));
    const plane = await startControlPlane({
      dir: join(dir, 'plane'),
      etcdQuotaBytes: ETCD_QUOTA_BYTES,
      controllerManager: false,
      log,
    });
    return new BenchCluster(dir, plane, log);
  }

  get kubeconfig(): string {
    return this.plane.kubeconfig;
  }

  /** CPU that etcd and API server took so far, s; undefined where the system does not tell. */
  async cpuSeconds(): Promise<number | undefined> {
    try {
      const stats = this.plane.pids.map(async (pid) => await readFile(`/proc/${pid}/stat`, 'utf8'));
      return (await Promise.all(stats)).reduce((sum, stat) => sum + cpuTicks(stat), 0) / TICKS;
    } catch {
      return undefined;
    }
  }

  /** Objects in it, besides those it was born with. */
  get objects(): number {
    return this.filled;
  }

  /** Fills it up to so many objects; there may be more from a row before. */
  async fillTo(objects: number): Promise<void> {
    if (objects <= this.filled) return;
    const begunAt = performance.now();
    const server = await openRawServer(this.kubeconfig, FILL_CONNECTIONS);
    await fillCluster(server, { from: this.filled, to: objects });
    await server.close();
    const seconds = (performance.now() - begunAt) / 1000;
    const perSecond = Math.round((objects - this.filled) / seconds);
    this.log(`Cluster filled to ${objects} objects in ${seconds.toFixed(0)} s, ${perSecond}/s`);
    this.filled = objects;
  }

  async stop(): Promise<void> {
    await this.plane.stop();
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** User and system time: fields 14 and 15, counted behind the name, which may hold blanks. */
function cpuTicks(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}
