/** Clusters as HBR knows them, each with the client that reads and writes volumes on its nodes. */
import { BackupCentreError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { AgentStatus } from '../../ports/cloud-backup.ts';
import type { HbrCalls } from './hbr-calls.ts';
import { agentStatusFrom, textOf } from './hbr-resources.ts';

/** Whether the client runs in a cluster. */
export async function agentStatus(
  calls: HbrCalls,
  region: string,
  cluster: string,
): Promise<AgentStatus> {
  const known = await registration(calls, region, cluster);
  return known === undefined ? 'UNREGISTERED' : agentStatusFrom(known);
}

/**
 * HBR's own id (`cc-…`) of a cluster whose client is ready. A client that is away may come back, so
 * that error is retryable. @throws BackupCentreError `cloud_backup_unavailable`
 */
export async function readyCluster(
  calls: HbrCalls,
  region: string,
  cluster: string,
): Promise<string> {
  const known = await registration(calls, region, cluster);
  const status = known === undefined ? 'UNREGISTERED' : agentStatusFrom(known);
  if (known !== undefined && status === 'READY') return textOf(known, 'ClusterId');
  const message = `Cannot use Cloud Backup in cluster ${cluster}: its client is ${status}`;
  const retryable = status !== 'UNREGISTERED';
  throw new BackupCentreError('cloud_backup_unavailable', message, {
    retryable,
    details: { agentStatus: status },
  });
}

async function registration(
  calls: HbrCalls,
  region: string,
  cluster: string,
): Promise<JsonObject | undefined> {
  const call = {
    region,
    action: 'DescribeContainerCluster',
    attempt: `read Cloud Backup's registration of cluster ${cluster}`,
    query: { Identifier: cluster },
  };
  for await (const fields of calls.rows(call, ['Clusters'])) {
    if (textOf(fields, 'Identifier') === cluster) return fields;
  }
  return undefined;
}
