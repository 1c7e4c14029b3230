import { at, type RawReply, type RawRequest } from '../raw-api.ts';
import {
  awaiting,
  configMap,
  core,
  expecting,
  type FidelityCase,
  get,
  patch,
  post,
  preparing,
  remove,
  type Step,
} from './fidelity-case.ts';
import { podTemplate } from './workloads.ts';

const PARTIAL = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const PARTIAL_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

const LABEL_SELECTORS = [
  'tier=web',
  'tier==web',
  'tier!=web,set=yes',
  'tier in (web,db)',
  'tier notin (web),set',
  '!tier,set=yes',
  'tier,set=yes',
  'tier=none',
];

const WRONG_QUERIES = [
  'labelSelector=a%20b%20c',
  'labelSelector=a%20in',
  'fieldSelector=data.colour%3Dred',
  'fieldSelector=colour',
  'limit=many',
  'continue=nonsense',
  'resourceVersion=abc',
  'resourceVersionMatch=Exact',
  'resourceVersionMatch=Exact&resourceVersion=0',
  'resourceVersionMatch=Roughly&resourceVersion=1',
  'timeoutSeconds=soon',
];

/** Lists, their pages and selectors, and watches. */
export const listCases: readonly FidelityCase[] = [
  {
    name: 'lists in pages',
    steps: (ns) => {
      const path = `${core(ns, 'configmaps')}?labelSelector=set&limit=2`;
      return [
        ...fiveConfigMaps(ns),
        expecting(200, get(path)),
        // What is made after the first page is on none of the following.
        preparing(201, post(core(ns, 'configmaps'), labelled('z', {}))),
        expecting(200, (replies) => nextPage(path, replies.at(-2))),
        expecting(200, (replies) => nextPage(path, replies.at(-1))),
        expecting(200, get(`${core(ns, 'configmaps')}?limit=3`)),
        expecting(200, (replies) => nextPage(`${core(ns, 'configmaps')}?limit=3`, replies.at(-1))),
        expecting(400, (replies) => {
          const next = nextPage(path, replies.at(5));
          return get(`${next.path}&resourceVersion=1`);
        }),
      ];
    },
  },
  {
    name: 'a continue token that is too old brings a fresh one',
    steps: (ns) => {
      const path = `${core(ns, 'configmaps')}?labelSelector=set&limit=2`;
      return [
        ...fiveConfigMaps(ns),
        preparing(200, get(path)),
        preparing(201, post(core(ns, 'configmaps'), labelled('bb', {}))),
        {
          ...awaiting(410, (replies) => nextPage(path, replies.at(5))),
          afterCompaction: true,
        },
        // Goes on with what is there now, so `bb` is on it.
        expecting(200, (replies) => nextPage(path, replies.at(-1))),
      ];
    },
  },
  {
    name: 'label selectors',
    steps: (ns) => [
      ...fiveConfigMaps(ns),
      ...LABEL_SELECTORS.map((selector) =>
        expecting(
          200,
          get(`${core(ns, 'configmaps')}?labelSelector=${encodeURIComponent(selector)}`),
        ),
      ),
    ],
  },
  {
    name: 'field selectors',
    steps: (ns) => [
      ...fiveConfigMaps(ns),
      preparing(201, post(core(ns, 'secrets'), { metadata: { name: 'a' }, type: 'example.com/x' })),
      preparing(201, post(core(ns, 'pods'), { metadata: { name: 'a' }, ...podTemplate() })),
      expecting(200, get(`${core(ns, 'configmaps')}?fieldSelector=metadata.name%3Db`)),
      expecting(200, get(`/api/v1/configmaps?fieldSelector=metadata.namespace%3D${ns}`)),
      expecting(200, get(`${core(ns, 'secrets')}?fieldSelector=type%3Dexample.com/x`)),
      expecting(200, get(`${core(ns, 'pods')}?fieldSelector=spec.nodeName%3D`)),
      expecting(200, get(`${core(ns, 'pods')}?fieldSelector=status.phase!%3DPending`)),
      expecting(200, get(`/api/v1/namespaces?fieldSelector=metadata.name%3D${ns}`)),
    ],
  },
  ...WRONG_QUERIES.map((query) => ({
    name: `a list with ${query}`,
    steps: (ns: string): Step[] => [
      {
        request: get(`${core(ns, 'configmaps')}?${query}`),
        status: /Match/.test(query) ? 422 : 400,
      },
    ],
  })),
  {
    name: 'lists at a resourceVersion',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      const version = (reply: RawReply | undefined): unknown =>
        at(reply?.body, 'metadata.resourceVersion');
      return [
        ...fiveConfigMaps(ns),
        preparing(200, remove(`${path}/a`)),
        expecting(200, (replies) =>
          get(
            `${path}?labelSelector=set&resourceVersionMatch=Exact&resourceVersion=${version(replies[1])}`,
          ),
        ),
        expecting(200, (replies) =>
          get(`${path}?labelSelector=set&resourceVersion=${version(replies[4])}`),
        ),
        expecting(504, get(`${path}?resourceVersion=99999999`)),
      ];
    },
  },
  {
    name: 'metadata only',
    steps: (ns) => [
      ...fiveConfigMaps(ns),
      expecting(200, get(`${core(ns, 'configmaps')}/a`, { accept: PARTIAL })),
      expecting(200, get(`${core(ns, 'configmaps')}?labelSelector=set`, { accept: PARTIAL_LIST })),
    ],
  },
  {
    name: 'watches from a resourceVersion',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      return [
        preparing(201, post(path, labelled('a', { tier: 'web' }))),
        preparing(200, patch('merge-patch+json', `${path}/a`, { data: { colour: 'green' } })),
        preparing(201, post(path, labelled('b', { tier: 'db' }))),
        preparing(200, patch('merge-patch+json', `${path}/a`, tier('db'))),
        preparing(200, remove(`${path}/b`)),
        expecting(200, (replies) => watch(path, replies[0])),
        expecting(200, (replies) => watch(`${path}?labelSelector=tier%3Dweb`, replies[0])),
        expecting(200, (replies) => watch(`${path}?labelSelector=tier%3Ddb`, replies[0])),
        expecting(200, (replies) => watch(`${path}?fieldSelector=metadata.name%3Db`, replies[0])),
        expecting(200, get(`${path}?labelSelector=set&watch=true&timeoutSeconds=1`)),
        expecting(500, get(`${path}?watch=true&timeoutSeconds=1&resourceVersion=abc`)),
      ];
    },
  },
  {
    name: 'a watch that begins with what is there',
    steps: (ns) => {
      const path = `${core(ns, 'configmaps')}?labelSelector=set&watch=true&timeoutSeconds=1`;
      const initial = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan';
      return [
        ...fiveConfigMaps(ns),
        expecting(200, get(`${path}&allowWatchBookmarks=true&${initial}`)),
        expecting(422, get(`${path}&sendInitialEvents=true`)),
      ];
    },
  },
  {
    name: 'a watch with bookmarks ends with one',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      return [
        preparing(201, post(path, labelled('a', {}))),
        expecting(200, (replies) => ({
          ...watch(`${path}?allowWatchBookmarks=true`, replies[0], 4),
        })),
      ];
    },
  },
];

/** Named a to e; the selectors above tell them apart. */
function fiveConfigMaps(ns: string): Step[] {
  const tiers: Record<string, Record<string, string>> = {
    c: { tier: 'web' },
    a: { tier: 'web' },
    e: {},
    b: { tier: 'db' },
    d: { tier: '' },
  };
  return Object.entries(tiers).map(([name, labels]) =>
    preparing(201, post(core(ns, 'configmaps'), labelled(name, labels))),
  );
}

function labelled(name: string, labels: Record<string, string>): unknown {
  return configMap(name, { metadata: { labels: { set: 'yes', ...labels } } });
}

function tier(value: string): unknown {
  return { metadata: { labels: { tier: value } } };
}

function nextPage(path: string, reply: RawReply | undefined): RawRequest {
  return get(
    `${path}&continue=${encodeURIComponent(String(at(reply?.body, 'metadata.continue')))}`,
  );
}

function watch(path: string, since: RawReply | undefined, timeoutSeconds = 1): RawRequest {
  const version = String(at(since?.body, 'metadata.resourceVersion'));
  const query = `watch=true&timeoutSeconds=${timeoutSeconds}&resourceVersion=${version}`;
  return get(`${path}${path.includes('?') ? '&' : '?'}${query}`);
}
