/** Every operation of the API: what it takes, what it replies, and the codes it refuses with. */
import { z } from 'zod';
import {
  backupRequestSchema,
  backupSchema,
  cloneRequestSchema,
  resourceSchema,
} from '../../shared/api/backup-schemas.ts';
import {
  clusterRequestSchema,
  clusterSchema,
  precheckSchema,
} from '../../shared/api/cluster-schemas.ts';
import { findingSchema, pageQuerySchema } from '../../shared/api/common-schemas.ts';
import { rebuildRequestSchema, rebuildSchema } from '../../shared/api/rebuild-schemas.ts';
import {
  restoreItemSchema,
  restoreRequestSchema,
  restoreSchema,
} from '../../shared/api/restore-schemas.ts';
import {
  bindingSchema,
  vaultDeletedSchema,
  vaultRequestSchema,
  vaultSchema,
} from '../../shared/api/vault-schemas.ts';
import type { ErrorCode } from '../../shared/domain/errors.ts';
import { CLUSTER, needsToken, type Operation, pageOfItems } from './operation.ts';
import { PLAN_OPERATIONS } from './plan-operations.ts';
import {
  backupQuerySchema,
  objectQuerySchema,
  recordQuerySchema,
  resourcesQuerySchema,
  vaultBackupsQuerySchema,
} from './query-schemas.ts';

/** Every code that an operation may refuse with. */
export function refusalsOf(operation: Operation): readonly ErrorCode[] {
  const { method, path, query, request, codes = [] } = operation;
  if (!needsToken(operation)) return [];
  const found: ErrorCode[] = ['unauthenticated', 'throttled', 'internal', ...codes];
  if (path.includes('{')) found.push('not_found');
  if (query !== undefined) found.push('invalid', 'unknown_field');
  if (request !== undefined) {
    found.push('invalid_json', 'body_too_large', 'invalid', 'unknown_field');
  }
  if (method === 'post') found.push('invalid', 'idempotency_mismatch', 'condition_failed');
  return [...new Set(found)].sort();
}

/** Reading what lies in a vault. */
const VAULT_CODES = ['bundle_invalid', 'bucket_unavailable', 'credentials_expired'] as const;
const CONTENT_CODES = [
  'ambiguous_name',
  'backup_expired',
  'backup_unfinished',
  'backup_failed',
  ...VAULT_CODES,
] as const;
/** Starting a backup. */
const NEW_BACKUP_CODES = [
  'name_taken',
  'reserved_name',
  'system_namespace',
  'unknown_resource',
  'no_namespaces',
  'vault_unavailable',
  'vault_identity_changed',
  'bucket_name_not_allowed',
] as const;
/** Asking ACK about a cluster. */
const ACK_CODES = ['cluster_access_denied', 'cluster_unreachable', 'credentials_expired'] as const;

/** Every operation of the API; a test holds it against the router. */
export const OPERATIONS: readonly Operation[] = [
  { method: 'get', path: '/healthz', summary: 'Whether the API answers', status: 200 },
  { method: 'get', path: '/openapi.json', summary: 'This document', status: 200 },
  { method: 'get', path: '/metrics', summary: 'Prometheus metrics', status: 200 },
  { method: 'get', path: '/v1/whoami', summary: 'The caller', status: 200 },
  {
    method: 'post',
    path: '/v1/vaults',
    summary: 'Create a vault',
    status: 202,
    request: vaultRequestSchema,
    reply: vaultSchema,
    codes: ['name_taken', 'location_in_use'],
  },
  {
    method: 'get',
    path: '/v1/vaults',
    summary: 'List vaults',
    status: 200,
    query: pageQuerySchema,
    reply: pageOfItems(vaultSchema),
  },
  {
    method: 'get',
    path: '/v1/vaults/{vault}',
    summary: 'A vault',
    status: 200,
    reply: vaultSchema,
  },
  ...(['put', 'patch'] as const).map((method) => ({
    method,
    path: '/v1/vaults/{vault}',
    summary: 'Refused: vaults are immutable',
    codes: ['vault_immutable'] as const,
  })),
  {
    method: 'delete',
    path: '/v1/vaults/{vault}',
    summary: 'Delete a vault; its data stays',
    status: 200,
    reply: vaultDeletedSchema,
    codes: ['vault_in_use'],
  },
  {
    method: 'get',
    path: '/v1/vaults/{vault}/backups',
    summary: 'Finished backups of all clusters in a vault',
    status: 200,
    query: vaultBackupsQuerySchema,
    reply: pageOfItems(backupSchema),
  },
  {
    method: 'post',
    path: '/v1/rebuild',
    summary: 'Rebuild the catalogue of a vault from its bucket, a part per call',
    status: 200,
    request: rebuildRequestSchema,
    reply: rebuildSchema,
    codes: [
      'not_found',
      'account_not_allowed',
      'name_taken',
      'location_in_use',
      'vault_unavailable',
      ...VAULT_CODES,
    ],
  },
  {
    method: 'post',
    path: '/v1/clusters',
    summary: 'Register an ACK cluster',
    status: 201,
    request: clusterRequestSchema,
    reply: clusterSchema,
    codes: ['not_found', 'name_taken', 'cluster_version_unsupported', ...ACK_CODES],
  },
  {
    method: 'get',
    path: '/v1/clusters',
    summary: 'List clusters',
    status: 200,
    query: pageQuerySchema,
    reply: pageOfItems(clusterSchema),
  },
  { method: 'get', path: CLUSTER, summary: 'A cluster', status: 200, reply: clusterSchema },
  {
    method: 'delete',
    path: CLUSTER,
    summary: 'Forget a cluster; its records stay',
    status: 200,
    reply: clusterSchema,
    codes: ['cluster_in_use'],
  },
  {
    method: 'get',
    path: `${CLUSTER}/precheck`,
    summary: 'Whether the cluster can be backed up and restored into, row by row',
    status: 200,
    reply: precheckSchema,
  },
  {
    method: 'get',
    path: `${CLUSTER}/vaults`,
    summary: 'Vaults the cluster is bound to',
    status: 200,
    query: pageQuerySchema,
    reply: pageOfItems(bindingSchema),
  },
  {
    method: 'put',
    path: `${CLUSTER}/vaults/{vault}`,
    summary: 'Initialise a vault on a cluster',
    status: 200,
    reply: bindingSchema,
    codes: ['vault_identity_changed', 'bucket_name_not_allowed'],
  },
  ...PLAN_OPERATIONS,
  {
    method: 'post',
    path: `${CLUSTER}/backups`,
    summary: 'Back up now',
    status: 202,
    request: backupRequestSchema,
    reply: backupSchema,
    codes: NEW_BACKUP_CODES,
  },
  {
    method: 'get',
    path: `${CLUSTER}/backups`,
    summary: 'List backups',
    status: 200,
    query: recordQuerySchema,
    reply: pageOfItems(backupSchema),
  },
  {
    method: 'get',
    path: `${CLUSTER}/backups/{backup}`,
    summary: 'A backup by name or id',
    status: 200,
    query: backupQuerySchema,
    reply: backupSchema,
    codes: ['ambiguous_name'],
  },
  {
    method: 'delete',
    path: `${CLUSTER}/backups/{backup}`,
    summary: 'Delete a backup with all its data; one that is running is cancelled first',
    status: 202,
    query: backupQuerySchema,
    reply: backupSchema,
    codes: ['ambiguous_name', 'backup_in_use', 'condition_failed'],
  },
  {
    method: 'post',
    path: `${CLUSTER}/backups/{backup}/clone`,
    summary: 'Back up again what a backup took, under a new name',
    status: 202,
    query: backupQuerySchema,
    request: cloneRequestSchema,
    reply: backupSchema,
    codes: ['ambiguous_name', ...NEW_BACKUP_CODES],
  },
  {
    method: 'post',
    path: `${CLUSTER}/backups/{backup}/cancel`,
    summary: 'Cancel a running backup',
    status: 202,
    query: backupQuerySchema,
    reply: backupSchema,
    codes: ['ambiguous_name', 'not_cancellable'],
  },
  {
    method: 'post',
    path: `${CLUSTER}/backups/{backup}/verify`,
    summary: 'Read a backup back and check every hash',
    status: 202,
    query: backupQuerySchema,
    reply: backupSchema,
    codes: ['ambiguous_name', 'backup_unfinished', 'backup_failed', 'backup_expired'],
  },
  {
    method: 'get',
    path: `${CLUSTER}/backups/{backup}/resources`,
    summary: 'Objects of a finished backup',
    status: 200,
    query: resourcesQuerySchema,
    reply: pageOfItems(resourceSchema),
    codes: CONTENT_CODES,
  },
  {
    method: 'get',
    path: `${CLUSTER}/backups/{backup}/resources/{n}`,
    summary: 'One object as captured; values of Secrets are masked unless ?reveal=true',
    status: 200,
    query: objectQuerySchema,
    codes: CONTENT_CODES,
  },
  {
    method: 'get',
    path: `${CLUSTER}/backups/{backup}/logs`,
    summary: 'Log lines, also while the backup runs',
    status: 200,
    query: backupQuerySchema,
    codes: ['ambiguous_name', 'backup_expired', ...VAULT_CODES],
  },
  {
    method: 'get',
    path: `${CLUSTER}/backups/{backup}/results`,
    summary: 'All errors and warnings',
    status: 200,
    query: backupQuerySchema,
    reply: z.object({ errors: z.array(findingSchema), warnings: z.array(findingSchema) }),
    codes: ['ambiguous_name', ...VAULT_CODES],
  },
  {
    method: 'post',
    path: `${CLUSTER}/restores`,
    summary: 'Restore into this cluster',
    status: 202,
    request: restoreRequestSchema,
    reply: restoreSchema,
    codes: [
      'name_taken',
      'vault_unavailable',
      'vault_not_initialised',
      'vault_identity_changed',
      'backup_expired',
      'backup_unfinished',
      'backup_failed',
      'namespace_not_in_backup',
      'mapping_collision',
      'system_namespace',
      'unknown_resource',
    ],
  },
  {
    method: 'get',
    path: `${CLUSTER}/restores`,
    summary: 'List restores',
    status: 200,
    query: recordQuerySchema,
    reply: pageOfItems(restoreSchema),
  },
  {
    method: 'get',
    path: `${CLUSTER}/restores/{restore}`,
    summary: 'A restore',
    status: 200,
    reply: restoreSchema,
  },
  {
    method: 'get',
    path: `${CLUSTER}/restores/{restore}/items`,
    summary: 'What happened to each object, also while the restore runs',
    status: 200,
    query: pageQuerySchema,
    reply: pageOfItems(restoreItemSchema),
    codes: VAULT_CODES,
  },
  {
    method: 'get',
    path: `${CLUSTER}/restores/{restore}/logs`,
    summary: 'Log lines, also while the restore runs',
    status: 200,
    codes: VAULT_CODES,
  },
  {
    method: 'post',
    path: `${CLUSTER}/restores/{restore}/cancel`,
    summary: 'Cancel a running restore',
    status: 202,
    reply: restoreSchema,
    codes: ['not_cancellable'],
  },
];
