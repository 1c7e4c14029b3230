import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ACCOUNT,
  BUCKET,
  clientOf,
  type Fixture,
  REGION,
  startFixture,
} from './emulator-fixture.ts';
import type { OssSdk } from './sdk-client.ts';
import type { OssEvent } from './server.ts';

let fixture: Fixture;
let client: OssSdk;

beforeEach(async () => {
  fixture = await startFixture();
  client = clientOf(fixture.emulator);
  await client.putBucket(BUCKET);
});

afterEach(() => fixture.stop());

const put = (key: string, content = 'x') => client.put(key, Buffer.from(content));
const named = () => fixture.events.map(({ eventName, oss }) => [eventName, oss.object.key]);

describe('events', () => {
  it('have the form of a Function Compute trigger', async () => {
    const { res } = await put('path/to ü.yaml', '12345');
    await fixture.emulator.eventsDelivered();
    const [event] = fixture.events;
    expect(event?.eventTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(event?.requestParameters.sourceIPAddress).toContain('127.0.0.1');
    expect(fixture.events).toEqual([
      {
        eventName: 'ObjectCreated:PutObject',
        eventSource: 'acs:oss',
        eventTime: event?.eventTime ?? '',
        eventVersion: '1.0',
        oss: {
          bucket: {
            arn: `acs:oss:${REGION}:${ACCOUNT}:${BUCKET}`,
            name: BUCKET,
            ownerIdentity: ACCOUNT,
          },
          object: {
            deltaSize: 5,
            eTag: res.headers.etag?.replaceAll('"', '') ?? '',
            key: 'path/to ü.yaml',
            size: 5,
          },
          ossSchemaVersion: '1.0',
          ruleId: '',
        },
        region: REGION,
        requestParameters: { sourceIPAddress: event?.requestParameters.sourceIPAddress ?? '' },
        responseElements: { requestId: res.headers['x-oss-request-id'] ?? '' },
        userIdentity: { principalId: ACCOUNT },
      },
    ] satisfies OssEvent[]);
  });

  it('name the principal of a temporary key', async () => {
    const role = clientOf(fixture.emulator, {
      accessKeyId: 'STS.role',
      accessKeySecret: 'role-secret',
      stsToken: 'role-token',
    });
    await role.put('x', Buffer.from('x'));
    await fixture.emulator.eventsDelivered();
    expect(fixture.events[0]?.userIdentity.principalId).toBe('300000000000000001:session');
  });

  it('tell every kind of change, and nothing where nothing changed', async () => {
    await put('a');
    await client.copy('b', 'a');
    await client.putObjectTagging('a', { k: 'v' });
    await client.get('a');
    await client.delete('a');
    await client.delete('a');
    await client.deleteMulti(['b', 'missing']);
    const { uploadId } = await client.initMultipartUpload('m');
    const { etag } = await client.uploadPart('m', uploadId, 1, Buffer.from('x'), 0, 1);
    await client.completeMultipartUpload('m', uploadId, [{ number: 1, etag }]);
    const aborted = await client.initMultipartUpload('n');
    await client.abortMultipartUpload('n', aborted.uploadId);
    await client.put('m', Buffer.from('x'), { headers: { 'x-oss-forbid-overwrite': 'true' } }).then(
      () => expect.unreachable('the key is taken'),
      () => undefined,
    );
    await fixture.emulator.eventsDelivered();
    expect(named()).toEqual([
      ['ObjectCreated:PutObject', 'a'],
      ['ObjectCreated:CopyObject', 'b'],
      ['ObjectRemoved:DeleteObject', 'a'],
      ['ObjectRemoved:DeleteObjects', 'b'],
      ['ObjectCreated:InitiateMultipartUpload', 'm'],
      ['ObjectCreated:UploadPart', 'm'],
      ['ObjectCreated:CompleteMultipartUpload', 'm'],
      ['ObjectCreated:InitiateMultipartUpload', 'n'],
      ['ObjectRemoved:AbortMultipartUpload', 'n'],
    ]);
  });

  it('count the change of size when a key is overwritten', async () => {
    await put('x', '1234567890');
    await put('x', '123');
    await fixture.emulator.eventsDelivered();
    expect(fixture.events.map(({ oss }) => oss.object.deltaSize)).toEqual([10, -7]);
  });

  it('are delivered again when the receiver fails', async () => {
    const seen: string[] = [];
    await fixture.restart({
      onEvent: async ({ oss }) => {
        seen.push(oss.object.key);
        if (seen.length === 1) throw new Error('not now');
      },
    });
    await clientOf(fixture.emulator).put('x', Buffer.from('x'));
    await fixture.emulator.eventsDelivered();
    expect(seen).toEqual(['x', 'x']);
  });

  it('that were under way when the emulator closed come after the next start', async () => {
    let begun = () => {};
    const delivering = new Promise<void>((resolve) => {
      begun = resolve;
    });
    await fixture.restart({
      onEvent: () => {
        begun();
        return new Promise<void>(() => {});
      },
    });
    await clientOf(fixture.emulator).put('x', Buffer.from('x'));
    await delivering;
    await fixture.restart();
    await fixture.emulator.eventsDelivered();
    expect(named()).toEqual([['ObjectCreated:PutObject', 'x']]);
    await fixture.restart();
    await fixture.emulator.eventsDelivered();
    expect(fixture.events).toHaveLength(1);
  });

  it('go around a delivery that hangs', async () => {
    const seen: string[] = [];
    await fixture.restart({
      onEvent: ({ oss }) => {
        if (oss.object.key === 'hangs') return new Promise<void>(() => {});
        seen.push(oss.object.key);
        return undefined;
      },
    });
    const other = clientOf(fixture.emulator);
    await other.put('hangs', Buffer.from('x'));
    const keys = Array.from({ length: 50 }, (_, n) => `k${n}`);
    for (const key of keys) await other.put(key, Buffer.from('x'));
    await expect.poll(() => [...seen].sort()).toEqual([...keys].sort());
  });
});
