import { at, type RawReply } from '../raw-api.ts';
import {
  apply,
  configMap,
  core,
  expecting,
  type FidelityCase,
  get,
  grouped,
  patch,
  post,
  preparing,
  put,
} from './fidelity-case.ts';
import { idleDeployment, podTemplate } from './workloads.ts';

const MERGE = 'merge-patch+json';
const JSON_PATCH = 'json-patch+json';
const STRATEGIC = 'strategic-merge-patch+json';
const SELECTOR = { matchLabels: { app: 'web' } };

/** The field of the collection's object `a` that never changes, tried by a merge patch. */
const IMMUTABLE: readonly (readonly [string, string, Record<string, unknown>, unknown])[] = [
  ['v1', 'configmaps', { immutable: true, data: { a: '1' } }, { data: { a: '2' } }],
  ['v1', 'secrets', { immutable: true, stringData: { a: '1' } }, { data: { a: 'Mg==' } }],
  ['v1', 'secrets', { stringData: { a: '1' } }, { type: 'example.com/other' }],
  [
    'v1',
    'services',
    { spec: { ports: [{ port: 80 }] } },
    { spec: { clusterIP: '10.96.200.1', clusterIPs: ['10.96.200.1'] } },
  ],
  [
    'v1',
    'persistentvolumeclaims',
    {
      spec: {
        storageClassName: 'none-such',
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
      },
    },
    { spec: { storageClassName: 'other' } },
  ],
  ['v1', 'pods', podTemplate(), { spec: { nodeSelector: { a: 'b' } } }],
  [
    'apps/v1',
    'deployments',
    { spec: { replicas: 0, selector: SELECTOR, template: podTemplate({ app: 'web' }) } },
    {
      spec: {
        selector: { matchLabels: { app: 'other' } },
        template: { metadata: { labels: { app: 'other' } } },
      },
    },
  ],
  [
    'apps/v1',
    'statefulsets',
    {
      spec: {
        replicas: 0,
        serviceName: 'web',
        selector: SELECTOR,
        template: podTemplate({ app: 'web' }),
      },
    },
    { spec: { serviceName: 'other' } },
  ],
  [
    'batch/v1',
    'jobs',
    { spec: { suspend: true, template: podTemplate({}, { restartPolicy: 'Never' }) } },
    { spec: { selector: { matchLabels: { a: 'b' } } } },
  ],
  [
    'rbac.authorization.k8s.io/v1',
    'rolebindings',
    { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' } },
    { roleRef: { name: 'edit' } },
  ],
];

/** Updates, the four kinds of patch, subresources and what may never change. */
export const changeCases: readonly FidelityCase[] = [
  ...IMMUTABLE.map(([groupVersion, resource, body, change], index) => ({
    name: `refuses to change what never changes in ${resource} (${index})`,
    steps: (ns: string) => {
      const path = groupVersion === 'v1' ? core(ns, resource) : grouped(groupVersion, ns, resource);
      return [
        preparing(201, post(path, { metadata: { name: 'a' }, ...body })),
        expecting(422, patch(MERGE, `${path}/a`, change)),
      ];
    },
  })),
  {
    name: 'refuses to change a StorageClass',
    steps: (ns) => {
      const path = '/apis/storage.k8s.io/v1/storageclasses';
      const metadata = { name: `${ns}-fixed` };
      return [
        preparing(201, post(path, { metadata, provisioner: 'a.b', parameters: { type: 'x' } })),
        expecting(422, patch(MERGE, `${path}/${metadata.name}`, { parameters: { type: 'y' } })),
        expecting(422, patch(MERGE, `${path}/${metadata.name}`, { provisioner: 'c.d' })),
      ];
    },
  },
  {
    name: 'updates',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      return [
        preparing(201, post(path, configMap('a'))),
        expecting(200, put(`${path}/a`, configMap('a', { data: { colour: 'green' } }))),
        expecting(409, (replies) =>
          put(
            `${path}/a`,
            configMap('a', {
              metadata: { resourceVersion: version(replies[0]) },
              data: { b: '1' },
            }),
          ),
        ),
        expecting(200, (replies) =>
          put(
            `${path}/a`,
            configMap('a', {
              metadata: { resourceVersion: version(replies[1]) },
              data: { b: '1' },
            }),
          ),
        ),
        expecting(
          409,
          put(
            `${path}/a`,
            configMap('a', { metadata: { uid: '00000000-0000-0000-0000-000000000000' } }),
          ),
        ),
        expecting(500, put(`${path}/a`, configMap('a', { metadata: { resourceVersion: 'abc' } }))),
      ];
    },
  },
  {
    name: 'an update that changes nothing writes nothing',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      return [
        preparing(201, post(path, configMap('a'))),
        preparing(200, put(`${path}/a`, configMap('a'))),
        expecting(200, (replies) =>
          patch(MERGE, `${path}/a`, { metadata: { resourceVersion: version(replies[0]) } }),
        ),
      ];
    },
  },
  {
    name: 'an update of what has no unconditional update',
    steps: (ns) => {
      const path = grouped('coordination.k8s.io/v1', ns, 'leases');
      return [
        preparing(201, post(path, { metadata: { name: 'a' }, spec: { holderIdentity: 'me' } })),
        expecting(422, put(`${path}/a`, { metadata: { name: 'a' }, spec: {} })),
      ];
    },
  },
  {
    name: 'JSON patch',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      return [
        preparing(201, post(path, configMap('a'))),
        expecting(
          200,
          patch(JSON_PATCH, `${path}/a`, [
            { op: 'test', path: '/data/colour', value: 'red' },
            { op: 'add', path: '/data/size', value: 'XL' },
            { op: 'remove', path: '/data/colour' },
          ]),
        ),
        expecting(
          422,
          patch(JSON_PATCH, `${path}/a`, [{ op: 'test', path: '/data/size', value: 'S' }]),
        ),
        expecting(422, patch(JSON_PATCH, `${path}/a`, [{ op: 'remove', path: '/data/none' }])),
        expecting(400, patch(JSON_PATCH, `${path}/a`, { not: 'an array' })),
        expecting(
          400,
          patch(JSON_PATCH, `${path}/a`, [{ op: 'replace', path: '/metadata/name', value: 'b' }]),
        ),
        expecting(404, patch(JSON_PATCH, `${path}/none`, [])),
      ];
    },
  },
  {
    name: 'merge patch',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      return [
        preparing(201, post(path, configMap('a'))),
        expecting(200, patch(MERGE, `${path}/a`, { data: { colour: null, size: 'XL' } })),
        expecting(200, patch(MERGE, `${path}/a`, { metadata: { labels: { a: 'b' } } })),
        expecting(409, (replies) =>
          patch(MERGE, `${path}/a`, { metadata: { resourceVersion: version(replies[0]) } }),
        ),
        expecting(200, patch(MERGE, `${path}/a?dryRun=All`, { data: { size: 'S' } })),
        expecting(200, get(`${path}/a`)),
        expecting(400, patch(MERGE, `${path}/a`, 'no json')),
        expecting(415, {
          method: 'PATCH',
          path: `${path}/a`,
          body: {},
          headers: { 'content-type': 'application/json' },
        }),
      ];
    },
  },
  {
    name: 'strategic merge patch',
    steps: (ns) => {
      const path = grouped('apps/v1', ns, 'deployments');
      const containers = (...items: unknown[]): unknown => ({
        spec: { template: { spec: { containers: items } } },
      });
      return [
        preparing(201, post(`${path}`, idleDeployment('a'))),
        preparing(
          200,
          patch(STRATEGIC, `${path}/a`, containers({ name: 'side', image: 'busybox:1' })),
        ),
        { ...expecting(200, get(`${path}/a`)), part: 'spec' },
        preparing(
          200,
          patch(STRATEGIC, `${path}/a`, containers({ name: 'main', $patch: 'delete' })),
        ),
        { ...expecting(200, get(`${path}/a`)), part: 'spec' },
      ];
    },
  },
  {
    name: 'server-side apply',
    steps: (ns) => {
      const path = core(ns, 'configmaps');
      const colour = (value: string): unknown => configMap('a', { data: { colour: value } });
      return [
        expecting(201, apply(`${path}/a?fieldManager=one`, colour('red'))),
        expecting(200, apply(`${path}/a?fieldManager=one`, colour('green'))),
        expecting(409, apply(`${path}/a?fieldManager=two`, colour('blue'))),
        expecting(200, apply(`${path}/a?fieldManager=two&force=true`, colour('blue'))),
        expecting(
          200,
          apply(`${path}/a?fieldManager=two`, configMap('a', { data: { size: 'XL' } })),
        ),
        expecting(422, apply(`${path}/a`, colour('red'))),
        expecting(
          400,
          apply(
            `${path}/a?fieldManager=one`,
            configMap('a', { metadata: { managedFields: [{ manager: 'me' }] } }),
          ),
        ),
      ];
    },
  },
  {
    name: 'status is a thing of its own',
    steps: (ns) => {
      // An Ingress, because no controller of the control plane writes its status.
      const path = grouped('networking.k8s.io/v1', ns, 'ingresses');
      const spec = { defaultBackend: { service: { name: 'web', port: { number: 80 } } } };
      const status = { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } };
      return [
        expecting(201, post(path, { metadata: { name: 'a' }, spec, status })),
        expecting(200, get(`${path}/a/status`)),
        expecting(200, patch(MERGE, `${path}/a/status`, { status, spec: { rules: [] } })),
        expecting(
          200,
          patch(MERGE, `${path}/a`, { status: null, spec: { ingressClassName: 'x' } }),
        ),
        expecting(200, get(`${path}/a`)),
      ];
    },
  },
  {
    name: 'scale',
    steps: (ns) => {
      const path = grouped('apps/v1', ns, 'statefulsets');
      const body = {
        metadata: { name: 'a' },
        spec: {
          replicas: 0,
          serviceName: 'web',
          selector: SELECTOR,
          template: podTemplate({ app: 'web' }),
        },
      };
      return [
        preparing(201, post(path, body)),
        expecting(200, get(`${path}/a/scale`)),
        expecting(200, patch(MERGE, `${path}/a/scale?dryRun=All`, { spec: { replicas: 3 } })),
        expecting(422, patch(MERGE, `${path}/a/scale`, { spec: { replicas: -1 } })),
      ];
    },
  },
];

function version(reply: RawReply | undefined): unknown {
  return at(reply?.body, 'metadata.resourceVersion');
}
