import {
  configMap,
  core,
  expecting,
  type FidelityCase,
  get,
  grouped,
  post,
  preparing,
  put,
  remove,
  type Step,
} from './fidelity-case.ts';
import { idleDeployment, podTemplate } from './workloads.ts';

const SELECTOR = { matchLabels: { app: 'web' } };

/** A body that is refused as invalid: what is wrong with it, the collection, the body. */
const INVALID: readonly (readonly [string, string, string, Record<string, unknown>])[] = [
  ['a name with capitals', 'v1', 'configmaps', { metadata: { name: 'Wrong_Name' } }],
  ['a name of 254 characters', 'v1', 'configmaps', { metadata: { name: 'a'.repeat(254) } }],
  ['no name', 'v1', 'configmaps', { metadata: {} }],
  ['a Service name that begins with a digit', 'v1', 'services', named('1st', onePort())],
  [
    'a label value with a blank',
    'v1',
    'configmaps',
    { metadata: { name: 'a', labels: { a: 'b c' } } },
  ],
  [
    'a finalizer without a domain',
    'v1',
    'configmaps',
    { metadata: { name: 'a', finalizers: ['x'] } },
  ],
  [
    'an owner without a uid',
    'v1',
    'configmaps',
    {
      metadata: {
        name: 'a',
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'b', uid: '' }],
      },
    },
  ],
  [
    'a ConfigMap key with a slash',
    'v1',
    'configmaps',
    named('a', undefined, { data: { 'a/b': '' } }),
  ],
  [
    'a ConfigMap of more than 1 MiB',
    'v1',
    'configmaps',
    named('a', undefined, { data: { a: 'x'.repeat(1_048_577) } }),
  ],
  [
    'a TLS Secret without a key',
    'v1',
    'secrets',
    named('a', undefined, { type: 'kubernetes.io/tls' }),
  ],
  ['a Service without ports', 'v1', 'services', named('a', {})],
  ['a Service port beyond 65535', 'v1', 'services', named('a', { ports: [{ port: 65536 }] })],
  [
    'two unnamed Service ports',
    'v1',
    'services',
    named('a', { ports: [{ port: 80 }, { port: 81 }] }),
  ],
  ['an ExternalName without a name', 'v1', 'services', named('a', { type: 'ExternalName' })],
  ['a Pod without containers', 'v1', 'pods', named('a', { containers: [] })],
  ['a Pod whose container has no image', 'v1', 'pods', named('a', { containers: [{ name: 'x' }] })],
  [
    'a mount of a volume that is not there',
    'v1',
    'pods',
    named('a', {
      containers: [{ name: 'x', image: 'y', volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
    }),
  ],
  ['a claim without access modes', 'v1', 'persistentvolumeclaims', named('a', claim([]))],
  [
    'a claim with an unknown access mode',
    'v1',
    'persistentvolumeclaims',
    named('a', claim(['Any'])),
  ],
  [
    'a Deployment without a selector',
    'apps/v1',
    'deployments',
    named('a', { template: podTemplate() }),
  ],
  [
    'a Deployment whose selector does not match',
    'apps/v1',
    'deployments',
    named('a', { selector: SELECTOR, template: podTemplate({ app: 'other' }) }),
  ],
  [
    'a Deployment with negative replicas',
    'apps/v1',
    'deployments',
    named('a', { replicas: -1, selector: SELECTOR, template: podTemplate({ app: 'web' }) }),
  ],
  [
    'a Job that restarts always',
    'batch/v1',
    'jobs',
    named('a', { template: podTemplate({}, { restartPolicy: 'Always' }) }),
  ],
  [
    'a CronJob with a wrong schedule',
    'batch/v1',
    'cronjobs',
    named('a', {
      schedule: 'often',
      jobTemplate: { spec: { template: podTemplate({}, { restartPolicy: 'Never' }) } },
    }),
  ],
  [
    'an Ingress path without a type',
    'networking.k8s.io/v1',
    'ingresses',
    named('a', {
      rules: [
        {
          http: {
            paths: [{ path: '/', backend: { service: { name: 'w', port: { number: 80 } } } }],
          },
        },
      ],
    }),
  ],
  ['an Ingress that says nothing', 'networking.k8s.io/v1', 'ingresses', named('a', {})],
  [
    'a RoleBinding to nothing',
    'rbac.authorization.k8s.io/v1',
    'rolebindings',
    named('a', undefined, { roleRef: { apiGroup: '', kind: '', name: '' } }),
  ],
  [
    'an HPA without a maximum',
    'autoscaling/v2',
    'horizontalpodautoscalers',
    named('a', { scaleTargetRef: { kind: 'Deployment', name: 'x' } }),
  ],
  [
    'a budget with both bounds',
    'policy/v1',
    'poddisruptionbudgets',
    named('a', { minAvailable: 1, maxUnavailable: 1, selector: SELECTOR }),
  ],
];

const STRICT = '?fieldValidation=Strict';

/** What the API server refuses, and in which words. */
export const refusalCases: readonly FidelityCase[] = [
  ...INVALID.map(([what, groupVersion, resource, body]) => ({
    name: `refuses ${what}`,
    steps: (ns: string): Step[] => [
      expecting(
        422,
        post(
          groupVersion === 'v1' ? core(ns, resource) : grouped(groupVersion, ns, resource),
          body,
        ),
      ),
    ],
  })),
  {
    name: 'refuses a name that exists',
    steps: (ns) => [
      preparing(201, post(core(ns, 'configmaps'), configMap('a'))),
      expecting(409, post(core(ns, 'configmaps'), configMap('a'))),
      preparing(201, post(grouped('apps/v1', ns, 'deployments'), idleDeployment('d'))),
      expecting(409, post(grouped('apps/v1', ns, 'deployments'), idleDeployment('d'))),
      expecting(409, post('/api/v1/namespaces', { metadata: { name: ns } })),
    ],
  },
  {
    name: 'says what is not found',
    steps: (ns) => [
      expecting(404, get(`${core(ns, 'configmaps')}/none`)),
      expecting(404, get(`${grouped('apps/v1', ns, 'deployments')}/none`)),
      expecting(404, remove(`${core(ns, 'configmaps')}/none`)),
      expecting(404, put(`${core(ns, 'configmaps')}/none`, configMap('none'))),
      expecting(404, get(`/api/v1/namespaces/${ns}-none`)),
      expecting(404, get(core(ns, 'nothings'))),
      expecting(404, post(core(`${ns}-none`, 'configmaps'), configMap('a'))),
      expecting(200, get(core(`${ns}-none`, 'configmaps'))),
      expecting(404, get(`/api/v1/namespaces/${ns}/nodes`)),
    ],
  },
  {
    name: 'refuses a body that contradicts its address',
    steps: (ns) => [
      expecting(
        400,
        post(core(ns, 'configmaps'), { ...secret(), kind: 'Secret', apiVersion: 'v1' }),
      ),
      expecting(
        400,
        post(core(ns, 'configmaps'), { ...secret(), kind: 'ConfigMap', apiVersion: 'v2' }),
      ),
      expecting(
        400,
        post(core(ns, 'configmaps'), configMap('a', { metadata: { namespace: 'default' } })),
      ),
      preparing(201, post(core(ns, 'configmaps'), configMap('a'))),
      expecting(400, put(`${core(ns, 'configmaps')}/a`, configMap('b'))),
      expecting(
        400,
        put(`${core(ns, 'configmaps')}/a`, configMap('a', { metadata: { namespace: 'default' } })),
      ),
    ],
  },
  {
    name: 'refuses a resourceVersion on what is to be created',
    steps: (ns) => [
      expecting(
        500,
        post(core(ns, 'configmaps'), configMap('a', { metadata: { resourceVersion: '1' } })),
      ),
    ],
  },
  {
    name: 'gives a uid of its own to what comes with one',
    steps: (ns) => [
      expecting(
        201,
        post(core(ns, 'configmaps'), configMap('a', { metadata: { uid: 'mine', generation: 9 } })),
      ),
    ],
  },
  {
    name: 'refuses bodies that it cannot read',
    steps: (ns) => [
      expecting(400, post(core(ns, 'configmaps'), '{"metadata":')),
      expecting(400, post(core(ns, 'configmaps'), '')),
      expecting(400, post(core(ns, 'configmaps'), '[]')),
      expecting(400, post(core(ns, 'configmaps'), configMap('a', { data: { a: 1 } }))),
      expecting(415, post(core(ns, 'configmaps'), 'x', { 'content-type': 'text/plain' })),
    ],
  },
  {
    name: 'reads YAML',
    steps: (ns) => [
      expecting(
        201,
        post(core(ns, 'configmaps'), 'metadata: {name: a}\ndata:\n  colour: red\n', {
          'content-type': 'application/yaml',
        }),
      ),
    ],
  },
  {
    name: 'refuses replies in a form it does not have',
    steps: (ns) => [
      expecting(406, get(core(ns, 'configmaps'), { accept: 'text/html' })),
      expecting(200, get(`${core(ns, 'configmaps')}?labelSelector=a`, { accept: '*/*' })),
      expecting(
        200,
        get(`${core(ns, 'configmaps')}?labelSelector=a`, { accept: 'text/html, application/json' }),
      ),
    ],
  },
  {
    name: 'unknown fields are refused, told or dropped, as asked',
    steps: (ns) => [
      expecting(400, post(core(ns, 'configmaps') + STRICT, configMap('a', { datum: {} }))),
      expecting(
        400,
        post(grouped('apps/v1', ns, 'deployments') + STRICT, {
          metadata: { name: 'a' },
          spec: { replica: 0 },
        }),
      ),
      expecting(201, post(core(ns, 'configmaps'), configMap('b', { datum: {} }))),
      expecting(
        201,
        post(`${core(ns, 'configmaps')}?fieldValidation=Warn`, configMap('c', { datum: {} })),
      ),
      expecting(
        400,
        post(core(ns, 'configmaps') + STRICT, '{"metadata":{"name":"d"},"data":{},"data":{}}'),
      ),
      expecting(422, post(`${core(ns, 'configmaps')}?fieldValidation=Rather`, configMap('e'))),
    ],
  },
  {
    name: 'refuses verbs that a resource does not have',
    steps: (ns) => [
      expecting(405, post(`${core(ns, 'configmaps')}/a`, configMap('a'))),
      expecting(405, put(core(ns, 'configmaps'), configMap('a'))),
      expecting(405, get('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews')),
      expecting(405, remove('/api/v1/namespaces')),
      expecting(404, get(`${core(ns, 'configmaps')}/a/status`)),
    ],
  },
  {
    name: 'wants to know who asks',
    steps: (ns) => [
      expecting(401, get(core(ns, 'configmaps'), { authorization: 'Bearer nobody' })),
      expecting(401, get('/api', { authorization: 'Bearer nobody' })),
    ],
  },
  {
    name: 'tries a create without making it',
    steps: (ns) => [
      expecting(201, post(`${core(ns, 'configmaps')}?dryRun=All`, configMap('a'))),
      expecting(404, get(`${core(ns, 'configmaps')}/a`)),
      expecting(
        201,
        post(`${grouped('apps/v1', ns, 'deployments')}?dryRun=All`, idleDeployment('a')),
      ),
      expecting(
        201,
        post(`${core(ns, 'services')}?dryRun=All`, named('a', { type: 'NodePort', ...onePort() })),
      ),
      preparing(201, post(core(ns, 'configmaps'), configMap('a'))),
      expecting(409, post(`${core(ns, 'configmaps')}?dryRun=All`, configMap('a'))),
      expecting(422, post(`${core(ns, 'configmaps')}?dryRun=Some`, configMap('b'))),
      expecting(422, post(`${core(ns, 'configmaps')}?dryRun=All`, configMap('B'))),
    ],
  },
  {
    name: 'makes names up',
    steps: (ns) => [
      expecting(201, post(core(ns, 'configmaps'), { metadata: { generateName: 'generated-' } })),
      expecting(
        201,
        post(core(ns, 'configmaps'), { metadata: { generateName: 'generated-', name: 'given' } }),
      ),
      expecting(
        201,
        post(`${core(ns, 'configmaps')}?dryRun=All`, { metadata: { generateName: 'generated-' } }),
      ),
    ],
  },
  {
    name: 'a Pod whose ServiceAccount is not there',
    steps: (ns) => [
      expecting(403, post(core(ns, 'pods'), named('a', podSpec({ serviceAccountName: 'none' })))),
      expecting(403, post(core(ns, 'pods'), named('a', podSpec({ priorityClassName: 'none' })))),
    ],
  },
];

function named(
  name: string,
  spec?: Record<string, unknown>,
  more: object = {},
): Record<string, unknown> {
  return { metadata: { name }, ...(spec === undefined ? {} : { spec }), ...more };
}

function onePort(): Record<string, unknown> {
  return { ports: [{ port: 80 }] };
}

function podSpec(more: Record<string, unknown>): Record<string, unknown> {
  return { containers: [{ name: 'main', image: 'nginx:1.27' }], ...more };
}

function claim(accessModes: string[]): Record<string, unknown> {
  return { accessModes, resources: { requests: { storage: '1Gi' } } };
}

function secret(): Record<string, unknown> {
  return { metadata: { name: 'a' } };
}
