/** The OpenAPI 3.1 document, generated from the schemas that validate. */
import { z } from 'zod';
import {
  backupRequestSchema,
  backupSchema,
  resourceSchema,
} from '../../shared/api/backup-schemas.ts';
import { clusterRequestSchema, clusterSchema } from '../../shared/api/cluster-schemas.ts';
import { findingSchema } from '../../shared/api/common-schemas.ts';
import { problemSchema } from '../../shared/api/problem.ts';
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

interface Operation {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  readonly path: string;
  readonly summary: string;
  readonly status: number;
  readonly request?: z.ZodType;
  readonly reply?: z.ZodType;
  /** Codes of refusals beyond those every operation has. */
  readonly codes?: readonly string[];
}

const pageOfItems = (item: z.ZodType): z.ZodType =>
  z.object({ items: z.array(item), nextCursor: z.string().optional() });

const CLUSTER = '/v1/clusters/{cluster}';

/** Every operation of the API; a test holds it against the router. */
export const OPERATIONS: readonly Operation[] = [
  { method: 'get', path: '/healthz', summary: 'Whether the API answers', status: 200 },
  { method: 'get', path: '/openapi.json', summary: 'This document', status: 200 },
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
    reply: pageOfItems(vaultSchema),
  },
  {
    method: 'get',
    path: '/v1/vaults/{vault}',
    summary: 'A vault',
    status: 200,
    reply: vaultSchema,
  },
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
    reply: pageOfItems(backupSchema),
  },
  {
    method: 'post',
    path: '/v1/clusters',
    summary: 'Register an ACK cluster',
    status: 201,
    request: clusterRequestSchema,
    reply: clusterSchema,
    codes: ['name_taken', 'cluster_version_unsupported', 'cluster_access_denied'],
  },
  {
    method: 'get',
    path: '/v1/clusters',
    summary: 'List clusters',
    status: 200,
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
    path: `${CLUSTER}/vaults`,
    summary: 'Vaults the cluster is bound to',
    status: 200,
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
  {
    method: 'post',
    path: `${CLUSTER}/backups`,
    summary: 'Back up now',
    status: 202,
    request: backupRequestSchema,
    reply: backupSchema,
    codes: [
      'name_taken',
      'reserved_name',
      'system_namespace',
      'unknown_resource',
      'no_namespaces',
      'vault_unavailable',
      'vault_identity_changed',
      'bucket_name_not_allowed',
    ],
  },
  {
    method: 'get',
    path: `${CLUSTER}/backups`,
    summary: 'List backups',
    status: 200,
    reply: pageOfItems(backupSchema),
  },
  {
    method: 'get',
    path: `${CLUSTER}/backups/{backup}`,
    summary: 'A backup by name or id',
    status: 200,
    reply: backupSchema,
    codes: ['ambiguous_name'],
  },
  {
    method: 'post',
    path: `${CLUSTER}/backups/{backup}/cancel`,
    summary: 'Cancel a running backup',
    status: 202,
    reply: backupSchema,
    codes: ['ambiguous_name', 'not_cancellable'],
  },
  {
    method: 'post',
    path: `${CLUSTER}/backups/{backup}/verify`,
    summary: 'Read a backup back and check every hash',
    status: 202,
    reply: backupSchema,
    codes: ['ambiguous_name', 'backup_unfinished', 'backup_failed', 'backup_expired'],
  },
  {
    method: 'get',
    path: `${CLUSTER}/backups/{backup}/resources`,
    summary: 'Objects of a finished backup',
    status: 200,
    reply: pageOfItems(resourceSchema),
    codes: ['ambiguous_name', 'backup_unfinished', 'backup_failed'],
  },
  {
    method: 'get',
    path: `${CLUSTER}/backups/{backup}/resources/{n}`,
    summary: 'One object as captured; values of Secrets are masked unless ?reveal=true',
    status: 200,
    codes: ['ambiguous_name', 'backup_unfinished', 'backup_failed'],
  },
  {
    method: 'get',
    path: `${CLUSTER}/backups/{backup}/logs`,
    summary: 'Log lines, also while the backup runs',
    status: 200,
    codes: ['ambiguous_name'],
  },
  {
    method: 'get',
    path: `${CLUSTER}/backups/{backup}/results`,
    summary: 'All errors and warnings',
    status: 200,
    reply: z.object({ errors: z.array(findingSchema), warnings: z.array(findingSchema) }),
    codes: ['ambiguous_name'],
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
    reply: pageOfItems(restoreItemSchema),
  },
  {
    method: 'get',
    path: `${CLUSTER}/restores/{restore}/logs`,
    summary: 'Log lines, also while the restore runs',
    status: 200,
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

/** The document. */
export function openApiDocument(): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of OPERATIONS) {
    const item = paths[operation.path] ?? {};
    item[operation.method] = operationObject(operation);
    paths[operation.path] = item;
  }
  return {
    openapi: '3.1.0',
    info: { title: 'ACK backup centre', version: '1' },
    security: [{ bearer: [] }],
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    paths,
  };
}

function operationObject(operation: Operation): Record<string, unknown> {
  const { request, reply, codes } = operation;
  const parameters = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  return {
    summary: operation.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(request === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: jsonSchema(request, 'input') } },
          },
        }),
    responses: {
      [operation.status]: {
        description: 'Done or accepted',
        ...(reply === undefined
          ? {}
          : { content: { 'application/json': { schema: jsonSchema(reply, 'output') } } }),
      },
      default: {
        description: `Refused${codes === undefined ? '' : `: ${codes.join(', ')}`}`,
        content: { 'application/problem+json': { schema: jsonSchema(problemSchema, 'output') } },
      },
    },
  };
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): unknown {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any' });
}
