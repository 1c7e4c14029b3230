import { at } from '../raw-api.ts';
import {
  core,
  expecting,
  type FidelityCase,
  patch,
  post,
  preparing,
  put,
  remove,
  type Step,
} from './fidelity-case.ts';
import { podTemplate } from './workloads.ts';

const MERGE = 'merge-patch+json';

function service(name: string, spec: Record<string, unknown>): unknown {
  return { metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } };
}

/** What a Service may say of itself, with the status of its creation. */
const SERVICES: readonly (readonly [string, number, Record<string, unknown>])[] = [
  ['headless', 201, { clusterIP: 'None' }],
  ['of type NodePort', 201, { type: 'NodePort' }],
  ['of type LoadBalancer', 201, { type: 'LoadBalancer' }],
  ['with a health check node port', 201, { type: 'LoadBalancer', externalTrafficPolicy: 'Local' }],
  ['with an external name', 201, { type: 'ExternalName', externalName: 'a.example', ports: null }],
  ['with both families preferred', 201, { ipFamilyPolicy: 'PreferDualStack' }],
  ['with both families required', 422, { ipFamilyPolicy: 'RequireDualStack' }],
  ['with an address outside the range', 422, { clusterIP: '10.200.0.1' }],
  ['with an address that is none', 422, { clusterIP: 'somewhere' }],
  [
    'with a node port outside the range',
    422,
    { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] },
  ],
  ['with a node port but no such type', 422, { ports: [{ port: 80, nodePort: 30080 }] }],
  ['with a local policy and no outside', 422, { externalTrafficPolicy: 'Local' }],
  ['of a type that is none', 422, { type: 'Tunnel' }],
  ['with two addresses', 422, { clusterIP: '10.96.1.1', clusterIPs: ['10.96.1.2'] }],
];

/** Allocation of cluster addresses and node ports, and what serves them. */
export const serviceCases: readonly FidelityCase[] = [
  ...SERVICES.map(([what, status, spec]) => ({
    name: `a Service ${what}`,
    steps: (ns: string): Step[] => [
      expecting(status, post(core(ns, 'services'), service('a', spec))),
    ],
  })),
  {
    name: 'an address or a node port that another Service has',
    steps: (ns) => {
      const path = core(ns, 'services');
      const taken = { type: 'NodePort', ports: [{ port: 80, nodePort: 32100 }] };
      return [
        expecting(201, post(path, service('a', { clusterIP: '10.96.77.7' }))),
        expecting(422, post(path, service('b', { clusterIP: '10.96.77.7' }))),
        expecting(201, post(path, service('c', taken))),
        expecting(422, post(path, service('d', taken))),
        expecting(422, post(`${path}?dryRun=All`, service('d', taken))),
        preparing(200, remove(`${path}/c`)),
        expecting(201, post(path, service('d', taken))),
      ];
    },
  },
  {
    name: 'a Service changes its type',
    steps: (ns) => {
      const path = core(ns, 'services');
      return [
        preparing(201, post(path, service('a', {}))),
        expecting(200, patch(MERGE, `${path}/a`, { spec: { type: 'NodePort' } })),
        expecting(200, patch(MERGE, `${path}/a`, { spec: { type: 'LoadBalancer' } })),
        expecting(200, patch(MERGE, `${path}/a`, { spec: { type: 'ClusterIP' } })),
        expecting(
          200,
          patch(MERGE, `${path}/a`, {
            spec: { type: 'ExternalName', externalName: 'a.example', clusterIP: null },
          }),
        ),
      ];
    },
  },
  {
    name: 'an update that leaves the addresses out keeps them',
    steps: (ns) => {
      const path = core(ns, 'services');
      return [
        preparing(201, post(path, service('a', { type: 'NodePort' }))),
        expecting(200, (replies) =>
          put(`${path}/a`, {
            metadata: {
              name: 'a',
              resourceVersion: at(replies[0]?.body, 'metadata.resourceVersion'),
            },
            spec: { type: 'NodePort', ports: [{ port: 80 }] },
          }),
        ),
      ];
    },
  },
  {
    name: 'a token for a ServiceAccount',
    steps: (ns) => [
      // The token itself is nobody's business but the server's.
      ...['spec', 'status.expirationTimestamp'].map((part) => ({
        ...expecting(
          201,
          post(`${core(ns, 'serviceaccounts')}/default/token`, {
            spec: { expirationSeconds: 3600 },
          }),
        ),
        part,
      })),
      expecting(404, post(`${core(ns, 'serviceaccounts')}/none/token`, { spec: {} })),
      expecting(
        422,
        post(`${core(ns, 'serviceaccounts')}/default/token`, { spec: { expirationSeconds: 1 } }),
      ),
    ],
  },
  {
    name: 'may I',
    steps: () => [
      expecting(
        201,
        post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
          spec: { resourceAttributes: { verb: 'list', resource: 'pods' } },
        }),
      ),
      expecting(201, post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {})),
    ],
  },
  {
    name: 'a Pod is bound to a node and evicted',
    steps: (ns) => {
      const path = core(ns, 'pods');
      const target = { apiVersion: 'v1', kind: 'Node', name: 'somewhere' };
      return [
        preparing(201, post(path, { metadata: { name: 'a' }, ...podTemplate() })),
        expecting(201, post(`${path}/a/binding`, { metadata: { name: 'a' }, target })),
        expecting(409, post(`${path}/a/binding`, { metadata: { name: 'a' }, target })),
        expecting(404, post(`${path}/none/binding`, { metadata: { name: 'none' }, target })),
        expecting(
          201,
          post(`${path}/a/eviction`, {
            apiVersion: 'policy/v1',
            kind: 'Eviction',
            metadata: { name: 'a' },
          }),
        ),
      ];
    },
  },
];
