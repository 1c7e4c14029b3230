import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../json.ts';
import type { KubeObject } from '../kube-object.ts';
import { dropNodePorts, userSetPorts } from './service-ports.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';
const port = (given: JsonObject = {}) => ({ port: 80, nodePort: 30080, ...given });
const annotated = (text: string) => ({ annotations: { [LAST_APPLIED]: text } });
const lastApplied = (spec: JsonObject) => annotated(JSON.stringify({ spec }));
const managed = (spec: JsonObject) => ({ managedFields: [{ fieldsV1: { 'f:spec': spec } }] });

function service(given: JsonObject, metadata: JsonObject): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', ...metadata },
    spec: { ports: [port(given)] },
  };
}

describe('a node port', () => {
  it.each([
    ['by name in last-applied', { name: 'http' }, lastApplied({ ports: [port({ name: 'http' })] })],
    ['by number in last-applied', {}, lastApplied({ ports: [port()] })],
    [
      'by managed fields',
      { protocol: 'TCP' },
      managed({ 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { 'f:nodePort': {} } } }),
    ],
  ])('that the user set is kept, proven %s', (_what, given, metadata) => {
    const object = service(given, metadata);
    expect(dropNodePorts(object, userSetPorts(object))).toEqual([]);
    expect(object.spec).toEqual({ ports: [port(given)] });
  });

  it.each([
    ['a last-applied that names none', lastApplied({ ports: [{ port: 80 }] })],
    [
      'managed fields of another port',
      managed({ 'f:ports': { 'k:{"port":81}': { 'f:nodePort': {} } } }),
    ],
    ['an annotation that is no JSON', annotated('{')],
  ])('is not the user’s because of %s', (_what, metadata) => {
    const object = service({}, metadata);
    expect(dropNodePorts(object, userSetPorts(object))).toEqual([
      'node port 30080 of 80: given anew',
    ]);
    expect(object.spec).toEqual({ ports: [{ port: 80 }] });
  });
});
