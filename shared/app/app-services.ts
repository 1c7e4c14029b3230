/** What the use cases behind the API and the timers work with. */
import type { CloudBackup } from '../ports/cloud-backup.ts';
import type { ClusterDirectory } from '../ports/cluster-directory.ts';
import type { DiskCloud } from '../ports/disk-cloud.ts';
import type { Entropy } from '../ports/entropy.ts';
import type { Logger } from '../ports/logger.ts';
import type { ObjectStores } from '../ports/object-store.ts';
import type { DispatchServices } from './dispatch.ts';

/** Services and settings of the centre. */
export interface AppServices extends DispatchServices {
  readonly stores: ObjectStores;
  readonly directory: ClusterDirectory;
  readonly disks: DiskCloud;
  readonly cloudBackup: CloudBackup;
  readonly entropy: Entropy;
  readonly log: Logger;
  /** Alibaba Cloud account the centre runs in; other accounts are refused. */
  readonly accountId: string;
  /** Region of clusters registered without one. */
  readonly region: string;
  /** Private networks that have workers. */
  readonly networks: readonly string[];
  /** What a managed cluster's bucket must be named like. */
  readonly managedBucketPattern: RegExp;
  /** Image of the pods that hold new volumes while their files are restored. */
  readonly landingImage: string;
}
