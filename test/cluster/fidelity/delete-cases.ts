import { at, itemsOf, type RawReply } from '../raw-api.ts';
import {
  awaiting,
  configMap,
  core,
  expecting,
  type FidelityCase,
  get,
  grouped,
  patch,
  post,
  preparing,
  remove,
} from './fidelity-case.ts';
import { idleDeployment, podTemplate } from './workloads.ts';

const MERGE = 'merge-patch+json';
const HELD = { metadata: { finalizers: ['example.com/held'] } };
const RELEASE = { metadata: { finalizers: null } };

/** Deletion in all its forms, collection of what is owned, and the end of namespaces. */
export const deleteCases: readonly FidelityCase[] = [
  {
    name: 'deletes at once what nothing holds',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      return [
        preparing(201, post(path, configMap('a'))),
        expecting(200, remove(`${path}/a?dryRun=All`)),
        expecting(200, remove(`${path}/a`)),
        expecting(404, get(`${path}/a`)),
        expecting(404, remove(`${path}/a`)),
      ];
    },
  },
  {
    name: 'deletes a Pod that no node has',
    steps: (ns) => [
      preparing(201, post(core(ns, 'pods'), { metadata: { name: 'a' }, ...podTemplate() })),
      expecting(200, remove(`${core(ns, 'pods')}/a`)),
      expecting(404, get(`${core(ns, 'pods')}/a`)),
    ],
  },
  {
    name: 'a Pod on a node waits for the node',
    steps: (ns) => {
      const path = core(ns, 'pods');
      const { spec } = podTemplate({}, { nodeName: 'no-such-node' });
      return [
        preparing(201, post(path, { metadata: { name: 'a' }, spec })),
        { ...expecting(200, remove(`${path}/a`)), part: 'metadata.deletionGracePeriodSeconds' },
        { ...expecting(200, get(`${path}/a`)), part: 'metadata.deletionTimestamp' },
        preparing(200, remove(`${path}/a`, { gracePeriodSeconds: 0 })),
        expecting(404, get(`${path}/a`)),
      ];
    },
  },
  {
    name: 'a finalizer holds an object',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      return [
        preparing(201, post(path, configMap('a', HELD))),
        expecting(200, remove(`${path}/a`)),
        expecting(200, get(`${path}/a`)),
        expecting(200, remove(`${path}/a`)),
        expecting(
          422,
          patch(MERGE, `${path}/a`, {
            metadata: { finalizers: ['example.com/b', 'example.com/held'] },
          }),
        ),
        expecting(409, post(path, configMap('a'))),
        expecting(200, patch(MERGE, `${path}/a`, RELEASE)),
        expecting(404, get(`${path}/a`)),
      ];
    },
  },
  {
    name: 'preconditions of a deletion',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      const uid = '00000000-0000-0000-0000-000000000000';
      return [
        preparing(201, post(path, configMap('a'))),
        expecting(409, remove(`${path}/a`, { preconditions: { uid } })),
        expecting(409, remove(`${path}/a`, { preconditions: { resourceVersion: '1' } })),
        expecting(200, (replies) =>
          remove(`${path}/a`, { preconditions: { uid: at(replies[0]?.body, 'metadata.uid') } }),
        ),
      ];
    },
  },
  {
    name: 'refuses a deletion that it does not understand',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      return [
        preparing(201, post(path, configMap('a'))),
        expecting(422, remove(`${path}/a`, { propagationPolicy: 'Sideways' })),
        expecting(
          422,
          remove(`${path}/a`, { propagationPolicy: 'Background', orphanDependents: true }),
        ),
        expecting(500, remove(`${path}/a`, 'no json')),
        expecting(200, remove(`${path}/a?propagationPolicy=Background&gracePeriodSeconds=0`)),
      ];
    },
  },
  {
    name: 'deletes a collection',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      const labels = { batch: 'x' };
      return [
        preparing(201, post(path, configMap('a', { metadata: { labels } }))),
        preparing(201, post(path, configMap('b', { metadata: { labels } }))),
        preparing(201, post(path, configMap('c'))),
        expecting(200, remove(`${path}?labelSelector=batch%3Dx`)),
        expecting(404, get(`${path}/a`)),
        expecting(404, get(`${path}/b`)),
        expecting(200, get(`${path}/c`)),
        expecting(200, remove(`${path}?fieldSelector=metadata.name%3Dc`)),
        expecting(200, remove(`${path}?labelSelector=batch%3Dnone`)),
      ];
    },
  },
  {
    name: 'foreground deletion marks the owner',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      return [
        preparing(201, post(path, configMap('owner'))),
        preparing(201, (replies) => post(path, ownedBy(replies[0], 'child', HELD))),
        expecting(200, remove(`${path}/owner`, { propagationPolicy: 'Foreground' })),
        awaiting(200, get(`${path}/child`), isDeleted),
        expecting(200, get(`${path}/owner`)),
        preparing(200, patch(MERGE, `${path}/child`, RELEASE)),
        awaiting(404, get(`${path}/owner`)),
      ];
    },
  },
  {
    name: 'background deletion collects what is owned',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      return [
        preparing(201, post(path, configMap('owner'))),
        preparing(201, (replies) => post(path, ownedBy(replies[0], 'child'))),
        expecting(200, remove(`${path}/owner`, { propagationPolicy: 'Background' })),
        awaiting(404, get(`${path}/child`)),
      ];
    },
  },
  {
    name: 'orphaning deletion leaves what is owned without an owner',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      return [
        preparing(201, post(path, configMap('owner'))),
        preparing(201, (replies) => post(path, ownedBy(replies[0], 'child'))),
        expecting(200, remove(`${path}/owner`, { propagationPolicy: 'Orphan' })),
        awaiting(404, get(`${path}/owner`)),
        {
          ...awaiting(
            200,
            get(`${path}/child`),
            ({ body }) => at(body, 'metadata.ownerReferences') === undefined,
          ),
          part: 'data',
        },
      ];
    },
  },
  {
    name: 'collects what names an owner that never was',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'ghost' };
      const uid = '00000000-0000-0000-0000-000000000001';
      return [
        expecting(
          201,
          post(path, configMap('a', { metadata: { ownerReferences: [{ ...owner, uid }] } })),
        ),
        awaiting(404, get(`${path}/a`)),
      ];
    },
  },
  {
    name: 'deletes a Deployment',
    steps: (ns) => {
      const path = grouped('apps/v1', ns, 'deployments');
      return [
        preparing(201, post(path, idleDeployment('a'))),
        expecting(200, remove(`${path}/a`)),
        awaiting(404, get(`${path}/a`)),
      ];
    },
  },
  {
    name: 'a namespace that ends takes nothing more and says why it is not gone',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      return [
        preparing(201, post(path, configMap('held', HELD))),
        expecting(200, remove(`/api/v1/namespaces/${ns}`)),
        expecting(403, post(path, configMap('late'))),
        expecting(403, post(grouped('apps/v1', ns, 'deployments'), idleDeployment('late'))),
        expecting(409, post('/api/v1/namespaces', { metadata: { name: ns } })),
        // When its controller tells of its progress is a matter of moments.
        { ...expecting(200, remove(`/api/v1/namespaces/${ns}`)), part: 'metadata.labels' },
        { ...awaiting(200, get(`/api/v1/namespaces/${ns}`), saysWhatIsHeld), part: 'status' },
        preparing(200, patch(MERGE, `${path}/held`, RELEASE)),
        awaiting(404, get(`/api/v1/namespaces/${ns}`)),
        awaiting(200, get(path), (reply) => itemsOf(reply).length === 0),
      ];
    },
  },
  {
    name: 'refuses the end of a namespace that a cluster needs',
    steps: () => [expecting(403, remove('/api/v1/namespaces/kube-system'))],
  },
  {
    name: 'claims and volumes are protected while they are used',
    steps: (ns) => {
      const spec = {
        storageClassName: 'none-such',
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
      };
      return [
        {
          ...expecting(
            201,
            post(core(ns, 'persistentvolumeclaims'), { metadata: { name: 'a' }, spec }),
          ),
          part: 'metadata.finalizers',
        },
      ];
    },
  },
];

function ownedBy(
  owner: RawReply | undefined,
  name: string,
  more: typeof HELD | object = {},
): unknown {
  const metadata = 'metadata' in more ? more.metadata : {};
  const uid = at(owner?.body, 'metadata.uid');
  const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid };
  return configMap(name, {
    metadata: { ...metadata, ownerReferences: [{ ...reference, blockOwnerDeletion: true }] },
  });
}

function isDeleted(reply: RawReply): boolean {
  return at(reply.body, 'metadata.deletionTimestamp') !== undefined;
}

function saysWhatIsHeld(reply: RawReply): boolean {
  const conditions = at(reply.body, 'status.conditions');
  return (
    Array.isArray(conditions) &&
    conditions.some((one) => at(one, 'reason') === 'SomeFinalizersRemain')
  );
}
