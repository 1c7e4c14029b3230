import { describe, expect, test } from 'vitest';
import { ApiRejection, ContinueExpiredError } from '../../ports/cluster-client.ts';
import { type CallPurpose, fromReply, fromTransportError, wasNeverSent } from './api-errors.ts';

const read: CallPurpose = { attempt: 'list pods', kind: 'read', isSecret: false };
const write: CallPurpose = { attempt: 'create pods a/b', kind: 'write', isSecret: false };

function reply(status: number, message = 'Some words', reason = 'Reason', more: object = {}) {
  const body = { kind: 'Status', apiVersion: 'v1', message, reason, code: status, ...more };
  return { status, headers: {}, body: Buffer.from(JSON.stringify(body)) };
}

describe('refusals of the API server', () => {
  const rbac = 'pods is forbidden: User "u" cannot create resource "pods" in API group ""';
  test.each([
    [401, 'Unauthorized', read, 'credentials_expired', true],
    [403, rbac, read, 'cluster_access_denied', false],
    [403, 'anything', read, 'cluster_access_denied', false],
    [403, rbac, write, 'cluster_access_denied', false],
    [403, 'exceeded quota: q', write, 'object_rejected', false],
    [403, 'violates PodSecurity "restricted:latest"', write, 'object_rejected', false],
    [404, 'not found', read, 'not_found', false],
    [404, 'namespaces "a" not found', write, 'not_found', false],
    [400, 'bad', read, 'object_rejected', false],
    [409, 'exists', write, 'object_rejected', false],
    [422, 'invalid', write, 'object_rejected', false],
    [429, 'slow down', write, 'throttled', true],
    [500, 'oops', read, 'cluster_unreachable', true],
    [500, 'failed calling webhook "w": denied', write, 'object_rejected', false],
    [500, 'etcdserver: request timed out', write, 'cluster_unreachable', true],
    [502, 'bad gateway', write, 'cluster_unreachable', true],
    [503, 'unavailable', write, 'cluster_unreachable', true],
    [504, 'timeout', write, 'cluster_unreachable', true],
  ] as const)('%i "%s" is understood', (status, message, purpose, code, retryable) => {
    const error = fromReply(reply(status, message), purpose);
    expect(error).toMatchObject({ code, retryable });
    expect(error.message).toBe(`Cannot ${purpose.attempt}: ${message} (HTTP ${status})`);
  });

  test('a rejection carries status and reason', () => {
    const error = fromReply(reply(409, 'x', 'AlreadyExists'), write);
    expect(error).toBeInstanceOf(ApiRejection);
    expect(error).toMatchObject({ status: 409, reason: 'AlreadyExists' });
  });

  test('an expired list carries the token that goes on', () => {
    const error = fromReply(reply(410, 'x', 'Expired', { metadata: { continue: 'T' } }), read);
    expect(error).toBeInstanceOf(ContinueExpiredError);
    expect(error).toMatchObject({ freshContinue: 'T' });
    const bare = fromReply(reply(410, 'x', 'Expired', { metadata: {} }), read);
    expect(bare).toMatchObject({ freshContinue: undefined });
  });

  test.each([
    ['5', 5_000],
    ['0', 0],
    ['100000', 60_000],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 1_000],
    [undefined, 1_000],
  ])('Retry-After %s is a pause of %i ms', (header, ms) => {
    const throttled = { ...reply(429), headers: { 'retry-after': header } };
    expect(fromReply(throttled, read)).toMatchObject({ retryAfterMs: ms });
  });

  test('a reply that is no Status is quoted, cut', () => {
    const html = { status: 418, headers: {}, body: Buffer.from(`<html>${'x'.repeat(9_000)}`) };
    const { message } = fromReply(html, write);
    expect(message).toMatch(/^Cannot create pods a\/b: <html>x+ \(HTTP 418\)$/);
    expect(message.length).toBeLessThan(2_100);
    const empty = { status: 502, headers: {}, body: Buffer.alloc(0) };
    expect(fromReply(empty, read).message).toContain('no message (HTTP 502)');
  });

  test('values of a Secret are not quoted', () => {
    const words =
      'Secret "s" is invalid: [data[a b]: Invalid value: "hunter2": a valid config key, ' +
      'type: Unsupported value: "hunter2": supported values: "x"]';
    const shown = fromReply(reply(422, words), { ...write, isSecret: true }).message;
    expect(shown).not.toContain('hunter2');
    expect(shown).toContain('Invalid value: [redacted]: a valid config key');
    expect(fromReply(reply(422, words), write).message).toContain('hunter2');
  });
});

describe('calls without a reply', () => {
  test.each([
    ['ECONNREFUSED', true],
    ['ENOTFOUND', true],
    ['UND_ERR_CONNECT_TIMEOUT', true],
    ['ECONNRESET', false],
    ['UND_ERR_SOCKET', false],
    ['EPIPE', false],
  ])('%s: never sent is %s', (code, neverSent) => {
    const error = Object.assign(new TypeError('fetch failed'), {
      cause: Object.assign(new Error('x'), { code }),
    });
    expect(wasNeverSent(error)).toBe(neverSent);
    expect(fromTransportError(error, 'list pods')).toMatchObject({
      code: 'cluster_unreachable',
      retryable: true,
      message: `Cannot list pods: ${code}: fetch failed`,
    });
  });
});
