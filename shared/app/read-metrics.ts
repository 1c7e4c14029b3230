/**
 * What is measured, from stored state alone: a scrape reads the vaults of the account, one row per
 * cluster and at most a thousand plans, never a run or a record, so it costs the same however many
 * backups there are.
 */
import { planShard } from '../domain/ids.ts';
import { isTerminal } from '../domain/phase.ts';
import type { Plan } from '../domain/plan.ts';
import { maySeeVault, type Principal } from '../domain/principal.ts';
import { nextRuns } from '../domain/schedule.ts';
import type { AppServices } from './app-services.ts';
import { listClusters } from './register-cluster.ts';
import { livingVaults } from './vault-catalogue.ts';

/** Plans that a scrape reads; that there are more is told. */
const PLANS_MAX = 1000;

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
  const plans = await readPlans(
    services,
    clusters.map(({ id }) => id),
  );
  const ofVaults = (value: (vault: (typeof vaults)[number]) => number) =>
    vaults.map((vault) => ({ labels: { vault: vault.spec.name }, value: value(vault) }));
  return [
    ...planFamilies(plans, services.clock.now()),
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

async function readPlans(
  { records }: AppServices,
  clusters: readonly string[],
): Promise<{ readonly plans: readonly Plan[]; readonly isWhole: boolean }> {
  const plans: Plan[] = [];
  for (const cluster of clusters) {
    // One more than may be told, so that more are noticed.
    const limit = Math.min(PLANS_MAX, PLANS_MAX + 1 - plans.length);
    const page = await records.list('plans', { prefix: [planShard(cluster), cluster], limit });
    plans.push(...page.rows.map(({ value }) => value));
    if (plans.length > PLANS_MAX || page.next !== undefined) {
      return { plans: plans.slice(0, PLANS_MAX), isWhole: false };
    }
  }
  return { plans, isWhole: true };
}

function planFamilies(
  { plans, isWhole }: Awaited<ReturnType<typeof readPlans>>,
  nowMs: number,
): readonly MetricFamily[] {
  const family = (name: string, help: string, value: (plan: Plan) => number | undefined) => ({
    name: `backup_centre_${name}`,
    help,
    samples: plans.flatMap((plan) => {
      const found = value(plan);
      const { name: planName, vault } = plan.spec;
      const labels = { cluster: plan.cluster, plan: planName, vault };
      return found === undefined ? [] : [{ labels, value: found }];
    }),
  });
  return [
    {
      name: 'backup_centre_plans_complete',
      help: 'Whether every plan is told here; 0 where there are more than 1000.',
      samples: [{ labels: {}, value: isWhole ? 1 : 0 }],
    },
    family('plan_paused', 'Whether the plan is paused.', ({ paused }) => (paused ? 1 : 0)),
    family('plan_last_run_timestamp_seconds', 'When the newest run began.', ({ lastRun }) =>
      lastRun === undefined ? undefined : lastRun.atMs / 1000,
    ),
    family(
      'plan_last_success_timestamp_seconds',
      'When the newest run that did well began.',
      ({ lastSuccess }) => (lastSuccess === undefined ? undefined : lastSuccess.atMs / 1000),
    ),
    family(
      'plan_last_run_succeeded',
      'Whether the newest run that ended did well.',
      ({ lastRun }) =>
        lastRun === undefined || !isTerminal(lastRun.phase)
          ? undefined
          : Number(lastRun.phase === 'Completed'),
    ),
    family(
      'schedule_expected_interval_seconds',
      'Time between the next two runs by schedule.',
      ({ spec, createdAtMs }) => {
        const [first, second] = nextRuns(spec.schedule, createdAtMs, nowMs, 2);
        return first === undefined || second === undefined ? undefined : (second - first) / 1000;
      },
    ),
  ];
}
