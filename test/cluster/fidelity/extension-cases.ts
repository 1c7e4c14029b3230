import { at, type RawReply } from '../raw-api.ts';
import {
  awaiting,
  core,
  expecting,
  type FidelityCase,
  get,
  grouped,
  patch,
  post,
  preparing,
  remove,
  type Step,
} from './fidelity-case.ts';
import { claim, idleDeployment, pod, podTemplate } from './workloads.ts';

const MERGE = 'merge-patch+json';
const VALIDATING = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
const MUTATING = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
const API_SERVICES = '/apis/apiregistration.k8s.io/v1/apiservices';
const STORAGE_CLASSES = '/apis/storage.k8s.io/v1/storageclasses';
const INGRESS_CLASSES = '/apis/networking.k8s.io/v1/ingressclasses';
/** Port 1 of loopback: nobody listens there. */
const NOBODY = { url: 'https://127.0.0.1:1/hook' };

/** What extends an API server from outside, and admission that depends on other objects. */
export const extensionCases: readonly FidelityCase[] = [
  ...[VALIDATING, MUTATING].map((path) => ({
    name: `nobody answers for a webhook of ${path.split('/').at(-1)}`,
    steps: (ns: string): Step[] => [
      preparing(201, post(path, webhooks(ns, NOBODY, 'Fail'))),
      awaiting(500, post(`${core(ns, 'configmaps')}?dryRun=All`, named('a'))),
      expecting(201, post(core(ns, 'serviceaccounts'), named('not-its-business'))),
      preparing(
        200,
        patch('json-patch+json', `${path}/${ns}`, [
          { op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' },
        ]),
      ),
      awaiting(201, post(`${core(ns, 'configmaps')}?dryRun=All`, named('a'))),
      preparing(200, remove(`${path}/${ns}`)),
    ],
  })),
  {
    name: 'a webhook behind a Service that is not there',
    steps: (ns) => [
      preparing(
        201,
        post(VALIDATING, webhooks(ns, { service: { name: 'none', namespace: ns } }, 'Fail')),
      ),
      awaiting(500, post(`${core(ns, 'configmaps')}?dryRun=All`, named('a'))),
      preparing(200, remove(`${VALIDATING}/${ns}`)),
    ],
  },
  {
    name: 'an API behind a Service that is not there',
    steps: (ns) => {
      const group = `${ns}.example.com`;
      const name = `v1.${group}`;
      return [
        preparing(201, post(API_SERVICES, { metadata: { name }, spec: deadApi(group, ns) })),
        { ...awaiting(200, get(`${API_SERVICES}/${name}`), saysWhy), part: 'status' },
        awaiting(503, get(`/apis/${group}/v1`)),
        expecting(503, get(`/apis/${group}/v1/namespaces/${ns}/things`)),
        expecting(200, get(`/apis/${group}`)),
        preparing(200, remove(`${API_SERVICES}/${name}`)),
        awaiting(404, get(`/apis/${group}/v1`)),
      ];
    },
  },
  {
    name: 'the default StorageClass is given to a claim without one',
    steps: (ns) => {
      const path = core(ns, 'persistentvolumeclaims');
      const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' };
      const metadata = { name: ns, annotations };
      return [
        expecting(201, post(path, claim('before', {}))),
        preparing(201, post(STORAGE_CLASSES, { metadata, provisioner: 'a.b' })),
        awaiting(
          201,
          post(`${path}?dryRun=All`, claim('a', {})),
          ({ body }) => at(body, 'spec.storageClassName') === ns,
        ),
        expecting(201, post(path, claim('none', { storageClassName: '' }))),
        preparing(200, remove(`${STORAGE_CLASSES}/${ns}`)),
      ];
    },
  },
  {
    name: 'the default IngressClass is given to an Ingress without one',
    steps: (ns) => {
      const path = grouped('networking.k8s.io/v1', ns, 'ingresses');
      const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' };
      const spec = { defaultBackend: { service: { name: 'web', port: { number: 80 } } } };
      return [
        preparing(
          201,
          post(INGRESS_CLASSES, {
            metadata: { name: ns, annotations },
            spec: { controller: 'a/b' },
          }),
        ),
        awaiting(
          201,
          post(`${path}?dryRun=All`, { metadata: { name: 'a' }, spec }),
          ({ body }) => at(body, 'spec.ingressClassName') === ns,
        ),
        preparing(200, remove(`${INGRESS_CLASSES}/${ns}`)),
      ];
    },
  },
  {
    name: 'a PriorityClass gives a Pod its priority',
    steps: (ns) => [
      preparing(
        201,
        post('/apis/scheduling.k8s.io/v1/priorityclasses', {
          metadata: { name: ns },
          value: 7,
          preemptionPolicy: 'Never',
        }),
      ),
      {
        ...awaiting(201, post(`${core(ns, 'pods')}?dryRun=All`, pod({ priorityClassName: ns }))),
        part: 'spec',
      },
      expecting(
        422,
        post('/apis/scheduling.k8s.io/v1/priorityclasses', {
          metadata: { name: `system-${ns}` },
          value: 7,
        }),
      ),
    ],
  },
  {
    name: 'deprecated ways are told in a warning',
    steps: (ns) => [
      expecting(
        201,
        post(core(ns, 'pods'), {
          metadata: {
            name: 'a',
            annotations: { 'container.apparmor.security.beta.kubernetes.io/main': 'unconfined' },
          },
          ...podTemplate(),
        }),
      ),
      expecting(
        201,
        post(grouped('apps/v1', ns, 'deployments'), {
          ...idleDeployment('a'),
          spec: { ...specOf(idleDeployment('a')), minReadySeconds: 5 },
        }),
      ),
    ],
  },
  {
    name: 'the end of a Deployment in the foreground',
    steps: (ns) => {
      const path = grouped('apps/v1', ns, 'deployments');
      return [
        preparing(201, post(path, idleDeployment('a'))),
        {
          ...expecting(200, remove(`${path}/a`, { propagationPolicy: 'Foreground' })),
          part: 'metadata.finalizers',
        },
        awaiting(404, get(`${path}/a`)),
        preparing(201, post(path, idleDeployment('a'))),
        { ...expecting(200, patch(MERGE, `${path}/a`, { spec: { paused: true } })), part: 'spec' },
      ];
    },
  },
];

/** A webhook for the ConfigMaps of one namespace. */
function webhooks(ns: string, clientConfig: object, failurePolicy: string): unknown {
  return {
    metadata: { name: ns },
    webhooks: [
      {
        name: 'check.example.com',
        clientConfig,
        failurePolicy,
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': ns } },
        rules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            operations: ['CREATE'],
            resources: ['configmaps'],
          },
        ],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  };
}

function deadApi(group: string, ns: string): unknown {
  return {
    group,
    version: 'v1',
    groupPriorityMinimum: 100,
    versionPriority: 100,
    insecureSkipTLSVerify: true,
    service: { name: 'none', namespace: ns },
  };
}

function saysWhy(reply: RawReply): boolean {
  return at(reply.body, 'status.conditions.0.reason') !== undefined;
}

function named(name: string): unknown {
  return { metadata: { name } };
}

function specOf(workload: Record<string, unknown>): object {
  return typeof workload.spec === 'object' && workload.spec !== null ? workload.spec : {};
}
