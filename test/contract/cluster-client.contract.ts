/** What every ClusterClient does; run against the double, the sandbox, and a real API server. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { NotFoundError } from '../../shared/domain/errors.ts';
import type { JsonObject } from '../../shared/domain/json.ts';
import type { KubeObject } from '../../shared/domain/kube-object.ts';
import {
  ApiRejection,
  type ClusterClient,
  ContinueExpiredError,
  type ListPage,
} from '../../shared/ports/cluster-client.ts';
import { CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, SECRETS } from '../support/sample-resources.ts';

/** A client under test, with rights to everything. */
export interface ClusterClientHarness {
  readonly client: ClusterClient;
  /** Makes continue tokens given out so far expire. */
  expireTokens(): Promise<void>;
  close(): Promise<void>;
}

/** Runs the suite; every test makes a namespace of its own. */
export function describeClusterClient(
  name: string,
  make: () => Promise<ClusterClientHarness>,
): void {
  describe(`${name} as ClusterClient`, () => {
    let harness: ClusterClientHarness;
    let namespace: string;
    const client = () => harness.client;
    const space = () => namespace;
    beforeAll(async () => {
      harness = await make();
    });
    afterAll(async () => {
      await harness.close();
    });
    beforeEach(async () => {
      namespace = `contract-${randomBytes(5).toString('hex')}`;
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
      await client().create({ resource: NAMESPACES, name: namespace }, bytesOf(object));
    });
    describeServer(client, space);
    describeWriting(client, space);
    describeLists(client, space, async () => await harness.expireTokens());
  });
}

function describeServer(client: () => ClusterClient, space: () => string): void {
  describe('the server', () => {
    test('tells its version', async () => {
      expect(await client().version()).toMatch(/^v1\.\d+\./);
    });

    test('tells what it serves, subresources left out', async () => {
      const { resources, failures } = await client().discover();
      expect(failures).toEqual([]);
      expect(resources.every((r) => !r.resource.includes('/'))).toBe(true);
      const find = (group: string, resource: string) =>
        resources.find((r) => r.group === group && r.resource === resource && r.preferred);
      expect(find('', 'configmaps')).toMatchObject({
        version: 'v1',
        kind: 'ConfigMap',
        singular: 'configmap',
        shortNames: ['cm'],
        namespaced: true,
      });
      expect(find('', 'configmaps')?.verbs).toEqual(
        expect.arrayContaining(['create', 'delete', 'get', 'list']),
      );
      expect(find('apps', 'deployments')).toMatchObject({ version: 'v1', kind: 'Deployment' });
      expect(find('', 'namespaces')?.namespaced).toBe(false);
    });

    test('tells what the caller may do', async () => {
      expect(await client().mayI('create', '', 'configmaps', space())).toBe(true);
      expect(await client().mayI('list', 'apps', 'deployments')).toBe(true);
    });

    test('is asked what the counters say', async () => {
      const before = client().requests.get ?? 0;
      await client().get({ resource: CONFIG_MAPS, namespace: space(), name: 'none' });
      expect(client().requests.get).toBe(before + 1);
    });

    test('does not know a resource that it does not serve', async () => {
      const unknown = { ...CONFIG_MAPS, group: 'unknown.example.com', resource: 'things' };
      const listing = client().list(unknown, { limit: 5 });
      await expect(listing).rejects.toBeInstanceOf(NotFoundError);
      const target = { resource: unknown, namespace: space(), name: 'a' };
      expect(await client().get(target)).toBeUndefined();
    });
  });
}

function describeWriting(client: () => ClusterClient, space: () => string): void {
  const at = (name: string) => ({ resource: CONFIG_MAPS, namespace: space(), name });
  const create = async (name: string, data: Record<string, string> = {}, more: JsonObject = {}) =>
    objectOf(await client().create(at(name), bytesOf(configMap(space(), name, data, more))));
  const read = async (name: string) => {
    const bytes = await client().get(at(name));
    return bytes === undefined ? undefined : objectOf(bytes);
  };

  describe('writing', () => {
    test('a created object is answered with its uid and can be read', async () => {
      const made = await create('a', { text: 'é "x" \\ \n', empty: '' });
      expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(made.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
      const found = await read('a');
      expect(found).toEqual(made);
      expect(found).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
      expect(found?.data).toEqual({ text: 'é "x" \\ \n', empty: '' });
    });

    test('an object that exists is refused and stays untouched', async () => {
      const made = await create('a', { v: '1' });
      const refused = await rejectionOf(create('a', { v: '2' }));
      expect(refused).toMatchObject({ status: 409, reason: 'AlreadyExists' });
      expect(await read('a')).toEqual(made);
    });

    test('in a missing namespace nothing is made', async () => {
      const target = { resource: CONFIG_MAPS, namespace: `${space()}-no`, name: 'a' };
      const attempt = client().create(target, bytesOf(configMap(`${space()}-no`, 'a', {})));
      await expect(attempt).rejects.toBeInstanceOf(NotFoundError);
    });

    test('an object of another kind, or no object, is refused', async () => {
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } };
      for (const body of [bytesOf(secret), Buffer.from('{"broken'), Buffer.from('[]')]) {
        expect((await rejectionOf(client().create(at('a'), body))).status).toBe(400);
      }
      expect(await read('a')).toBeUndefined();
    });

    test('a dry run answers like a write and changes nothing', async () => {
      const body = bytesOf(configMap(space(), 'a', { v: '1' }));
      const answer = objectOf(await client().create(at('a'), body, { dryRun: true }));
      expect(answer.data).toEqual({ v: '1' });
      expect(answer.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(await read('a')).toBeUndefined();
      await create('a');
      const refused = await rejectionOf(client().create(at('a'), body, { dryRun: true }));
      expect(refused).toMatchObject({ status: 409, reason: 'AlreadyExists' });
    });

    test('a merge patch changes what it names', async () => {
      await create('a', { keep: '1', change: '2', drop: '3' });
      const patch = bytesOf({ data: { change: 'two', drop: null } });
      const patched = objectOf(
        await client().patch(at('a'), patch, 'application/merge-patch+json'),
      );
      expect(patched.data).toEqual({ keep: '1', change: 'two' });
      expect(await read('a')).toEqual(patched);
    });

    test('a JSON patch whose test fails changes nothing', async () => {
      const made = await create('a', { v: '1' });
      const type = 'application/json-patch+json';
      const failing = bytesOf([
        { op: 'test', path: '/data/v', value: '2' },
        { op: 'remove', path: '/data/v' },
      ]);
      expect((await rejectionOf(client().patch(at('a'), failing, type))).status).toBe(422);
      expect(await read('a')).toEqual(made);
      const passing = bytesOf([{ op: 'replace', path: '/data/v', value: '2' }]);
      expect(objectOf(await client().patch(at('a'), passing, type)).data).toEqual({ v: '2' });
    });

    test('a patch that names another version is a conflict, one of nothing is not found', async () => {
      await create('a');
      const type = 'application/merge-patch+json';
      const stale = bytesOf({ metadata: { resourceVersion: '1' }, data: { v: 'x' } });
      const refused = await rejectionOf(client().patch(at('a'), stale, type));
      expect(refused).toMatchObject({ status: 409, reason: 'Conflict' });
      const missing = client().patch(at('b'), bytesOf({ data: {} }), type);
      await expect(missing).rejects.toBeInstanceOf(NotFoundError);
    });

    test('a removed object is gone, and an absent one counts as removed', async () => {
      await create('a');
      await client().remove(at('a'));
      expect(await read('a')).toBeUndefined();
      await client().remove(at('a'));
    });

    test('an object with another uid is not removed', async () => {
      const made = await create('a');
      const other = '00000000-0000-4000-8000-00000000ffff';
      const refused = await rejectionOf(client().remove(at('a'), other));
      expect(refused).toMatchObject({ status: 409, reason: 'Conflict' });
      await client().remove(at('a'), made.metadata.uid);
      expect(await read('a')).toBeUndefined();
    });

    test('a finalizer keeps a removed object until it is taken off', async () => {
      await create('a', {}, { finalizers: ['example.com/hold'] });
      await client().remove(at('a'));
      expect((await read('a'))?.metadata.deletionTimestamp).toBeDefined();
      const release = bytesOf({ metadata: { finalizers: null } });
      await client().patch(at('a'), release, 'application/merge-patch+json');
      expect(await read('a')).toBeUndefined();
    });

    test('a status is written through its own subresource', async () => {
      const target = { resource: NAMESPACES, name: space() };
      const phase = async () => {
        const bytes = await client().get(target);
        return bytes === undefined ? undefined : (objectOf(bytes).status ?? {});
      };
      const patch = bytesOf({
        status: { conditions: [{ type: 'Contract', status: 'True', message: 'm', reason: 'R' }] },
      });
      const type = 'application/merge-patch+json';
      await client().patch(target, patch, type);
      expect(await phase()).not.toHaveProperty('conditions');
      await client().patch({ ...target, subresource: 'status' }, patch, type);
      expect(await phase()).toMatchObject({ conditions: [{ type: 'Contract', status: 'True' }] });
    });
  });
}

function describeLists(
  client: () => ClusterClient,
  space: () => string,
  expireTokens: () => Promise<void>,
): void {
  const fill = async (names: readonly string[], labels: Record<string, string> = {}) => {
    for (const name of names) {
      const target = { resource: CONFIG_MAPS, namespace: space(), name };
      await client().create(target, bytesOf(configMap(space(), name, {}, { labels })));
    }
  };
  const names = (page: ListPage) => page.items.map((bytes) => objectOf(bytes).metadata.name);
  /** A cluster with controllers puts one of its own into every namespace. */
  const ours = 'metadata.name!=kube-root-ca.crt';

  describe('lists', () => {
    test('come in pages of one moment, in order, each object once', async () => {
      await fill(['e', 'd', 'c', 'b', 'a']);
      const request = { namespace: space(), limit: 2, fieldSelector: ours };
      const first = await client().list(CONFIG_MAPS, request);
      await fill(['bb']);
      const seen = [...names(first)];
      let page = first;
      while (page.continue !== undefined) {
        page = await client().list(CONFIG_MAPS, { ...request, continue: page.continue });
        expect(page.resourceVersion).toBe(first.resourceVersion);
        seen.push(...names(page));
      }
      expect(seen).toEqual(['a', 'b', 'c', 'd', 'e']);
    });

    test('show items of built-in kinds without apiVersion and kind', async () => {
      await fill(['a']);
      const page = await client().list(CONFIG_MAPS, {
        namespace: space(),
        limit: 500,
        fieldSelector: ours,
      });
      const [item] = page.items.map(objectOf);
      expect(item).not.toHaveProperty('kind');
      expect(item).not.toHaveProperty('apiVersion');
      expect(item?.metadata).toMatchObject({ name: 'a', namespace: space() });
      expect(Number(page.resourceVersion)).toBeGreaterThan(0);
    });

    test('span all namespaces, or one', async () => {
      await fill(['a']);
      const all = await client().list(CONFIG_MAPS, {
        limit: 500,
        fieldSelector: 'metadata.name=a',
      });
      const found = all.items.map((bytes) => objectOf(bytes).metadata.namespace);
      expect(found).toContain(space());
      const one = await client().list(CONFIG_MAPS, {
        namespace: space(),
        limit: 500,
        fieldSelector: 'metadata.name=a',
      });
      expect(names(one)).toEqual(['a']);
    });

    test('an empty list is empty', async () => {
      const page = await client().list(DEPLOYMENTS, { namespace: space(), limit: 500 });
      expect(page.items).toEqual([]);
      expect(page.continue).toBeUndefined();
    });

    test.each([
      ['tier=web', ['a', 'b']],
      ['tier!=web', ['c']],
      ['tier in (web,db)', ['a', 'b', 'c']],
      ['tier notin (web)', ['c']],
      ['only', ['b']],
      ['!only', ['a', 'c']],
      ['tier=web,!only', ['a']],
    ])('the label selector %s picks %j', async (labelSelector, expected) => {
      await fill(['a'], { tier: 'web' });
      await fill(['b'], { tier: 'web', only: '' });
      await fill(['c'], { tier: 'db' });
      const request = { namespace: space(), limit: 500, labelSelector, fieldSelector: ours };
      expect(names(await client().list(CONFIG_MAPS, request))).toEqual(expected);
    });

    test('whose token expired go on inconsistently with the token that is offered', async () => {
      await fill(['a', 'b', 'c', 'd']);
      const request = { namespace: space(), limit: 2, fieldSelector: ours };
      const first = await client().list(CONFIG_MAPS, request);
      await fill(['cc']);
      await expireTokens();
      const expired = await client()
        .list(CONFIG_MAPS, { ...request, continue: first.continue ?? '' })
        .then(
          () => undefined,
          (error: unknown) => error,
        );
      expect(expired).toBeInstanceOf(ContinueExpiredError);
      const fresh = expired instanceof ContinueExpiredError ? expired.freshContinue : undefined;
      expect(fresh).toBeDefined();
      const rest = await client().list(CONFIG_MAPS, {
        ...request,
        limit: 500,
        continue: fresh ?? '',
      });
      expect(names(first)).toEqual(['a', 'b']);
      expect(names(rest)).toEqual(['c', 'cc', 'd']);
    });

    test('secrets come with their data', async () => {
      const data = { password: Buffer.from('hunter2').toString('base64') };
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, data };
      const target = { resource: SECRETS, namespace: space(), name: 's' };
      await client().create(target, bytesOf(secret));
      const page = await client().list(SECRETS, { namespace: space(), limit: 500 });
      expect(page.items.map((bytes) => objectOf(bytes).data)).toEqual([data]);
    });
  });
}

function configMap(
  namespace: string,
  name: string,
  data: Record<string, string>,
  metadata: JsonObject = {},
): JsonObject {
  const meta = { name, namespace, ...metadata };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: meta, data };
}

function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function objectOf(bytes: Uint8Array): KubeObject {
  return JSON.parse(Buffer.from(bytes).toString()) as KubeObject;
}

async function rejectionOf(attempt: Promise<unknown>): Promise<ApiRejection> {
  const error = await attempt.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(ApiRejection);
  return error as ApiRejection;
}
