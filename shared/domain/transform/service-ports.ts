/** Ports that a cluster gives to Services: which were the user's wish, and dropping the others. */
import { isJsonObject, type JsonObject, objectAt, objectsAt } from '../json.ts';
import type { KubeObject } from '../kube-object.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Node ports the user set, as `<port name or number>`, and `healthCheckNodePort`. Proof is first the
 * last-applied annotation, then the managers of the fields (VEL §2.4).
 */
export function userSetPorts(service: KubeObject): ReadonlySet<string> {
  return fromLastApplied(service) ?? fromManagedFields(service);
}

function portKey(port: JsonObject): string {
  return typeof port.name === 'string' && port.name !== '' ? port.name : String(port.port);
}

function fromLastApplied(service: KubeObject): ReadonlySet<string> | undefined {
  const text = service.metadata.annotations?.[LAST_APPLIED];
  if (text === undefined) return undefined;
  let applied: unknown;
  try {
    applied = JSON.parse(text);
  } catch {
    // An annotation that is no JSON proves nothing.
    return undefined;
  }
  const set = objectsAt(applied, 'spec', 'ports')
    .filter((p) => typeof p.nodePort === 'number' && p.nodePort !== 0)
    .map(portKey);
  const health = objectAt(applied, 'spec')?.healthCheckNodePort;
  return new Set(typeof health === 'number' ? [...set, 'healthCheckNodePort'] : set);
}

function fromManagedFields(service: KubeObject): ReadonlySet<string> {
  const entries = service.metadata.managedFields;
  const found = new Set<string>();
  if (!Array.isArray(entries)) return found;
  for (const entry of entries) {
    const spec = objectAt(entry, 'fieldsV1', 'f:spec');
    if (spec?.['f:healthCheckNodePort'] !== undefined) found.add('healthCheckNodePort');
    for (const [key, fields] of Object.entries(objectAt(spec, 'f:ports') ?? {})) {
      if (!isJsonObject(fields) || fields['f:nodePort'] === undefined) continue;
      const number = /"port":(\d+)/.exec(key)?.[1];
      const port = objectsAt(service, 'spec', 'ports').find((p) => String(p.port) === number);
      if (port !== undefined) found.add(portKey(port));
    }
  }
  return found;
}

/** Removes the ports that `keep` does not name, so that the target gives fresh ones. */
export function dropNodePorts(service: KubeObject, keep: ReadonlySet<string>): string[] {
  const changes: string[] = [];
  for (const port of objectsAt(service, 'spec', 'ports')) {
    if (typeof port.nodePort !== 'number' || keep.has(portKey(port))) continue;
    changes.push(`node port ${port.nodePort} of ${portKey(port)}: given anew`);
    delete port.nodePort;
  }
  const spec = objectAt(service, 'spec');
  if (typeof spec?.healthCheckNodePort === 'number' && !keep.has('healthCheckNodePort')) {
    changes.push(`health check node port ${spec.healthCheckNodePort}: given anew`);
    delete spec.healthCheckNodePort;
  }
  return changes;
}
