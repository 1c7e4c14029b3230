import { at, type RawReply } from '../raw-api.ts';
import {
  apply,
  awaiting,
  expecting,
  type FidelityCase,
  get,
  grouped,
  patch,
  post,
  preparing,
  put,
  remove,
  type Step,
} from './fidelity-case.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const MERGE = 'merge-patch+json';

const SCHEMA = {
  type: 'object',
  required: ['spec'],
  properties: {
    spec: {
      type: 'object',
      required: ['size'],
      properties: {
        size: { type: 'integer', minimum: 1, maximum: 10 },
        colour: { type: 'string', enum: ['red', 'blue'], default: 'red' },
        code: { type: 'string', pattern: '^[a-z]+$', maxLength: 5 },
        ports: {
          type: 'array',
          maxItems: 2,
          items: {
            type: 'object',
            properties: {
              port: { type: 'integer' },
              protocol: { type: 'string', default: 'TCP' },
            },
          },
        },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        either: { 'x-kubernetes-int-or-string': true },
        tags: { type: 'object', additionalProperties: { type: 'string' } },
        maybe: { type: 'string', nullable: true },
      },
    },
    status: { type: 'object', properties: { phase: { type: 'string' } } },
  },
};

/** Bodies of one custom resource: what they try, the status, the spec. */
const BODIES: readonly (readonly [string, number, unknown])[] = [
  ['whole', 201, { size: 3, colour: 'blue', code: 'abc', either: '50%', tags: { a: 'b' } }],
  ['defaulted', 201, { size: 3, ports: [{ port: 80 }] }],
  ['pruned', 201, { size: 3, unknown: true, free: { kept: { as: 'is' } } }],
  ['nullable', 201, { size: 3, maybe: null, colour: null }],
  ['of another type', 422, { size: 'three' }],
  ['a number with a fraction', 422, { size: 1.5 }],
  ['below the minimum', 422, { size: 0 }],
  ['above the maximum', 422, { size: 11 }],
  ['outside the enumeration', 422, { size: 3, colour: 'green' }],
  ['against the pattern', 422, { size: 3, code: 'ABC' }],
  ['too long', 422, { size: 3, code: 'abcdef' }],
  ['with too many items', 422, { size: 3, ports: [{}, {}, {}] }],
  ['with a required field missing', 422, {}],
  ['with a wrong value in a map', 422, { size: 3, tags: { a: 1 } }],
  ['without a spec', 422, undefined],
];

/** Custom resource definitions and what they define. */
export const customResourceCases: readonly FidelityCase[] = [
  {
    name: 'a definition is accepted, established and discovered',
    steps: (ns) => [
      expecting(201, post(CRDS, definition(ns))),
      established(ns),
      awaiting(200, get(`/apis/${group(ns)}/v1`)),
      awaiting(200, get(`/apis/${group(ns)}`)),
      awaiting(200, get(`${widgets(ns)}`)),
      expecting(409, post(CRDS, definition(ns))),
    ],
  },
  {
    name: 'objects are validated, defaulted and pruned',
    steps: (ns) => [
      ...defined(ns),
      ...BODIES.map(([, status, spec], index) =>
        expecting(status, post(widgets(ns), widget(ns, `w-${index}`, spec))),
      ),
      expecting(422, post(widgets(ns), { ...widget(ns, 'Wrong', { size: 1 }) })),
      expecting(400, post(widgets(ns), { metadata: { name: 'untyped' }, spec: { size: 1 } })),
      expecting(
        400,
        post(`${widgets(ns)}?fieldValidation=Strict`, widget(ns, 'strict', { size: 1, odd: 1 })),
      ),
      expecting(201, post(`${widgets(ns)}?dryRun=All`, widget(ns, 'dry', { size: 1 }))),
      expecting(404, get(`${widgets(ns)}/dry`)),
      expecting(409, post(widgets(ns), widget(ns, 'w-0', { size: 1 }))),
    ],
  },
  {
    name: 'objects are listed, changed and deleted',
    steps: (ns) => [
      ...defined(ns),
      expecting(201, post(widgets(ns), widget(ns, 'b', { size: 1 }, { phase: 'ignored' }))),
      preparing(201, post(widgets(ns), widget(ns, 'a', { size: 2 }))),
      expecting(200, get(widgets(ns))),
      expecting(200, get(`${widgets(ns)}?limit=1`)),
      expecting(200, get(`${widgets(ns)}?fieldSelector=metadata.name%3Da`)),
      expecting(400, get(`${widgets(ns)}?fieldSelector=spec.size%3D1`)),
      expecting(200, patch(MERGE, `${widgets(ns)}/a`, { spec: { size: 5 } })),
      expecting(422, patch(MERGE, `${widgets(ns)}/a`, { spec: { size: 50 } })),
      expecting(
        200,
        patch('json-patch+json', `${widgets(ns)}/a`, [
          { op: 'replace', path: '/spec/colour', value: 'blue' },
        ]),
      ),
      expecting(415, patch('strategic-merge-patch+json', `${widgets(ns)}/a`, {})),
      expecting(200, patch(MERGE, `${widgets(ns)}/a/status`, { status: { phase: 'Good' } })),
      expecting(200, patch(MERGE, `${widgets(ns)}/a`, { status: { phase: 'Ignored' } })),
      expecting(201, apply(`${widgets(ns)}/c?fieldManager=one`, widget(ns, 'c', { size: 3 }))),
      expecting(422, put(`${widgets(ns)}/a`, widget(ns, 'a', { size: 3 }))),
      expecting(200, get(`${widgets(ns)}/a/scale`)),
      expecting(200, remove(`${widgets(ns)}/a`)),
      expecting(404, get(`${widgets(ns)}/a`)),
    ],
  },
  {
    name: 'objects are served in every version',
    steps: (ns) => [
      ...defined(ns),
      preparing(201, post(widgets(ns), widget(ns, 'a', { size: 1 }))),
      expecting(200, get(`${widgets(ns, 'v1beta1')}/a`)),
      expecting(404, get(`${widgets(ns, 'v2')}/a`)),
    ],
  },
  {
    name: 'the end of a definition takes its objects along',
    steps: (ns) => [
      ...defined(ns),
      preparing(201, post(widgets(ns), widget(ns, 'a', { size: 1 }))),
      { ...expecting(200, remove(`${CRDS}/${crdName(ns)}`)), part: 'metadata.finalizers' },
      awaiting(404, get(`${CRDS}/${crdName(ns)}`)),
      awaiting(404, get(`${widgets(ns)}/a`)),
      preparing(201, post(CRDS, definition(ns))),
      established(ns),
      awaiting(200, get(widgets(ns))),
    ],
  },
  {
    name: 'refuses definitions that are none',
    steps: (ns) => [
      expecting(422, post(CRDS, { ...definition(ns), metadata: { name: 'other.example' } })),
      expecting(422, post(CRDS, withVersion(ns, { schema: undefined }))),
      expecting(422, post(CRDS, withVersion(ns, { schema: { openAPIV3Schema: {} } }))),
      expecting(422, post(CRDS, withVersion(ns, { storage: false }))),
    ],
  },
];

function group(ns: string): string {
  return `${ns}.example.com`;
}

function crdName(ns: string): string {
  return `widgets.${group(ns)}`;
}

function widgets(ns: string, version = 'v1'): string {
  return grouped(`${group(ns)}/${version}`, ns, 'widgets');
}

function definition(ns: string): Record<string, unknown> {
  const version = {
    served: true,
    schema: { openAPIV3Schema: SCHEMA },
    subresources: {
      status: {},
      scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.replicas' },
    },
  };
  return {
    metadata: { name: crdName(ns) },
    spec: {
      group: group(ns),
      scope: 'Namespaced',
      names: {
        plural: 'widgets',
        singular: 'widget',
        kind: 'Widget',
        shortNames: ['wd'],
        categories: ['all'],
      },
      versions: [
        { ...version, name: 'v1', storage: true },
        { ...version, name: 'v1beta1', storage: false },
      ],
    },
  };
}

function withVersion(ns: string, change: Record<string, unknown>): unknown {
  const schema = { openAPIV3Schema: SCHEMA };
  return {
    metadata: { name: crdName(ns) },
    spec: {
      group: group(ns),
      scope: 'Namespaced',
      names: { plural: 'widgets', kind: 'Widget' },
      versions: [{ name: 'v1', served: true, storage: true, schema, ...change }],
    },
  };
}

function widget(
  ns: string,
  name: string,
  spec: unknown,
  status?: unknown,
): Record<string, unknown> {
  return {
    apiVersion: `${group(ns)}/v1`,
    kind: 'Widget',
    metadata: { name },
    ...(spec === undefined ? {} : { spec }),
    ...(status === undefined ? {} : { status }),
  };
}

function established(ns: string): Step {
  return awaiting(200, get(`${CRDS}/${crdName(ns)}`), isEstablished);
}

function isEstablished(reply: RawReply): boolean {
  const conditions = at(reply.body, 'status.conditions');
  return (
    Array.isArray(conditions) &&
    conditions.some((one) => at(one, 'type') === 'Established' && at(one, 'status') === 'True')
  );
}

/** A definition whose objects can be created. */
function defined(ns: string): Step[] {
  const served = { ...awaiting(200, get(widgets(ns))), quiet: true as const };
  return [
    preparing(201, post(CRDS, definition(ns))),
    { ...established(ns), quiet: true },
    served,
    { ...awaiting(200, get(widgets(ns, 'v1beta1'))), quiet: true },
  ];
}
