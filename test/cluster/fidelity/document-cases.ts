import { at } from '../raw-api.ts';
import { expecting, type FidelityCase, get } from './fidelity-case.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
/** Not served any more since Kubernetes 1.34. */
const AGGREGATED_BETA = 'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList';

const DOCUMENTS = [
  '/version',
  '/healthz',
  '/readyz',
  '/livez',
  '/api',
  '/apis',
  '/apis/apps',
  '/api/v1',
  '/apis/admissionregistration.k8s.io/v1',
  '/apis/apiextensions.k8s.io/v1',
  '/apis/apiregistration.k8s.io/v1',
  '/apis/apps/v1',
  '/apis/authentication.k8s.io/v1',
  '/apis/authorization.k8s.io/v1',
  '/apis/autoscaling/v1',
  '/apis/autoscaling/v2',
  '/apis/batch/v1',
  '/apis/certificates.k8s.io/v1',
  '/apis/coordination.k8s.io/v1',
  '/apis/discovery.k8s.io/v1',
  '/apis/events.k8s.io/v1',
  '/apis/flowcontrol.apiserver.k8s.io/v1',
  '/apis/networking.k8s.io/v1',
  '/apis/node.k8s.io/v1',
  '/apis/policy/v1',
  '/apis/rbac.authorization.k8s.io/v1',
  '/apis/resource.k8s.io/v1',
  '/apis/scheduling.k8s.io/v1',
  '/apis/storage.k8s.io/v1',
];

/** Version, health and discovery, in all the forms that clients ask for. */
export const documentCases: readonly FidelityCase[] = [
  ...DOCUMENTS.map((path) => ({ name: path, steps: () => [expecting(200, get(path))] })),
  ...['/api', '/apis'].map((path) => ({
    name: `${path} in one aggregated document`,
    steps: () => [
      expecting(200, get(path, { accept: AGGREGATED })),
      expecting(406, get(path, { accept: AGGREGATED_BETA })),
      expecting(200, get(path, { accept: `${AGGREGATED_BETA},application/json` })),
    ],
  })),
  {
    name: 'aggregated discovery falls back to what else is accepted',
    steps: () => [
      expecting(200, get('/apis/policy', { accept: `${AGGREGATED},application/json` })),
    ],
  },
  {
    name: 'a group that is not served',
    steps: () => [expecting(404, get('/apis/nothing.example/v1'))],
  },
  {
    name: 'a version that is not served',
    steps: () => [
      expecting(404, get('/apis/apps/v1beta1')),
      expecting(404, get('/apis/apps/v1beta1/deployments')),
      expecting(404, get('/api/v2')),
    ],
  },
  {
    name: 'a path that is nothing',
    steps: () => [expecting(404, get('/nothing'))],
  },
  {
    name: 'the namespaces a new cluster has',
    steps: () => [
      expecting(200, get('/api/v1/namespaces/default')),
      expecting(200, get('/api/v1/namespaces/kube-system')),
      expecting(200, get('/api/v1/namespaces/kube-public')),
      expecting(200, get('/api/v1/namespaces/kube-node-lease')),
    ],
  },
  {
    name: 'the kubernetes Service of a new cluster',
    // Its target port is the server's own.
    steps: () =>
      ['metadata.labels', 'spec.clusterIPs', 'spec.type', 'status'].map((part) => ({
        ...expecting(200, get('/api/v1/namespaces/default/services/kubernetes')),
        part,
      })),
  },
  {
    name: 'what a new namespace gets',
    steps: (ns) => [
      expecting(200, get(`/api/v1/namespaces/${ns}`)),
      expecting(200, get(`/api/v1/namespaces/${ns}/serviceaccounts/default`)),
      {
        ...expecting(200, get(`/api/v1/namespaces/${ns}/configmaps/kube-root-ca.crt`)),
        until: ({ body }) => at(body, 'data') !== undefined,
      },
    ],
  },
];
