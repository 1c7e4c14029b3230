import type { Plan, PlanSpec } from '../../shared/domain/plan.ts';

/** A plan as small as it may be; what matters to a test is given. */
export function samplePlan(
  given: Partial<Omit<Plan, 'spec'>> & { readonly spec?: Partial<PlanSpec> } = {},
): Plan {
  const { spec, ...rest } = given;
  return {
    id: 'pl-8000000000000-00',
    cluster: 'c1',
    network: 'public',
    vaultIdentity: 'vault-1',
    location: 'cnfs-oss-vault/team/',
    spec: {
      name: 'nightly',
      vault: 'main',
      namespaces: ['*'],
      volumeBackup: false,
      clusterScope: 'related',
      retentionDays: 30,
      schedule: { every: '1d', timeZone: 'UTC' },
      ...spec,
    },
    creator: { accountId: '1000', arn: 'acs:ram::1000:root', isAccountOwner: true },
    createdAtMs: 0,
    revision: 1,
    paused: false,
    skipNextRun: false,
    ...rest,
  };
}
