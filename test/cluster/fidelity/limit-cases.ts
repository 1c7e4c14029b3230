import { at, type RawReply } from '../raw-api.ts';
import {
  awaiting,
  core,
  expecting,
  type FidelityCase,
  get,
  grouped,
  post,
  preparing,
  remove,
} from './fidelity-case.ts';
import { claim, idleDeployment, pod, podTemplate } from './workloads.ts';

/** LimitRanges and ResourceQuotas. */
export const limitCases: readonly FidelityCase[] = [
  {
    name: 'a LimitRange fills in what a Pod leaves out, and bounds it',
    steps: (ns) => [
      preparing(
        201,
        post(core(ns, 'limitranges'), {
          metadata: { name: 'a' },
          spec: {
            limits: [
              { type: 'Container', default: { cpu: '500m' }, max: { cpu: '1', memory: '1Gi' } },
            ],
          },
        }),
      ),
      {
        ...awaiting(201, post(`${core(ns, 'pods')}?dryRun=All`, pod({})), ({ body }) =>
          JSON.stringify(body).includes('500m'),
        ),
        part: 'spec.containers',
      },
      expecting(403, post(core(ns, 'pods'), pod({ containers: [asking({ cpu: '2' })] }))),
      expecting(
        403,
        post(
          core(ns, 'pods'),
          pod({ initContainers: [{ ...asking({ memory: '2Gi' }), name: 'first' }] }),
        ),
      ),
    ],
  },
  {
    name: 'a LimitRange bounds claims and whole Pods',
    steps: (ns) => [
      preparing(
        201,
        post(core(ns, 'limitranges'), {
          metadata: { name: 'a' },
          spec: {
            limits: [
              { type: 'PersistentVolumeClaim', min: { storage: '2Gi' }, max: { storage: '8Gi' } },
              { type: 'Pod', max: { cpu: '1' }, maxLimitRequestRatio: { cpu: '2' } },
            ],
          },
        }),
      ),
      awaiting(403, post(`${core(ns, 'persistentvolumeclaims')}?dryRun=All`, claim('a', {}))),
      expecting(
        403,
        post(
          core(ns, 'persistentvolumeclaims'),
          claim('a', { resources: { requests: { storage: '9Gi' } } }),
        ),
      ),
      expecting(403, post(core(ns, 'pods'), pod({ containers: [asking({ memory: '1Gi' })] }))),
      expecting(403, post(core(ns, 'pods'), pod({ containers: [asking({ cpu: '1500m' })] }))),
      expecting(
        403,
        post(
          core(ns, 'pods'),
          pod({ containers: [{ ...asking({ cpu: '900m' }, { cpu: '300m' }) }] }),
        ),
      ),
      preparing(
        201,
        post(
          core(ns, 'pods'),
          pod({ containers: [{ ...asking({ cpu: '900m' }, { cpu: '450m' }) }] }),
        ),
      ),
    ],
  },
  {
    name: 'a ResourceQuota that is used up',
    steps: (ns) => [
      preparing(
        201,
        post(core(ns, 'resourcequotas'), {
          metadata: { name: 'a' },
          spec: { hard: { 'count/configmaps': '1' } },
        }),
      ),
      awaiting(200, get(`${core(ns, 'resourcequotas')}/a`), hasUsage),
      expecting(403, post(core(ns, 'configmaps'), named('one-too-many'))),
      // A used-up quota is told even of what is there already.
      expecting(403, post(core(ns, 'configmaps'), named('kube-root-ca.crt'))),
    ],
  },
  {
    name: 'a ResourceQuota counts Pods, Services and claims by what they use',
    steps: (ns) => {
      const path = `${core(ns, 'resourcequotas')}/a`;
      const hard = {
        pods: '2',
        'requests.cpu': '1',
        'limits.memory': '1Gi',
        services: '2',
        'services.nodeports': '1',
        'requests.storage': '3Gi',
        'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
        'count/deployments.apps': '1',
      };
      const sized = { requests: { cpu: '600m' }, limits: { memory: '512Mi' } };
      const asked = (name: string): unknown => ({
        ...podTemplate(
          {},
          { containers: [{ name: 'main', image: 'nginx:1.27', resources: sized }] },
        ),
        metadata: { name },
      });
      const service = (name: string, ports: number[]): unknown => ({
        metadata: { name },
        spec: { type: 'NodePort', ports: ports.map((port) => ({ name: `p${port}`, port })) },
      });
      const claims = core(ns, 'persistentvolumeclaims');
      const gold = { storageClassName: 'gold' };
      return [
        preparing(
          201,
          post(core(ns, 'resourcequotas'), { metadata: { name: 'a' }, spec: { hard } }),
        ),
        { ...awaiting(200, get(path), hasUsage), part: 'status' },
        expecting(403, post(core(ns, 'pods'), pod({}))),
        preparing(201, post(core(ns, 'pods'), asked('one'))),
        expecting(403, post(core(ns, 'pods'), asked('two'))),
        expecting(403, post(core(ns, 'services'), service('a', [80, 81]))),
        preparing(201, post(core(ns, 'services'), service('a', [80]))),
        expecting(403, post(core(ns, 'services'), service('b', [80]))),
        preparing(201, post(claims, claim('a', gold))),
        expecting(403, post(claims, claim('b', gold))),
        expecting(
          403,
          post(claims, claim('c', { ...gold, resources: { requests: { storage: '4Gi' } } })),
        ),
        preparing(201, post(grouped('apps/v1', ns, 'deployments'), idleDeployment('a'))),
        expecting(403, post(grouped('apps/v1', ns, 'deployments'), idleDeployment('b'))),
        { ...expecting(200, get(path)), part: 'status' },
        preparing(200, remove(`${core(ns, 'services')}/a`)),
        { ...awaiting(200, get(path), freed), part: 'status' },
      ];
    },
  },
  {
    name: 'a ResourceQuota with scopes looks at some Pods only',
    steps: (ns) => [
      preparing(
        201,
        post(core(ns, 'resourcequotas'), {
          metadata: { name: 'a' },
          spec: { hard: { pods: '0' }, scopes: ['BestEffort'] },
        }),
      ),
      {
        ...awaiting(200, get(`${core(ns, 'resourcequotas')}/a`), hasUsage),
        part: 'status',
      },
      expecting(403, post(core(ns, 'pods'), pod({}))),
      preparing(201, post(core(ns, 'pods'), pod({ containers: [asking({ cpu: '1' })] }))),
    ],
  },
  {
    name: 'a quota after a creation was charged to it',
    steps: (ns) => {
      const path = `${core(ns, 'resourcequotas')}/a`;
      const hard = { 'count/secrets': '1' };
      return [
        preparing(
          201,
          post(core(ns, 'resourcequotas'), { metadata: { name: 'a' }, spec: { hard } }),
        ),
        {
          ...awaiting(200, get(path), hasUsage),
          quiet: true,
        },
        preparing(201, post(core(ns, 'secrets'), { metadata: { name: 'a' } })),
        expecting(200, get(path)),
      ];
    },
  },
];

function named(name: string): unknown {
  return { metadata: { name } };
}

function asking(limits: Record<string, string>, requests?: Record<string, string>): object {
  const resources = { limits, ...(requests === undefined ? {} : { requests }) };
  return { name: 'main', image: 'nginx:1.27', resources };
}

function hasUsage(reply: RawReply): boolean {
  return at(reply.body, 'status.used') !== undefined;
}

/** No Service is counted any more. */
function freed(reply: RawReply): boolean {
  return at(reply.body, 'status.used.services') === '0';
}
