import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../json-tree.ts';
import type { ObjectPlace } from '../storage/keys.ts';

/** The IPAddress object that stands for a Service's cluster IP. */
export function ipAddressObject(ip: string, service: ObjectPlace): JsonObject {
  return {
    metadata: {
      name: ip,
      uid: randomUUID(),
      resourceVersion: '0',
      labels: {
        'ipaddress.kubernetes.io/ip-family': 'IPv4',
        'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
      },
    },
    spec: {
      parentRef: { resource: 'services', namespace: service.namespace ?? '', name: service.name },
    },
  };
}
