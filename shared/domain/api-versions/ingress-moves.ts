/** Ingress of 1.16 to 1.21 in the shape of networking.k8s.io/v1; EndpointSlice of 1.17 to 1.24. */
import { isJsonObject, objectAt, objectsAt } from '../json.ts';
import { defaulted, type FieldMove, renamed, reshaped, rewritten } from './field-moves.ts';

/** `{serviceName, servicePort}` -> `{service: {name, port}}`; a digits-only name is a number. */
function backend(value: unknown): unknown {
  if (!isJsonObject(value) || value.serviceName === undefined) return undefined;
  const { serviceName, servicePort, ...rest } = value;
  const port = String(servicePort ?? '');
  const number = /^\d+$/.test(port) ? { number: Number(port) } : { name: port };
  return { ...rest, service: { name: serviceName, ...(port === '' ? {} : { port: number }) } };
}

/** Moves of an Ingress; the class annotation stays, since controllers still read it. */
export const INGRESS: readonly FieldMove[] = [
  renamed('spec.backend', 'defaultBackend'),
  reshaped('spec.defaultBackend', backend),
  reshaped('spec.rules[].http.paths[].backend', backend),
  defaulted('spec.rules[].http.paths[].pathType', 'ImplementationSpecific'),
];

const ZONE = 'topology.kubernetes.io/zone';
const HOST = 'kubernetes.io/hostname';

/** Moves of an EndpointSlice: v1 has fields for zone and node, and takes no other topology. */
export const ENDPOINT_SLICE: readonly FieldMove[] = [
  rewritten(
    ['endpoints[].topology', 'endpoints[].zone', 'endpoints[].nodeName'],
    (slice): readonly string[] => {
      const changes = new Set<string>();
      for (const endpoint of objectsAt(slice, 'endpoints')) {
        const topology = objectAt(endpoint, 'topology');
        if (topology === undefined) continue;
        const { [ZONE]: zone, [HOST]: host, ...rest } = topology;
        if (zone !== undefined) endpoint.zone ??= zone;
        if (host !== undefined) endpoint.nodeName ??= host;
        delete endpoint.topology;
        changes.add('endpoints[].topology: now zone and nodeName');
        for (const key of Object.keys(rest)) changes.add(`endpoints[].topology: ${key} dropped`);
      }
      return [...changes];
    },
  ),
];
