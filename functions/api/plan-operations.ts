/** The operations on plans: what each takes, what it replies, and the codes it refuses with. */
import { backupSchema } from '../../shared/api/backup-schemas.ts';
import { planChangeSchema, planRequestSchema, planSchema } from '../../shared/api/plan-schemas.ts';
import { CLUSTER, type Operation, pageOfItems } from './operation.ts';
import { planQuerySchema, plansQuerySchema } from './query-schemas.ts';

/** Changing a plan: others may change it at once, and its document may be slow to write. */
const PLAN_WRITE_CODES = ['condition_failed', 'bucket_unavailable', 'credentials_expired'] as const;

/** Every operation on plans. */
export const PLAN_OPERATIONS: readonly Operation[] = [
  {
    method: 'post',
    path: `${CLUSTER}/plans`,
    summary: 'Make a plan that backs up again and again',
    status: 201,
    request: planRequestSchema,
    reply: planSchema,
    codes: [
      'name_taken',
      'reserved_name',
      'system_namespace',
      'unknown_resource',
      'vault_unavailable',
      'vault_identity_changed',
      'bucket_name_not_allowed',
      'bucket_unavailable',
      'credentials_expired',
    ],
  },
  {
    method: 'get',
    path: `${CLUSTER}/plans`,
    summary: 'List plans',
    status: 200,
    query: plansQuerySchema,
    reply: pageOfItems(planSchema),
  },
  {
    method: 'get',
    path: `${CLUSTER}/plans/{plan}`,
    summary: 'A plan by name or id',
    status: 200,
    query: planQuerySchema,
    reply: planSchema,
    codes: ['ambiguous_name'],
  },
  {
    method: 'patch',
    path: `${CLUSTER}/plans/{plan}`,
    summary: 'Change namespaces or schedule, pause, go on, skip the next run',
    status: 200,
    query: planQuerySchema,
    request: planChangeSchema,
    reply: planSchema,
    codes: ['ambiguous_name', 'immutable_field', 'system_namespace', ...PLAN_WRITE_CODES],
  },
  {
    method: 'delete',
    path: `${CLUSTER}/plans/{plan}`,
    summary: 'Delete a plan; its backups stay',
    status: 200,
    query: planQuerySchema,
    reply: planSchema,
    codes: ['ambiguous_name', ...PLAN_WRITE_CODES],
  },
  {
    method: 'post',
    path: `${CLUSTER}/plans/{plan}/run`,
    summary: 'Back up now what the plan backs up',
    status: 202,
    query: planQuerySchema,
    reply: backupSchema,
    codes: ['ambiguous_name', 'name_taken', 'vault_unavailable'],
  },
];
