/** Rules of Services. @see pkg/registry/core/service/storage and pkg/apis/core/validation, v1.34 */
import { isIP } from 'node:net';
import {
  duplicateField,
  type FieldError,
  forbiddenField,
  invalidField,
  requiredField,
  unsupportedValue,
} from '../field-error.ts';
import {
  deepEqual,
  ensureObject,
  type JsonObject,
  numberAt,
  objectAt,
  objectsAt,
  textAt,
  textsAt,
} from '../json-tree.ts';
import { labelName } from '../validation/names.ts';
import type { KindRules } from './strategy-table.ts';

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const protocols = ['SCTP', 'TCP', 'UDP'];
const portRange = 'must be between 1 and 65535, inclusive';

function isPort(value: number): boolean {
  return value >= 1 && value <= 65_535;
}

function validatePort(
  port: JsonObject,
  at: string,
  named: boolean,
  seen: Set<string>,
): FieldError[] {
  const wrong: FieldError[] = [];
  const name = textAt(port, 'name');
  if (named && name === '') wrong.push(requiredField(`${at}.name`));
  if (name !== '') {
    for (const why of labelName(name)) wrong.push(invalidField(`${at}.name`, name, why));
    if (seen.has(name)) wrong.push(duplicateField(`${at}.name`, name));
    seen.add(name);
  }
  const number = numberAt(port, 'port') ?? 0;
  if (!isPort(number)) wrong.push(invalidField(`${at}.port`, number, portRange));
  const protocol = textAt(port, 'protocol');
  if (!protocols.includes(protocol)) {
    wrong.push(unsupportedValue(`${at}.protocol`, protocol, protocols));
  }
  const target = port.targetPort ?? 0;
  if (typeof target === 'number' && !isPort(target)) {
    wrong.push(invalidField(`${at}.targetPort`, target, portRange));
  }
  return wrong;
}

function validatePorts(spec: JsonObject): FieldError[] {
  const ports = objectsAt(spec, 'ports');
  const headless = textAt(spec, 'clusterIP') === 'None';
  if (ports.length === 0 && !headless && textAt(spec, 'type') !== 'ExternalName') {
    return [requiredField('spec.ports')];
  }
  const names = new Set<string>();
  return ports.flatMap((port, index) =>
    validatePort(port, `spec.ports[${index}]`, ports.length > 1, names),
  );
}

/** What only Services that are reached from outside may have. */
function validateExposure(spec: JsonObject, type: string): FieldError[] {
  const wrong: FieldError[] = [];
  if (type === 'ClusterIP') {
    objectsAt(spec, 'ports').forEach((port, index) => {
      if ((numberAt(port, 'nodePort') ?? 0) === 0) return;
      const why = "may not be used when `type` is 'ClusterIP'";
      wrong.push(forbiddenField(`spec.ports[${index}].nodePort`, why));
    });
  }
  const policy = textAt(spec, 'externalTrafficPolicy');
  const external = needsNodePorts(spec) || textsAt(spec, 'externalIPs').length > 0;
  if (policy !== '' && !external) {
    const why = 'may only be set for externally-accessible services';
    wrong.push(invalidField('spec.externalTrafficPolicy', policy, why));
  }
  return wrong;
}

function validateSpec(object: JsonObject): FieldError[] {
  const spec = objectAt(object, 'spec') ?? {};
  const type = textAt(spec, 'type');
  const wrong = validatePorts(spec);
  if (type === 'LoadBalancer' && textAt(spec, 'clusterIP') === 'None') {
    const why = "may not be set to 'None' for LoadBalancer services";
    wrong.push(invalidField('spec.clusterIPs[0]', 'None', why));
  }
  if (type === 'ExternalName' && textAt(spec, 'externalName') === '') {
    wrong.push(requiredField('spec.externalName'));
  }
  if (!types.includes(type)) wrong.push(unsupportedValue('spec.type', type, types));
  const affinity = textAt(spec, 'sessionAffinity');
  if (!['ClientIP', 'None'].includes(affinity)) {
    wrong.push(unsupportedValue('spec.sessionAffinity', affinity, ['ClientIP', 'None']));
  }
  wrong.push(...validateExposure(spec, type));
  const [first] = textsAt(spec, 'clusterIPs');
  const single = textAt(spec, 'clusterIP');
  if (first !== undefined && single !== '' && first !== single) {
    const why = 'first value must match `clusterIP`';
    wrong.push(invalidField('spec.clusterIPs', spec.clusterIPs, why));
  }
  textsAt(spec, 'clusterIPs').forEach((ip, index) => {
    if (ip === 'None' || isIP(ip) !== 0) return;
    const why = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
    wrong.push(invalidField(`spec.clusterIPs[${index}]`, ip, why));
  });
  return wrong;
}

/** The one address and the list of addresses say the same. */
function joinClusterIps(object: JsonObject): void {
  const spec = ensureObject(object, 'spec');
  const ip = textAt(spec, 'clusterIP');
  if (ip !== '' && textsAt(spec, 'clusterIPs').length === 0) spec.clusterIPs = [ip];
  else if (ip === '' && textsAt(spec, 'clusterIPs').length > 0) {
    spec.clusterIP = textsAt(spec, 'clusterIPs')[0];
  }
}

function needsClusterIp(spec: JsonObject): boolean {
  return textAt(spec, 'type') !== 'ExternalName';
}

function needsNodePorts(spec: JsonObject): boolean {
  return ['NodePort', 'LoadBalancer'].includes(textAt(spec, 'type'));
}

/** What was given out before is kept by an update that does not speak of it. */
function keepAllocated(spec: JsonObject, before: JsonObject): void {
  if (needsClusterIp(spec) && needsClusterIp(before)) {
    if (textAt(spec, 'clusterIP') === '') spec.clusterIP = before.clusterIP;
    if (textsAt(spec, 'clusterIPs').length === 0 && spec.clusterIP === before.clusterIP) {
      spec.clusterIPs = before.clusterIPs;
    }
  }
  if (needsNodePorts(spec) && needsNodePorts(before)) {
    const held = new Map(
      objectsAt(before, 'ports').map((port) => [`${port.protocol}:${port.port}`, port.nodePort]),
    );
    const used = new Set(objectsAt(spec, 'ports').map((port) => port.nodePort));
    for (const port of objectsAt(spec, 'ports')) {
      const old = held.get(`${port.protocol}:${port.port}`);
      if ((numberAt(port, 'nodePort') ?? 0) === 0 && old !== undefined && !used.has(old)) {
        port.nodePort = old;
      }
    }
  }
  if (
    (numberAt(spec, 'healthCheckNodePort') ?? 0) === 0 &&
    before.healthCheckNodePort !== undefined
  ) {
    spec.healthCheckNodePort = before.healthCheckNodePort;
  }
}

/** Fields that belong to the old type go with it, unless the update sets them anew. */
function dropForeignFields(spec: JsonObject, before: JsonObject): void {
  const dropIfSame = (field: string): void => {
    if (deepEqual(spec[field], before[field])) delete spec[field];
  };
  if (needsClusterIp(before) && !needsClusterIp(spec)) {
    for (const field of ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy'])
      dropIfSame(field);
    dropIfSame('internalTrafficPolicy');
  }
  if (needsNodePorts(before) && !needsNodePorts(spec)) {
    const held = new Set(objectsAt(before, 'ports').map((port) => port.nodePort));
    for (const port of objectsAt(spec, 'ports')) if (held.has(port.nodePort)) delete port.nodePort;
    dropIfSame('externalTrafficPolicy');
  }
  if (textAt(before, 'type') === 'LoadBalancer' && textAt(spec, 'type') !== 'LoadBalancer') {
    for (const field of ['allocateLoadBalancerNodePorts', 'loadBalancerClass']) dropIfSame(field);
    dropIfSame('healthCheckNodePort');
  }
  if (textAt(before, 'type') === 'ExternalName' && textAt(spec, 'type') !== 'ExternalName') {
    dropIfSame('externalName');
  }
}

function validateUpdate(object: JsonObject, old: JsonObject): FieldError[] {
  const [spec, before] = [objectAt(object, 'spec') ?? {}, objectAt(old, 'spec') ?? {}];
  const wrong: FieldError[] = [];
  const was = textsAt(before, 'clusterIPs')[0] ?? '';
  const now = textsAt(spec, 'clusterIPs')[0] ?? textAt(spec, 'clusterIP');
  if (needsClusterIp(spec) && needsClusterIp(before) && was !== '' && now !== was) {
    const value = textsAt(spec, 'clusterIPs').length > 0 ? spec.clusterIPs : [now];
    wrong.push(invalidField('spec.clusterIPs[0]', value, 'may not change once set'));
  }
  if (
    textAt(before, 'type') === 'LoadBalancer' &&
    textAt(spec, 'type') === 'LoadBalancer' &&
    !deepEqual(spec.loadBalancerClass, before.loadBalancerClass)
  ) {
    const why = 'may not change once set';
    wrong.push(invalidField('spec.loadBalancerClass', spec.loadBalancerClass, why));
  }
  return [...wrong, ...validateSpec(object)];
}

/** Rules by resource. */
export const serviceRules: Readonly<Record<string, KindRules>> = {
  services: {
    prepareForCreate: joinClusterIps,
    prepareForUpdate: (object, old) => {
      const [spec, before] = [ensureObject(object, 'spec'), objectAt(old, 'spec') ?? {}];
      const moved = textAt(spec, 'clusterIP') !== textAt(before, 'clusterIP');
      // A change of the single address means the list too, when the list was left alone.
      if (moved && deepEqual(spec.clusterIPs, before.clusterIPs)) delete spec.clusterIPs;
      keepAllocated(spec, before);
      dropForeignFields(spec, before);
      joinClusterIps(object);
    },
    validate: validateSpec,
    validateUpdate,
    validateStatusUpdate: (object) => {
      const spec = objectAt(object, 'spec') ?? {};
      const ingress = objectsAt(object, 'status', 'loadBalancer', 'ingress');
      if (ingress.length === 0 || textAt(spec, 'type') === 'LoadBalancer') return [];
      const why = "may only be used when `spec.type` is 'LoadBalancer'";
      return [forbiddenField('status.loadBalancer.ingress', why)];
    },
    selectableFields: (object) => ({
      'spec.clusterIP': textAt(object, 'spec', 'clusterIP'),
      'spec.type': textAt(object, 'spec', 'type'),
    }),
  },
};
