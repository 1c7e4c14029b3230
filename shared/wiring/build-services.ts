/** The composition root: configuration and the role's keys become services. */

import { CsClusterDirectory } from '../adapters/container-service/cs-cluster-directory.ts';
import type { CredentialsProvider } from '../adapters/credentials.ts';
import { EcsDiskCloud } from '../adapters/ecs/ecs-disk-cloud.ts';
import { HbrCloudBackup } from '../adapters/hbr/hbr-cloud-backup.ts';
import { JsonLogger } from '../adapters/node/json-logger.ts';
import { SystemClock } from '../adapters/node/system-clock.ts';
import { SystemEntropy } from '../adapters/node/system-entropy.ts';
import { OssObjectStores } from '../adapters/oss/oss-object-store.ts';
import { TablestoreRecordStore } from '../adapters/tablestore/tablestore-record-store.ts';
import type { AppServices } from '../app/app-services.ts';
import type { Config } from '../config/config.ts';

/** Services that keep working when the role's keys change: adapters ask for them at each call. */
export function buildServices(config: Config, credentials: CredentialsProvider): AppServices {
  const clock = new SystemClock();
  const entropy = new SystemEntropy();
  const pacing = { clock, entropy };
  const log = new JsonLogger({
    sink: process.stdout,
    now: () => clock.now(),
    level: config.logLevel,
  });
  const ossEndpoint = (region: string): string =>
    config.ossEndpoint ?? `https://oss-${region}.aliyuncs.com`;
  const stores = new OssObjectStores(ossEndpoint, credentials, pacing);
  return {
    records: new TablestoreRecordStore(config.tablestore, credentials, pacing),
    control: stores.open({ region: config.region, name: config.controlBucket }),
    stores,
    directory: new CsClusterDirectory(
      (region) => config.csEndpoint ?? `https://cs.${region}.aliyuncs.com`,
      credentials,
      pacing,
    ),
    disks: new EcsDiskCloud(
      (region) => config.ecsEndpoint ?? `https://ecs.${region}.aliyuncs.com`,
      credentials,
      pacing,
    ),
    cloudBackup: new HbrCloudBackup(
      (region) => config.hbrEndpoint ?? `https://hbr.${region}.aliyuncs.com`,
      credentials,
      pacing,
      // The vendor's HBR wants to know when a file system was made, which NAS tells.
      config.hbrEndpoint === undefined
        ? { nasEndpointOf: (region) => `https://nas.${region}.aliyuncs.com` }
        : {},
    ),
    clock,
    entropy,
    log,
    accountId: config.accountId,
    region: config.region,
    networks: config.networks,
    managedBucketPattern: config.managedBucketPattern,
    landingImage: config.landingImage,
  };
}
