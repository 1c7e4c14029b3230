import { beforeEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../shared/domain/errors.ts';
import { isJsonObject, type JsonObject, objectAt } from '../../shared/domain/json.ts';
import { ApiWorld } from '../../test/support/api-world.ts';
import { apiRouter } from './app.ts';
import { statusOf } from './error-response.ts';
import { OPERATIONS, refusalsOf } from './operations.ts';

let world: ApiWorld;
let document: JsonObject;

beforeEach(async () => {
  world = new ApiWorld();
  document = (await world.call('GET', '/openapi.json')).body;
});

/** `get /v1/vaults/{vault}` of every operation in the document. */
function documented(): string[] {
  const paths = objectAt(document, 'paths') ?? {};
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(isJsonObject(item) ? item : {}).map((method) => `${method} ${path}`),
  );
}

/** The same of every route that answers; middleware is registered for all methods. */
function routed(): string[] {
  const { routes } = apiRouter(world.services, undefined);
  return routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`);
}

describe('the document', () => {
  it('describes every route of the router, and no other', () => {
    expect(documented().sort()).toEqual([...new Set(routed())].sort());
    expect(documented().length).toBeGreaterThan(25);
  });

  it.each(OPERATIONS.map((o) => [`${o.method} ${o.path}`, o] as const))(
    'lists each code of %s under its status, and the success',
    (_name, operation) => {
      const item = objectAt(document, 'paths', operation.path, operation.method);
      const responses = objectAt(item, 'responses') ?? {};
      const found = Object.entries(responses).flatMap(([status, response]) => {
        const { description } = isJsonObject(response) ? response : {};
        const codes = /^Refused: (.*)$/.exec(String(description))?.[1]?.split(', ') ?? [];
        return codes.map((code) => `${status} ${code}`);
      });
      const expected = refusalsOf(operation).map((code) => `${statusOf(code)} ${code}`);
      expect(found.sort()).toEqual(expected.sort());
      if (operation.status !== undefined) expect(responses).toHaveProperty([operation.status]);
      const schemas = JSON.stringify(responses);
      for (const code of refusalsOf(operation)) expect(schemas).toContain(`"${code}"`);
    },
  );

  it('has every code of the present routes in some operation', () => {
    // Sessions bring what is left of design §8.
    const codes: readonly ErrorCode[] = [
      ...(['invalid_json', 'unauthenticated', 'cluster_access_denied', 'not_found'] as const),
      ...(['vault_immutable', 'body_too_large', 'throttled', 'name_taken'] as const),
      ...(['ambiguous_name', 'vault_in_use', 'vault_unavailable'] as const),
      ...(['vault_not_initialised', 'vault_identity_changed', 'location_in_use'] as const),
      ...(['backup_expired', 'backup_unfinished', 'backup_failed', 'backup_in_use'] as const),
      ...([
        'cluster_in_use',
        'not_cancellable',
        'invalid',
        'unknown_field',
        'unknown_resource',
      ] as const),
      ...(['system_namespace', 'namespace_not_in_backup', 'mapping_collision'] as const),
      ...(['reserved_name', 'immutable_field', 'bucket_name_not_allowed'] as const),
      ...(['cluster_version_unsupported', 'idempotency_mismatch'] as const),
    ];
    const listed = new Set(OPERATIONS.flatMap(refusalsOf));
    expect(codes.filter((code) => !listed.has(code))).toEqual([]);
    expect(codes.filter((code) => statusOf(code) === 500)).toEqual([]);
  });

  it('holds what it refers to', () => {
    const text = JSON.stringify(document);
    const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
    expect(references).toContain('components/schemas/BackupRequest');
    for (const path of references) {
      expect(objectAt(document, ...path.split('/')), path).toBeDefined();
    }
    expect(objectAt(document, 'components', 'schemas', 'Backup')?.type).toBe('object');
    expect(text).not.toContain('$defs');
  });

  it('shows bodies, queries and the key of a POST', () => {
    const backups = objectAt(document, 'paths', '/v1/clusters/{cluster}/backups');
    const body = objectAt(backups, 'post', 'requestBody', 'content', 'application/json', 'schema');
    expect(body?.$ref).toBe('#/components/schemas/BackupRequest');
    const request = objectAt(document, 'components', 'schemas', 'BackupRequest', 'properties');
    expect(request).toHaveProperty('retentionDays');
    expect(JSON.stringify(objectAt(backups, 'post')?.parameters)).toContain('Idempotency-Key');
    const query = JSON.stringify(objectAt(backups, 'get')?.parameters);
    for (const name of ['limit', 'cursor', 'phase', 'plan', 'vault', 'namespace']) {
      expect(query).toContain(`"name":"${name}","in":"query"`);
    }
  });
});
