import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Listener, listen, readBody } from '../kit/listener.ts';
import { canonicalPairs } from './canonical-text.ts';
import type { AcsCredential, AcsVerdict } from './credential.ts';
import { readRpcCall } from './rpc-call.ts';
import { rpcV1Sign, rpcV1StringToSign } from './rpc-v1-signature.ts';
import { callSdk, refusedBySdk, type SdkCall, type SdkReply } from './sdk-client.ts';
import { AcsSignatureVerifier } from './verifier.ts';

const MINUTE_MS = 60_000;
const keys = new Map<string, AcsCredential>([
  ['AKuser', credential('secret-user')],
  ['STS.temp', { ...credential('secret-temp'), securityToken: 'tok/+=', expiresAtMs: 0 }],
]);

function credential(accessKeySecret: string): AcsCredential {
  return {
    accessKeySecret,
    principalId: '200',
    accountId: '100',
    arn: 'acs:ram::100:user/alice',
  };
}

describe('the signature check', () => {
  let listener: Listener;
  let aheadMs = 0;
  let callers: string[] = [];
  let changeBody = false;

  beforeEach(async () => {
    aheadMs = 0;
    callers = [];
    changeBody = false;
    const now = () => Date.now() + aheadMs;
    keys.set('STS.temp', {
      ...credential('secret-temp'),
      securityToken: 'tok/+=',
      expiresAtMs: now() + 5 * MINUTE_MS,
    });
    const verifier = new AcsSignatureVerifier({ credentials: (id) => keys.get(id), now });
    listener = await listen(async (request, response) => {
      const signed = {
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat([await readBody(request), Buffer.from(changeBody ? ' ' : '')]),
      };
      const verdict: AcsVerdict = verifier.verify(signed);
      const body = verdict.ok
        ? {
            caller: verdict.accessKeyId,
            ...readRpcCall(signed),
            parameters: [...readRpcCall(signed).parameters],
          }
        : { Code: verdict.code, Message: verdict.message, RequestId: 'r' };
      if (verdict.ok) callers.push(verdict.accessKeyId);
      response.writeHead(verdict.ok ? 200 : verdict.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
  });
  afterEach(() => listener.close());

  const user = () => ({ url: listener.url, accessKeyId: 'AKuser', accessKeySecret: 'secret-user' });
  const temporary = () => ({
    url: listener.url,
    accessKeyId: 'STS.temp',
    accessKeySecret: 'secret-temp',
    securityToken: 'tok/+=',
  });
  const rpc: SdkCall = {
    action: 'CreateSnapshot',
    version: '2014-05-26',
    style: 'RPC',
    query: { DiskId: "d 1*'()!~/ü+&=", Tag: [{ Key: 'a', Value: 'b c' }] },
    body: { Note: 'x y+z' },
  };

  it('accepts an RPC call of the SDK and reads its parameters', async () => {
    const reply: SdkReply = await callSdk(user(), rpc);
    expect(reply.body).toMatchObject({
      caller: 'AKuser',
      action: 'CreateSnapshot',
      version: '2014-05-26',
      parameters: expect.arrayContaining([
        ['DiskId', "d 1*'()!~/ü+&="],
        ['Tag.1.Value', 'b c'],
        ['Note', 'x y+z'],
      ]) as unknown,
    });
  });

  it('accepts a ROA call with a body, an encoded path and a temporary key', async () => {
    const reply = await callSdk(temporary(), {
      action: 'Put',
      version: 'v',
      style: 'ROA',
      method: 'PUT',
      pathname: '/functions/a%20b/x',
      query: { q: '1' },
      body: { deep: { text: 'ü' } },
    });
    expect(reply.body).toMatchObject({ caller: 'STS.temp' });
  });

  it('refuses a wrong secret, an unknown key and a wrong or missing token', async () => {
    const wrongSecret = await refusedBySdk({ ...user(), accessKeySecret: 'other' }, rpc);
    expect(wrongSecret).toMatchObject({ code: 'SignatureDoesNotMatch', statusCode: 400 });
    const unknown = await refusedBySdk({ ...user(), accessKeyId: 'AKnone' }, rpc);
    expect(unknown).toMatchObject({ code: 'InvalidAccessKeyId.NotFound', statusCode: 404 });
    const wrongToken = await refusedBySdk({ ...temporary(), securityToken: 'tok' }, rpc);
    expect(wrongToken.code).toBe('InvalidSecurityToken.MismatchWithAccessKey');
    const { securityToken: _, ...noToken } = temporary();
    expect((await refusedBySdk(noToken, rpc)).code).toBe('MissingSecurityToken');
    expect(callers).toEqual([]);
  });

  it('ends a temporary key by the injected clock', async () => {
    await callSdk(temporary(), rpc);
    aheadMs = 5 * MINUTE_MS + 1;
    const error = await refusedBySdk(temporary(), rpc);
    expect(error).toMatchObject({ code: 'InvalidSecurityToken.Expired', statusCode: 400 });
  });

  it('takes a date near either clock, and none that is near neither', async () => {
    aheadMs = 24 * 60 * MINUTE_MS;
    await callSdk(user(), rpc);
    const dated = (ms: number) => ({
      ...rpc,
      headers: { 'x-acs-date': new Date(ms).toISOString().replace(/\.\d+/, '') },
    });
    await callSdk(user(), dated(Date.now() + aheadMs));
    const old = await refusedBySdk(user(), dated(Date.now() - 16 * MINUTE_MS));
    expect(old).toMatchObject({ code: 'InvalidTimeStamp.Expired', statusCode: 400 });
    const between = await refusedBySdk(user(), dated(Date.now() + aheadMs / 2));
    expect(between.code).toBe('InvalidTimeStamp.Expired');
  });

  it('takes a nonce once', async () => {
    const replayed = { ...rpc, headers: { 'x-acs-signature-nonce': 'n-1' } };
    await callSdk(user(), replayed);
    const error = await refusedBySdk(user(), replayed);
    expect(error).toMatchObject({ code: 'SignatureNonceUsed', statusCode: 400 });
    await callSdk(temporary(), replayed);
  });

  it('refuses a changed body, and a request without a signature', async () => {
    changeBody = true;
    const changed = await refusedBySdk(user(), { ...rpc, style: 'ROA', body: { a: 1 } });
    expect(changed).toMatchObject({ code: 'SignatureDoesNotMatch', statusCode: 400 });
    const unsigned = await fetch(listener.url);
    expect(await unsigned.json()).toMatchObject({ Code: 'MissingAccessKeyId' });
  });

  it('accepts the older RPC signature in the query, once', async () => {
    const pairs: [string, string][] = [
      ['Action', 'GetCallerIdentity'],
      ['Version', '2015-04-01'],
      ['AccessKeyId', 'AKuser'],
      ['SignatureMethod', 'HMAC-SHA1'],
      ['SignatureVersion', '1.0'],
      ['SignatureNonce', 'v1-nonce'],
      ['Timestamp', new Date().toISOString().replace(/\.\d+/, '')],
    ];
    const signature = rpcV1Sign(rpcV1StringToSign('GET', pairs), 'secret-user');
    const query = canonicalPairs([...pairs, ['Signature', signature]]);
    const first = await fetch(`${listener.url}/?${query}`);
    expect(await first.json()).toMatchObject({ caller: 'AKuser', action: 'GetCallerIdentity' });
    const second = await fetch(`${listener.url}/?${query}`);
    expect(await second.json()).toMatchObject({ Code: 'SignatureNonceUsed' });
  });

  it('signs version 1.0 as the vendor documents it', () => {
    // The worked example of the vendor's signature page: key testid, secret testsecret.
    const text = rpcV1StringToSign('GET', [
      ['Timestamp', '2016-02-23T12:46:24Z'],
      ['Format', 'XML'],
      ['AccessKeyId', 'testid'],
      ['Action', 'DescribeRegions'],
      ['SignatureMethod', 'HMAC-SHA1'],
      ['SignatureNonce', '3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf'],
      ['Version', '2014-05-26'],
      ['SignatureVersion', '1.0'],
    ]);
    expect(rpcV1Sign(text, 'testsecret')).toBe('OLeaidS1JvxuMvnyHOwuJ+uX5qY=');
  });
});
