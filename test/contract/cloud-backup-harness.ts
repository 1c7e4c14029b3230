/** What the suite of CloudBackup needs of a Cloud Backup that it may play with. */
import type { CloudFiles, ContainerFiles, NasFiles } from '../../shared/domain/volume-backup.ts';
import type {
  AgentStatus,
  CloudBackup,
  FilesBackup,
  FilesRestore,
  HbrPoint,
} from '../../shared/ports/cloud-backup.ts';

export const REGION = 'cn-hangzhou';
export const CLUSTER = 'c-ack-1';

/** A Cloud Backup under test. */
export interface CloudBackupHarness {
  readonly cloudBackup: CloudBackup;
  now(): number;
  /** Moves the time of the vendor and of the port. */
  advance(ms: number): void;
  /** Registers a cluster, and says what its client is. */
  setAgent(cluster: string, status: Exclude<AgentStatus, 'UNREGISTERED'>): Promise<void>;
  /** Makes a place, with what it holds. */
  place(files: CloudFiles, content: string): void;
  /** What a place holds now. */
  contentOf(files: CloudFiles): Promise<string | undefined>;
  /** Plans how the next job ends. */
  failJob(kind: 'backup' | 'restore', state: 'failed' | 'partial', message: string): void;
  /** The next start of a job is done, and its reply lost. */
  loseReply(kind: 'backup' | 'restore', way: CloudFiles['way']): void;
  /** Jobs that were started. */
  started(kind: 'backup' | 'restore'): number;
  /** Takes a vault away with all that it holds. */
  dropVault(id: string): Promise<void>;
  close(): Promise<void>;
}

/** Makes one, in an account that has opened the service or not. */
export type MakeHarness = (options: { readonly activated: boolean }) => Promise<CloudBackupHarness>;

/** Two NAS places. */
export const NAS_DATA: NasFiles = { way: 'nas', fileSystemId: 'fs-1', path: '/shop/data' };
export const NAS_EMPTY: NasFiles = { way: 'nas', fileSystemId: 'fs-1', path: '/shop/new' };

/** Two volumes that pods mount. */
export const POD_DATA: ContainerFiles = {
  way: 'container',
  cluster: CLUSTER,
  node: 'node-1',
  podUid: 'pod-1',
  folder: 'kubernetes.io~csi/pv-1/mount',
  pvUid: 'uid-of-pv-1',
  pv: 'pv-1',
  namespace: 'shop',
  pvc: 'data',
  storageClass: 'local',
  size: '20Gi',
};
export const POD_EMPTY: ContainerFiles = {
  ...POD_DATA,
  podUid: 'pod-2',
  folder: 'kubernetes.io~csi/pv-2/mount',
  pvUid: 'uid-of-pv-2',
  pv: 'pv-2',
  pvc: 'new',
};

/** A vault that jobs may use. */
export async function readyVault(harness: CloudBackupHarness): Promise<string> {
  const id = await harness.cloudBackup.createVault(REGION, 'ack-backup-data');
  harness.advance(10_000);
  return id;
}

/** A request of a name. */
export function backupOf(vaultId: string, files: CloudFiles, jobName = 'bc-one'): FilesBackup {
  return { region: REGION, vaultId, jobName, retentionDays: 7, files };
}

/** A request to write a point to a place. */
export function restoreOf(vaultId: string, point: HbrPoint, files: CloudFiles): FilesRestore {
  return { region: REGION, vaultId, point: { id: point.id, hash: point.hash }, files };
}

/** Runs a backup to its end; its point. */
export async function takenPoint(
  harness: CloudBackupHarness,
  request: FilesBackup,
): Promise<HbrPoint> {
  const { cloudBackup } = harness;
  const jobId = await cloudBackup.startBackup(request);
  harness.advance(60_000);
  const { region, vaultId, files } = request;
  const [job] = await cloudBackup.describeBackups(region, vaultId, files.way, [jobId]);
  const [point] = await cloudBackup.findPoints(region, vaultId, files.way, [jobId]);
  if (point === undefined) throw new Error(`job ${jobId} is ${job?.state} and left no point`);
  return point;
}
