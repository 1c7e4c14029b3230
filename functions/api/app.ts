/** Routes and middleware of the HTTP API; speaks only Fetch requests and responses. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import type { AppServices } from '../../shared/app/app-services.ts';
import { readMetrics } from '../../shared/app/read-metrics.ts';
import type { Secret } from '../../shared/config/config.ts';
import { BackupCentreError, NotFoundError, ValidationError } from '../../shared/domain/errors.ts';
import type { Principal } from '../../shared/domain/principal.ts';
import type { ApiEnv } from './api-context.ts';
import { errorResponse } from './error-response.ts';
import { onceForKey } from './idempotency.ts';
import { METRICS_TYPE, metricsText } from './metrics-text.ts';
import { openApiDocument } from './openapi.ts';
import { BODY_BYTES_MAX } from './request-body.ts';
import { backupRoutes } from './routes/backups.ts';
import { clusterRoutes } from './routes/clusters.ts';
import { planRoutes } from './routes/plans.ts';
import { rebuildRoutes } from './routes/rebuild.ts';
import { restoreRoutes } from './routes/restores.ts';
import { vaultRoutes } from './routes/vaults.ts';

/** The API as one function from request to response. */
export function createApi(
  services: AppServices,
  apiToken: Secret | undefined,
): (request: Request) => Promise<Response> {
  const app = apiRouter(services, apiToken);
  return async (request) => await app.fetch(request);
}

/** The router; a test holds its routes against the document. */
export function apiRouter(services: AppServices, apiToken: Secret | undefined): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.onError((error) => {
    if (!(error instanceof BackupCentreError) || error.code === 'internal') {
      services.log.error('Request failed', { error: error.stack ?? error.message });
    }
    return errorResponse(error);
  });
  app.notFound((c) =>
    errorResponse(new NotFoundError(`There is no ${c.req.method} ${new URL(c.req.url).pathname}`)),
  );
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/openapi.json', (c) => c.json(openApiDocument()));

  app.get('/metrics', async (c) => {
    // Names of vaults and clusters are nobody's business: unlike /healthz, it needs the token.
    const principal = authenticate(services, apiToken, c.req.header('authorization'));
    const text = metricsText(await readMetrics(services, principal));
    return c.body(text, 200, { 'content-type': METRICS_TYPE });
  });

  app.use('/v1/*', async (c, next) => {
    c.set('services', services);
    c.set('principal', authenticate(services, apiToken, c.req.header('authorization')));
    await next();
  });
  app.use('/v1/*', async (c, next) => {
    const key = c.req.header('idempotency-key');
    if (c.req.method !== 'POST' || key === undefined) return await next();
    const body = await c.req.raw.clone().arrayBuffer();
    if (body.byteLength > BODY_BYTES_MAX) return await next();
    const request = {
      principal: c.get('principal').arn,
      path: new URL(c.req.url).pathname,
      key: requireKey(key),
      bodyHash: createHash('sha256').update(new Uint8Array(body)).digest('hex'),
    };
    return await onceForKey(services, request, async () => {
      await next();
      return c.res.clone();
    });
  });
  app.get('/v1/whoami', (c) => {
    const { accountId, arn } = c.get('principal');
    return c.json({ accountId, principal: arn });
  });
  app.route('/v1/vaults', vaultRoutes());
  app.route('/v1/rebuild', rebuildRoutes());
  app.route('/v1/clusters', clusterRoutes());
  app.route('/v1/clusters/:cluster/plans', planRoutes());
  app.route('/v1/clusters/:cluster/backups', backupRoutes());
  app.route('/v1/clusters/:cluster/restores', restoreRoutes());
  return app;
}

function requireKey(key: string): string {
  if (/^[\x21-\x7e]{1,255}$/.test(key)) return key;
  const rule = 'must be 1 to 255 visible ASCII characters';
  throw new ValidationError(`The Idempotency-Key ${rule}`, [{ path: 'Idempotency-Key', rule }]);
}

function authenticate(
  services: AppServices,
  apiToken: Secret | undefined,
  authorization: string | undefined,
): Principal {
  const token = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1];
  if (apiToken === undefined || token === undefined || !sameText(token, apiToken.reveal())) {
    throw new BackupCentreError('unauthenticated', 'The request carries no valid bearer token');
  }
  const arn = `acs:ram::${services.accountId}:root`;
  return { accountId: services.accountId, arn, isAccountOwner: true };
}

/** Compares without telling by its duration how much was right. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
