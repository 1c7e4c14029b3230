import { core, expecting, type FidelityCase, grouped, post, preparing } from './fidelity-case.ts';
import { podTemplate } from './workloads.ts';

const LABELS = { app: 'web' };
const SELECTOR = { matchLabels: LABELS };
const RBAC = 'rbac.authorization.k8s.io/v1';

/** Namespaced kinds: collection, and the least an application would say. */
const NAMESPACED: readonly (readonly [string, string, Record<string, unknown>])[] = [
  ['v1', 'configmaps', { data: { colour: 'red' }, binaryData: { raw: 'AAEC' } }],
  ['v1', 'secrets', { stringData: { password: 'open sesame' }, data: { user: 'YWxp' } }],
  ['v1', 'serviceaccounts', {}],
  ['v1', 'services', { spec: { selector: LABELS, ports: [{ port: 80 }] } }],
  ['v1', 'endpoints', { subsets: [{ addresses: [{ ip: '10.1.2.3' }], ports: [{ port: 80 }] }] }],
  [
    'v1',
    'persistentvolumeclaims',
    {
      spec: {
        storageClassName: 'none-such',
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '20Gi' } },
      },
    },
  ],
  ['v1', 'pods', podTemplate()],
  ['v1', 'podtemplates', { template: podTemplate(LABELS) }],
  [
    'v1',
    'replicationcontrollers',
    { spec: { replicas: 0, selector: LABELS, template: podTemplate(LABELS) } },
  ],
  ['v1', 'limitranges', { spec: { limits: [{ type: 'Container', max: { cpu: '2' } }] } }],
  ['v1', 'resourcequotas', { spec: { hard: { pods: '10', 'requests.cpu': '1000m' } } }],
  [
    'v1',
    'events',
    {
      involvedObject: { kind: 'Pod', name: 'web', namespace: 'NS' },
      reason: 'Tried',
      type: 'Normal',
    },
  ],
  [
    'events.k8s.io/v1',
    'events',
    {
      eventTime: '2026-01-02T03:04:05.678900Z',
      action: 'Trying',
      reason: 'Tried',
      type: 'Normal',
      reportingController: 'example.com/tester',
      reportingInstance: 'tester-1',
      regarding: { kind: 'Pod', name: 'web', namespace: 'NS' },
    },
  ],
  ['apps/v1', 'deployments', { spec: { selector: SELECTOR, template: podTemplate(LABELS) } }],
  ['apps/v1', 'replicasets', { spec: { selector: SELECTOR, template: podTemplate(LABELS) } }],
  ['apps/v1', 'daemonsets', { spec: { selector: SELECTOR, template: podTemplate(LABELS) } }],
  [
    'apps/v1',
    'statefulsets',
    {
      spec: {
        serviceName: 'web',
        selector: SELECTOR,
        template: podTemplate(LABELS),
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
          },
        ],
      },
    },
  ],
  ['apps/v1', 'controllerrevisions', { revision: 1, data: { spec: { any: 'thing' } } }],
  ['batch/v1', 'jobs', { spec: { template: podTemplate({}, { restartPolicy: 'Never' }) } }],
  [
    'batch/v1',
    'cronjobs',
    {
      spec: {
        schedule: '0 3 * * *',
        jobTemplate: { spec: { template: podTemplate({}, { restartPolicy: 'OnFailure' }) } },
      },
    },
  ],
  [
    'networking.k8s.io/v1',
    'ingresses',
    {
      spec: {
        rules: [
          {
            host: 'shop.example',
            http: {
              paths: [
                {
                  path: '/',
                  pathType: 'Prefix',
                  backend: { service: { name: 'web', port: { number: 80 } } },
                },
              ],
            },
          },
        ],
      },
    },
  ],
  ['networking.k8s.io/v1', 'networkpolicies', { spec: { podSelector: {} } }],
  [RBAC, 'roles', { rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] }],
  [
    RBAC,
    'rolebindings',
    {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'NS' }],
    },
  ],
  [
    'autoscaling/v2',
    'horizontalpodautoscalers',
    {
      spec: {
        maxReplicas: 3,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' },
      },
    },
  ],
  [
    'autoscaling/v1',
    'horizontalpodautoscalers',
    {
      spec: {
        maxReplicas: 3,
        targetCPUUtilizationPercentage: 60,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' },
      },
    },
  ],
  ['policy/v1', 'poddisruptionbudgets', { spec: { minAvailable: '50%', selector: SELECTOR } }],
  ['coordination.k8s.io/v1', 'leases', { spec: { holderIdentity: 'me' } }],
  [
    'discovery.k8s.io/v1',
    'endpointslices',
    { addressType: 'IPv4', endpoints: [{ addresses: ['10.1.2.3'] }], ports: [{ port: 80 }] },
  ],
  ['storage.k8s.io/v1', 'csistoragecapacities', { storageClassName: 'fast', capacity: '10Gi' }],
];

const WEBHOOK = {
  name: 'check.example.com',
  clientConfig: { url: 'https://hook.example/' },
  // Matches nothing that another case creates.
  rules: [
    {
      apiGroups: ['nothing.example'],
      apiVersions: ['v1'],
      operations: ['CREATE'],
      resources: ['*'],
    },
  ],
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
};

/** Cluster-scoped kinds, likewise. */
const CLUSTER_SCOPED: readonly (readonly [string, string, Record<string, unknown>])[] = [
  ['v1', 'namespaces', {}],
  ['v1', 'nodes', {}],
  [
    'v1',
    'persistentvolumes',
    {
      spec: {
        capacity: { storage: '20Gi' },
        accessModes: ['ReadWriteOnce'],
        csi: { driver: 'diskplugin.csi.alibabacloud.com', volumeHandle: 'd-1' },
      },
    },
  ],
  ['storage.k8s.io/v1', 'storageclasses', { provisioner: 'diskplugin.csi.alibabacloud.com' }],
  ['storage.k8s.io/v1', 'csidrivers', { spec: {} }],
  ['storage.k8s.io/v1', 'csinodes', { spec: { drivers: [{ name: 'a.b', nodeID: 'n' }] } }],
  [
    'storage.k8s.io/v1',
    'volumeattachments',
    { spec: { attacher: 'a.b', nodeName: 'n', source: { persistentVolumeName: 'p' } } },
  ],
  ['networking.k8s.io/v1', 'ingressclasses', { spec: { controller: 'example.com/ingress' } }],
  ['scheduling.k8s.io/v1', 'priorityclasses', { value: 100 }],
  ['node.k8s.io/v1', 'runtimeclasses', { handler: 'runsc' }],
  [RBAC, 'clusterroles', { rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['list'] }] }],
  [
    RBAC,
    'clusterrolebindings',
    {
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'User', name: 'ali' }],
    },
  ],
  ['admissionregistration.k8s.io/v1', 'validatingwebhookconfigurations', { webhooks: [WEBHOOK] }],
  ['admissionregistration.k8s.io/v1', 'mutatingwebhookconfigurations', { webhooks: [WEBHOOK] }],
  [
    'flowcontrol.apiserver.k8s.io/v1',
    'prioritylevelconfigurations',
    { spec: { type: 'Limited', limited: { limitResponse: { type: 'Reject' } } } },
  ],
];

/** Creates of every kind that applications bring, as seen in the replies with all defaults. */
export const createCases: readonly FidelityCase[] = [
  ...NAMESPACED.map(([groupVersion, resource, body]) => ({
    name: `creates ${resource} of ${groupVersion}`,
    steps: (ns: string) => [
      expecting(
        201,
        post(
          groupVersion === 'v1' ? core(ns, resource) : grouped(groupVersion, ns, resource),
          inNamespace({ metadata: { name: 'made' }, ...body }, ns),
        ),
      ),
    ],
  })),
  ...CLUSTER_SCOPED.map(([groupVersion, resource, body]) => ({
    name: `creates ${resource} of ${groupVersion}`,
    steps: (ns: string) => [
      expecting(
        201,
        post(groupVersion === 'v1' ? `/api/v1/${resource}` : `/apis/${groupVersion}/${resource}`, {
          metadata: { name: resource === 'namespaces' ? `${ns}-made` : `${ns}.example.com` },
          ...body,
        }),
      ),
    ],
  })),
  {
    name: 'an APIService that nobody answers',
    steps: () => [
      expecting(
        201,
        post('/apis/apiregistration.k8s.io/v1/apiservices', {
          metadata: { name: 'v1.dead.example' },
          spec: {
            group: 'dead.example',
            version: 'v1',
            groupPriorityMinimum: 100,
            versionPriority: 100,
            service: { name: 'dead', namespace: 'default' },
            insecureSkipTLSVerify: true,
          },
        }),
      ),
      preparing(200, {
        method: 'DELETE',
        path: '/apis/apiregistration.k8s.io/v1/apiservices/v1.dead.example',
      }),
    ],
  },
];

/** Puts the case's namespace where a body names one. */
function inNamespace(body: unknown, ns: string): unknown {
  return JSON.parse(JSON.stringify(body).replaceAll('"NS"', JSON.stringify(ns)));
}
