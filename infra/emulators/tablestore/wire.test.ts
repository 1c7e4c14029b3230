import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  ACCOUNT_KEY,
  clientOf,
  type Fixture,
  INSTANCE,
  makeTable,
  refusal,
  SESSION_KEY,
  startFixture,
} from './emulator-fixture.ts';
import { ErrorMessage, TableNameRequest } from './messages.ts';
import { sign } from './signature.ts';

interface RawRequest {
  readonly path?: string;
  readonly method?: string;
  readonly body?: Buffer;
  readonly secret?: string;
  readonly headers?: Readonly<Record<string, string | undefined>>;
}

/** Sends a request as the SDK would, but for what the test changes. */
async function send(
  fixture: Fixture,
  raw: RawRequest,
): Promise<{ status: number; code?: string; message?: string | undefined; headers: Headers }> {
  const { path = '/ListTable', method = 'POST', body = Buffer.alloc(0) } = raw;
  const headers: Record<string, string> = {};
  const wanted = {
    'x-ots-apiversion': '2015-12-31',
    'x-ots-instancename': INSTANCE,
    'x-ots-accesskeyid': ACCOUNT_KEY.accessKeyId,
    'x-ots-date': new Date(fixture.clock.now()).toISOString(),
    'x-ots-contentmd5': createHash('md5').update(body).digest('base64'),
    ...raw.headers,
  };
  for (const [name, value] of Object.entries(wanted)) if (value) headers[name] = value;
  if (raw.headers === undefined || !('x-ots-signature' in raw.headers)) {
    headers['x-ots-signature'] = sign({ path, headers }, raw.secret ?? ACCOUNT_KEY.accessKeySecret);
  }
  const response = await fetch(`${fixture.emulator.url}${path}`, {
    method,
    headers,
    ...(method === 'POST' ? { body } : {}),
  });
  const reply = Buffer.from(await response.arrayBuffer());
  if (response.status === 200) return { status: 200, headers: response.headers };
  return { status: response.status, headers: response.headers, ...ErrorMessage.decode(reply) };
}

describe('a raw request', () => {
  it('that is signed is answered, with a request id and a digest', async () => {
    const fixture = await startFixture();
    const { status, headers } = await send(fixture, {});
    expect(status).toBe(200);
    expect(headers.get('x-ots-requestid')).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get('x-ots-contentmd5')).toBe('1B2M2Y8AsgTpgAmY7PhCfg==');
  });

  const refused: [string, RawRequest, number, string, string][] = [
    [
      'GET',
      { method: 'GET' },
      405,
      'OTSMethodNotAllowed',
      'Only POST method for requests is supported.',
    ],
    [
      'an unknown operation',
      { path: '/Search' },
      400,
      'OTSParameterInvalid',
      "Unsupported operation: 'Search'.",
    ],
    ['another secret', { secret: 'wrong' }, 403, 'OTSAuthFailed', 'Signature mismatch.'],
    [
      'an unknown key',
      { headers: { 'x-ots-accesskeyid': 'LTAInobody' } },
      403,
      'OTSAuthFailed',
      'The AccessKeyID does not exist.',
    ],
    [
      'another instance',
      { headers: { 'x-ots-instancename': 'elsewhere' } },
      403,
      'OTSAuthFailed',
      'The instance is not found.',
    ],
    [
      'no instance name',
      { headers: { 'x-ots-instancename': undefined } },
      400,
      'OTSParameterInvalid',
      "Missing header: 'x-ots-instancename'.",
    ],
    [
      'no signature',
      { headers: { 'x-ots-signature': undefined } },
      400,
      'OTSParameterInvalid',
      "Missing header: 'x-ots-signature'.",
    ],
    [
      'another version',
      { headers: { 'x-ots-apiversion': '2014-08-08' } },
      400,
      'OTSParameterInvalid',
      "Unsupported api version: '2014-08-08'.",
    ],
    [
      'a body that was changed on the way',
      { headers: { 'x-ots-contentmd5': 'AAAAAAAAAAAAAAAAAAAAAA==' } },
      403,
      'OTSAuthFailed',
      'Mismatch between MD5 value of request body and x-ots-contentmd5 in header.',
    ],
    [
      'no date at all',
      { headers: { 'x-ots-date': 'yesterday' } },
      400,
      'OTSParameterInvalid',
      'Invalid date format: yesterday.',
    ],
    [
      'a token where none belongs',
      { headers: { 'x-ots-ststoken': 'token' } },
      403,
      'OTSAuthFailed',
      'The security token is invalid.',
    ],
    [
      'a body that is no message',
      { path: '/GetRow', body: Buffer.from([0x0a, 0xff]) },
      400,
      'OTSParameterInvalid',
      'Parse PBMessage from RawString failed.',
    ],
    [
      'a message without a required field',
      { path: '/DescribeTable' },
      400,
      'OTSParameterInvalid',
      'Parse PBMessage from RawString failed.',
    ],
    [
      'a body over the limit',
      { path: '/PutRow', body: Buffer.alloc(9 * 1024 * 1024) },
      413,
      'OTSRequestBodyTooLarge',
      'The size of POST data is too large.',
    ],
  ];

  it.each(refused)('is refused: %s', async (_name, raw, status, code, message) => {
    expect(await send(await startFixture(), raw)).toMatchObject({ status, code, message });
  });

  it('is refused when its date is more than 15 minutes off the clock', async () => {
    const fixture = await startFixture();
    const at = (offsetMs: number) =>
      send(fixture, {
        headers: { 'x-ots-date': new Date(fixture.clock.now() + offsetMs).toISOString() },
      });
    expect((await at(-890_000)).status).toBe(200);
    expect((await at(890_000)).status).toBe(200);
    for (const offsetMs of [-910_000, 910_000]) {
      const { status, code, message } = await at(offsetMs);
      expect({ status, code }).toEqual({ status: 403, code: 'OTSAuthFailed' });
      expect(message).toMatch(/^Mismatch between system time and x-ots-date: .*Z\.$/);
    }
  });

  it('may name any table: the instance is one namespace', async () => {
    const fixture = await startFixture();
    await makeTable(fixture.client, 'rows');
    const body = TableNameRequest.encode({ tableName: 'rows' });
    expect((await send(fixture, { path: '/DescribeTable', body })).status).toBe(200);
  });
});

describe('keys of a role session', () => {
  it('need their token, and end in time', async () => {
    let expiresAtMs = 0;
    const fixture = await startFixture({
      credentials: (id) =>
        id === SESSION_KEY.accessKeyId ? { ...SESSION_KEY, expiresAtMs } : undefined,
    });
    const { url } = fixture.emulator;
    expiresAtMs = fixture.clock.now() + 60_000;
    expect(await clientOf(url, SESSION_KEY).listTable({})).toMatchObject({ tableNames: [] });
    const { accessKeyId, accessKeySecret } = SESSION_KEY;
    const bare = clientOf(url, { accessKeyId, accessKeySecret }).listTable({});
    expect(await refusal(bare)).toMatchObject({ status: 403, code: 'OTSAuthFailed' });
    fixture.clock.advance(60_000);
    const late = await refusal(clientOf(url, SESSION_KEY).listTable({}));
    expect(late).toMatchObject({ status: 403, code: 'OTSAuthFailed' });
    expect(late.text).toContain('The security token is expired.');
  });
});

describe('an emulator that checks no signatures', () => {
  it('takes any key and any date, but still the right instance', async () => {
    const fixture = await startFixture({ checkSignatures: false });
    const headers = {
      'x-ots-accesskeyid': 'anyone',
      'x-ots-date': '2020-01-01T00:00:00Z',
      'x-ots-signature': 'none',
    };
    expect((await send(fixture, { headers })).status).toBe(200);
    const elsewhere = { ...headers, 'x-ots-instancename': 'elsewhere' };
    expect((await send(fixture, { headers: elsewhere })).status).toBe(403);
  });
});
