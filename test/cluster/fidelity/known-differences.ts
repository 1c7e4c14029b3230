import {
  awaiting,
  configMap,
  core,
  expecting,
  type FidelityCase,
  get,
  post,
  preparing,
} from './fidelity-case.ts';
import { pod, podTemplate } from './workloads.ts';

const TABLE = 'application/json;as=Table;g=meta.k8s.io;v=v1';
const TEMPLATE_WARNING =
  'template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/main]: ' +
  'deprecated since v1.30; use the "appArmorProfile" field instead';

/** What the sandbox does not do as the real server; its FIDELITY.md says the same in words. */
export const knownDifferences: readonly FidelityCase[] = [
  {
    name: 'a table for people',
    steps: (ns) => [
      preparing(201, post(core(ns, 'configmaps'), configMap('a'))),
      { ...expecting(200, get(`${core(ns, 'configmaps')}/a`, { accept: TABLE })), part: 'kind' },
    ],
    differs: {
      why: 'tables are not served',
      found: [
        '1 GET /api/v1/namespaces/<ns>/configmaps/a: status: real 200 "Table", sandbox 406 "Status"',
      ],
    },
  },
  {
    name: 'deprecated annotations in a template',
    steps: (ns) => [
      expecting(
        201,
        post(core(ns, 'podtemplates'), {
          metadata: { name: 'a' },
          template: {
            ...podTemplate(),
            metadata: {
              annotations: { 'container.apparmor.security.beta.kubernetes.io/main': 'unconfined' },
            },
          },
        }),
      ),
    ],
    differs: {
      why: 'of deprecations in templates nothing is said',
      found: [
        '0 POST /api/v1/namespaces/<ns>/podtemplates: warning: ' +
          `real ${JSON.stringify(`299 - ${JSON.stringify(TEMPLATE_WARNING)}`)}, sandbox ""`,
      ],
    },
  },
  {
    name: 'security contexts under Pod Security',
    steps: (ns) => [
      preparing(201, post('/api/v1/namespaces', strict(`${ns}-strict`))),
      awaiting(200, get(`/api/v1/namespaces/${ns}-strict/serviceaccounts/default`)),
      { ...expecting(403, post(core(`${ns}-strict`, 'pods'), pod({}))), part: 'kind' },
    ],
    differs: {
      why: 'Pod Security is not enforced',
      found: [
        '2 POST /api/v1/namespaces/<ns>-strict/pods: status: real 403 "Status", sandbox 201 "Pod"',
      ],
    },
  },
  {
    name: 'who may do what',
    steps: (ns) => [
      expecting(
        201,
        post('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
          spec: {
            user: 'stranger',
            resourceAttributes: { namespace: ns, verb: 'get', resource: 'secrets' },
          },
        }),
      ),
    ],
    differs: {
      why: 'whoever has a token may do everything',
      found: [
        '0 POST /apis/authorization.k8s.io/v1/subjectaccessreviews: body.status.allowed: ' +
          'real false, sandbox true',
      ],
    },
  },
];

function strict(name: string): unknown {
  return { metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } };
}
