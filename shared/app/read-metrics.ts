/**
 * What is measured, from stored state alone: a scrape reads the vaults of the account and one row per
 * cluster, never a run or a record, so it costs the same however many backups there are.
 */
import type { Principal } from '../domain/principal.ts';
import { maySeeVault } from '../domain/principal.ts';
import type { AppServices } from './app-services.ts';
import { listClusters } from './register-cluster.ts';
import { livingVaults } from './vault-catalogue.ts';

/** One metric with its values; a gauge each. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

/** The metrics as they are now. */
export async function readMetrics(
  services: AppServices,
  principal: Principal,
): Promise<readonly MetricFamily[]> {
  const rows = await livingVaults(services.records, principal.accountId);
  const vaults = rows.map(({ value }) => value).filter((vault) => maySeeVault(vault, principal));
  const clusters = await listClusters(services, principal);
  const slots = await Promise.all(
    clusters.map(async ({ id }) => ({
      labels: { cluster: id },
      slots: (await services.records.get('slots', [id]))?.value,
    })),
  );
  const ofVaults = (value: (vault: (typeof vaults)[number]) => number) =>
    vaults.map((vault) => ({ labels: { vault: vault.spec.name }, value: value(vault) }));
  return [
    {
      name: 'backup_centre_vault_available',
      help: 'Whether the last look found that the vault can be used.',
      samples: ofVaults(({ phase }) => (phase === 'Available' ? 1 : 0)),
    },
    {
      name: 'backup_centre_vault_checked_timestamp_seconds',
      help: 'When the vault was last looked at.',
      samples: ofVaults(({ checkedAtMs }) => (checkedAtMs ?? 0) / 1000),
    },
    {
      name: 'backup_centre_cluster_contacted_timestamp_seconds',
      help: 'When the API server of the cluster was last asked for its kinds; 0 where never.',
      samples: clusters.map(({ id, contactedAtMs }) => ({
        labels: { cluster: id },
        value: contactedAtMs / 1000,
      })),
    },
    {
      name: 'backup_centre_runs_active',
      help: 'Runs that work on the cluster.',
      samples: slots.map(({ labels, slots: row }) => ({ labels, value: row?.active.length ?? 0 })),
    },
    {
      name: 'backup_centre_runs_waiting',
      help: 'Runs that wait for others on the cluster to end.',
      samples: slots.map(({ labels, slots: row }) => ({ labels, value: row?.queue.length ?? 0 })),
    },
  ];
}
