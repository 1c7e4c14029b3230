import { at, type RawReply } from '../raw-api.ts';
import {
  apply,
  core,
  expecting,
  type FidelityCase,
  get,
  grouped,
  patch,
  post,
  preparing,
  type Step,
} from './fidelity-case.ts';
import { idleDeployment, podTemplate } from './workloads.ts';

const STRATEGIC = 'strategic-merge-patch+json';

const FORMER_UID = '11111111-2222-3333-4444-555555555555';

/** What an API server had said of an object before it was captured. */
function formerMetadata(apiVersion: string): Record<string, unknown> {
  return {
    uid: FORMER_UID,
    creationTimestamp: '2020-01-02T03:04:05Z',
    deletionTimestamp: '2020-01-02T03:04:06Z',
    deletionGracePeriodSeconds: 30,
    generation: 7,
    selfLink: '/api/v1/somewhere',
    managedFields: [
      {
        manager: 'helm',
        operation: 'Update',
        apiVersion,
        time: '2020-01-02T03:04:05Z',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:metadata': { 'f:labels': {} } },
      },
    ],
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}' },
  };
}

/** Kinds as a cluster would hand them out: collection and what is beside the metadata. */
const CAPTURED: readonly (readonly [string, string, Record<string, unknown>])[] = [
  ['v1', 'configmaps', { data: { colour: 'red' } }],
  ['v1', 'serviceaccounts', { secrets: [{ name: 'made-token-abcde' }] }],
  [
    'v1',
    'services',
    {
      spec: {
        clusterIP: '10.96.100.100',
        clusterIPs: ['10.96.100.100'],
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: 'SingleStack',
        internalTrafficPolicy: 'Cluster',
        sessionAffinity: 'None',
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Cluster',
        allocateLoadBalancerNodePorts: true,
        ports: [{ name: 'http', port: 80, protocol: 'TCP', targetPort: 'web', nodePort: 31234 }],
      },
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.9' }] } },
    },
  ],
  [
    'v1',
    'persistentvolumeclaims',
    {
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '20Gi' } },
        storageClassName: 'none-such',
        volumeMode: 'Filesystem',
        volumeName: 'd-former',
        dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 'shot' },
      },
      status: { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '20Gi' } },
    },
  ],
  [
    'v1',
    'pods',
    {
      spec: {
        nodeName: 'former-node',
        serviceAccount: 'default',
        serviceAccountName: 'default',
        containers: [
          {
            name: 'main',
            image: 'nginx:1.27',
            volumeMounts: [
              {
                name: 'kube-api-access-zzzzz',
                mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
                readOnly: true,
              },
            ],
          },
        ],
        volumes: [
          {
            name: 'kube-api-access-zzzzz',
            projected: { sources: [{ serviceAccountToken: { path: 'token' } }] },
          },
        ],
      },
      status: { phase: 'Running', podIP: '10.1.2.3' },
    },
  ],
  [
    'apps/v1',
    'deployments',
    {
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'web' } },
        template: podTemplate({ app: 'web' }),
      },
      status: { replicas: 3, readyReplicas: 3, observedGeneration: 7 },
    },
  ],
  [
    'batch/v1',
    'jobs',
    {
      spec: {
        suspend: true,
        selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': FORMER_UID } },
        template: podTemplate(
          { 'batch.kubernetes.io/controller-uid': FORMER_UID },
          { restartPolicy: 'Never' },
        ),
      },
    },
  ],
];

/** What a restore sends: objects as they were captured, and changes to them. */
export const capturedCases: readonly FidelityCase[] = [
  ...CAPTURED.map(([groupVersion, resource, body]) => ({
    name: `${resource} with what their former API server said of them`,
    steps: (ns: string): Step[] => [
      expecting(
        resource === 'jobs' ? 422 : 201,
        post(groupVersion === 'v1' ? core(ns, resource) : grouped(groupVersion, ns, resource), {
          metadata: { ...formerMetadata(groupVersion), name: 'a' },
          ...body,
        }),
      ),
    ],
  })),
  {
    name: 'a volume that was bound',
    steps: (ns) => [
      expecting(
        201,
        post(`/api/v1/persistentvolumes?dryRun=All`, {
          metadata: {
            ...formerMetadata('v1'),
            name: ns,
            finalizers: ['kubernetes.io/pv-protection'],
          },
          spec: {
            capacity: { storage: '20Gi' },
            accessModes: ['ReadWriteOnce'],
            persistentVolumeReclaimPolicy: 'Delete',
            storageClassName: 'none-such',
            csi: {
              driver: 'diskplugin.csi.alibabacloud.com',
              volumeHandle: 'd-former',
              fsType: 'ext4',
            },
            claimRef: { kind: 'PersistentVolumeClaim', namespace: ns, name: 'data', uid: 'former' },
            nodeAffinity: {
              required: {
                nodeSelectorTerms: [
                  {
                    matchExpressions: [
                      {
                        key: 'topology.diskplugin.csi.alibabacloud.com/zone',
                        operator: 'In',
                        values: ['cn-hangzhou-h'],
                      },
                    ],
                  },
                ],
              },
            },
          },
          status: { phase: 'Bound' },
        }),
      ),
    ],
  },
  {
    name: 'Secrets of a ServiceAccount',
    steps: (ns) => {
      const type = 'kubernetes.io/service-account-token';
      const annotations = { 'kubernetes.io/service-account.name': 'default' };
      return [
        expecting(422, post(core(ns, 'secrets'), { metadata: { name: 'a' }, type })),
        expecting(201, post(core(ns, 'secrets'), { metadata: { name: 'b', annotations }, type })),
      ];
    },
  },
  {
    name: 'a kind in another of its versions',
    steps: (ns) => [
      preparing(
        201,
        post(grouped('autoscaling/v1', ns, 'horizontalpodautoscalers'), {
          metadata: { name: 'a' },
          spec: {
            maxReplicas: 3,
            targetCPUUtilizationPercentage: 60,
            scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' },
          },
        }),
      ),
      {
        ...expecting(200, get(`${grouped('autoscaling/v2', ns, 'horizontalpodautoscalers')}/a`)),
        part: 'spec',
      },
    ],
  },
  {
    name: 'strategic merge patches of lists',
    steps: (ns) => {
      const path = grouped('apps/v1', ns, 'deployments');
      const change = (spec: unknown): Step => ({
        ...expecting(200, patch(STRATEGIC, `${path}/a`, { spec: { template: { spec } } })),
        part: 'spec',
      });
      const main = (more: object): unknown => ({ containers: [{ name: 'main', ...more }] });
      return [
        preparing(201, post(path, idleDeployment('a'))),
        change(main({ env: [{ name: 'A', value: '1' }] })),
        change(main({ env: [{ name: 'B', value: '2' }] })),
        change(main({ env: [{ name: 'A', $patch: 'delete' }] })),
        change(main({ ports: [{ containerPort: 80 }, { containerPort: 81, name: 'x' }] })),
        change(main({ ports: [{ containerPort: 80, name: 'web' }] })),
        change(main({ args: ['a', 'b'] })),
        change(main({ args: ['c'] })),
        change({ volumes: [{ name: 'v', emptyDir: {} }] }),
        change({
          volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }],
        }),
        change({ tolerations: [{ key: 'a', operator: 'Exists' }] }),
        change({ tolerations: [{ key: 'b', operator: 'Exists' }] }),
        change({ containers: [{ $patch: 'replace' }, { name: 'only', image: 'busybox:1' }] }),
        change({ nodeSelector: { disk: 'ssd' } }),
        change({ nodeSelector: null }),
      ];
    },
  },
  {
    name: 'server-side apply of lists',
    steps: (ns) => {
      const path = grouped('networking.k8s.io/v1', ns, 'networkpolicies');
      const policy = (spec: object): unknown => ({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        metadata: { name: 'a' },
        spec: { podSelector: {}, ...spec },
      });
      const services = core(ns, 'services');
      const service = (ports: unknown[]): unknown => ({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'a' },
        spec: { ports },
      });
      const [web, admin] = [
        { name: 'web', port: 80 },
        { name: 'admin', port: 81 },
      ];
      return [
        expecting(201, apply(`${path}/a?fieldManager=one`, policy({ policyTypes: ['Ingress'] }))),
        expecting(200, apply(`${path}/a?fieldManager=one`, policy({ policyTypes: ['Egress'] }))),
        expecting(201, apply(`${services}/a?fieldManager=one`, service([web, admin]))),
        expecting(200, apply(`${services}/a?fieldManager=two`, service([web]))),
        expecting(200, apply(`${services}/a?fieldManager=one`, service([admin]))),
        expecting(200, apply(`${services}/a?fieldManager=two`, service([{ ...web, port: 82 }]))),
        expecting(200, (replies) =>
          patch('json-patch+json', `${services}/a`, [
            { op: 'test', path: '/metadata/name', value: at(lastOf(replies), 'metadata.name') },
            { op: 'add', path: '/metadata/labels', value: { a: 'b' } },
            { op: 'copy', from: '/metadata/labels/a', path: '/metadata/labels/c' },
            { op: 'move', from: '/metadata/labels/a', path: '/metadata/labels/d' },
          ]),
        ),
      ];
    },
  },
];

function lastOf(replies: readonly RawReply[]): unknown {
  return replies.at(-1)?.body;
}
