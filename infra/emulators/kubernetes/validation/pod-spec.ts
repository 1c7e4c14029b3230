/**
 * Rules of pod specs, in pods and in templates: those that a wrong manifest or a wrong rewrite would
 * break. @see pkg/apis/core/validation/validation.go, v1.34
 */
import {
  duplicateField,
  type FieldError,
  fieldNotFound,
  forbiddenField,
  invalidField,
  requiredField,
  unsupportedValue,
} from '../field-error.ts';
import {
  isObject,
  type JsonObject,
  numberAt,
  objectAt,
  objectsAt,
  textAt,
  textMapAt,
} from '../json-tree.ts';
import { compareQuantities } from '../schema/scalars.ts';
import { labelName, subdomainName } from './names.ts';
import { validateLabels } from './object-meta.ts';

const portMax = 65_535;

function validatePorts(container: JsonObject, at: string): FieldError[] {
  const wrong: FieldError[] = [];
  const names = new Set<string>();
  objectsAt(container, 'ports').forEach((port, index) => {
    const here = `${at}.ports[${index}]`;
    const name = textAt(port, 'name');
    if (name !== '' && names.has(name)) wrong.push(duplicateField(`${here}.name`, name));
    names.add(name);
    const number = numberAt(port, 'containerPort') ?? 0;
    if (number === 0) wrong.push(requiredField(`${here}.containerPort`));
    else if (number < 0 || number > portMax) {
      const why = `must be between 1 and ${portMax}, inclusive`;
      wrong.push(invalidField(`${here}.containerPort`, number, why));
    }
    const protocol = textAt(port, 'protocol');
    if (protocol === '') wrong.push(requiredField(`${here}.protocol`));
    else if (!['SCTP', 'TCP', 'UDP'].includes(protocol)) {
      wrong.push(unsupportedValue(`${here}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']));
    }
  });
  return wrong;
}

function validateMounts(
  container: JsonObject,
  volumes: ReadonlySet<string>,
  at: string,
): FieldError[] {
  const wrong: FieldError[] = [];
  const paths = new Set<string>();
  objectsAt(container, 'volumeMounts').forEach((mount, index) => {
    const here = `${at}.volumeMounts[${index}]`;
    const name = textAt(mount, 'name');
    if (name === '') wrong.push(requiredField(`${here}.name`));
    if (!volumes.has(name)) wrong.push(fieldNotFound(`${here}.name`, name));
    const path = textAt(mount, 'mountPath');
    if (path === '') wrong.push(requiredField(`${here}.mountPath`));
    if (paths.has(path)) {
      wrong.push(invalidField(`${here}.mountPath`, path, 'must be unique'));
    }
    paths.add(path);
  });
  return wrong;
}

function validateResources(container: JsonObject, at: string): FieldError[] {
  const limits = textMapAt(container, 'resources', 'limits');
  const requests = textMapAt(container, 'resources', 'requests');
  const wrong: FieldError[] = [];
  for (const [name, request] of Object.entries(requests)) {
    const limit = limits[name];
    if (limit === undefined || compareQuantities(request, limit) <= 0) continue;
    const why = `must be less than or equal to ${name} limit of ${limit}`;
    wrong.push(invalidField(`${at}.resources.requests`, request, why));
  }
  return wrong;
}

const pullPolicies = ['Always', 'IfNotPresent', 'Never'];

function validateContainer(
  container: JsonObject,
  volumes: ReadonlySet<string>,
  at: string,
): FieldError[] {
  const wrong: FieldError[] = [];
  const name = textAt(container, 'name');
  if (name === '') wrong.push(requiredField(`${at}.name`));
  else for (const why of labelName(name)) wrong.push(invalidField(`${at}.name`, name, why));
  const image = textAt(container, 'image');
  if (image === '') wrong.push(requiredField(`${at}.image`));
  else if (image !== image.trim()) {
    wrong.push(invalidField(`${at}.image`, image, 'must not have leading or trailing whitespace'));
  }
  wrong.push(...validatePorts(container, at));
  objectsAt(container, 'env').forEach((env, index) => {
    if (textAt(env, 'name') === '') wrong.push(requiredField(`${at}.env[${index}].name`));
  });
  wrong.push(...validateMounts(container, volumes, at));
  const policy = textAt(container, 'imagePullPolicy');
  if (policy === '') wrong.push(requiredField(`${at}.imagePullPolicy`));
  else if (!pullPolicies.includes(policy)) {
    wrong.push(unsupportedValue(`${at}.imagePullPolicy`, policy, pullPolicies));
  }
  wrong.push(...validateResources(container, at));
  return wrong;
}

function validateContainers(
  spec: JsonObject,
  field: string,
  volumes: ReadonlySet<string>,
  names: Set<string>,
  at: string,
): FieldError[] {
  const wrong: FieldError[] = [];
  objectsAt(spec, field).forEach((container, index) => {
    const here = `${at}.${field}[${index}]`;
    const name = textAt(container, 'name');
    wrong.push(...validateContainer(container, volumes, here));
    if (name !== '' && names.has(name)) wrong.push(duplicateField(`${here}.name`, name));
    names.add(name);
  });
  return wrong;
}

/** What a volume source must name. */
const requiredInSource: Readonly<Record<string, readonly string[]>> = {
  persistentVolumeClaim: ['claimName'],
  hostPath: ['path'],
  configMap: ['name'],
  secret: ['secretName'],
  csi: ['driver'],
  nfs: ['server', 'path'],
};

function validateVolumes(
  spec: JsonObject,
  at: string,
): { names: Set<string>; wrong: FieldError[] } {
  const names = new Set<string>();
  const wrong: FieldError[] = [];
  objectsAt(spec, 'volumes').forEach((volume, index) => {
    const here = `${at}.volumes[${index}]`;
    const [first, ...others] = Object.keys(volume)
      .filter((key) => key !== 'name')
      .sort(bySourceOrder);
    for (const other of others) {
      wrong.push(forbiddenField(`${here}.${other}`, 'may not specify more than 1 volume type'));
    }
    if (first === undefined) wrong.push(requiredField(here, 'must specify a volume type'));
    for (const field of requiredInSource[first ?? ''] ?? []) {
      if (textAt(volume, first ?? '', field) === '') {
        wrong.push(requiredField(`${here}.${first}.${field}`));
      }
    }
    const name = textAt(volume, 'name');
    if (name === '') wrong.push(requiredField(`${here}.name`));
    else for (const why of labelName(name)) wrong.push(invalidField(`${here}.name`, name, why));
    if (name !== '' && names.has(name)) wrong.push(duplicateField(`${here}.name`, name));
    names.add(name);
  });
  return { names, wrong };
}

/** emptyDir is looked at before every other source. */
function bySourceOrder(a: string, b: string): number {
  return Number(b === 'emptyDir') - Number(a === 'emptyDir');
}

const restartPolicies = ['Always', 'OnFailure', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

/** Rules of a pod spec at a path such as `spec.template.spec`. */
export function validatePodSpec(spec: JsonObject, at: string): FieldError[] {
  const volumes = validateVolumes(spec, at);
  const wrong = [...volumes.wrong];
  const names = new Set<string>();
  const containers = objectsAt(spec, 'containers');
  if (containers.length === 0) wrong.push(requiredField(`${at}.containers`));
  wrong.push(...validateContainers(spec, 'containers', volumes.names, names, at));
  wrong.push(...validateContainers(spec, 'initContainers', volumes.names, names, at));
  const restart = textAt(spec, 'restartPolicy');
  if (!restartPolicies.includes(restart)) {
    wrong.push(unsupportedValue(`${at}.restartPolicy`, restart, restartPolicies));
  }
  const dns = textAt(spec, 'dnsPolicy');
  if (!dnsPolicies.includes(dns)) wrong.push(unsupportedValue(`${at}.dnsPolicy`, dns, dnsPolicies));
  const account = textAt(spec, 'serviceAccountName');
  for (const why of account === '' ? [] : subdomainName(account)) {
    wrong.push(invalidField(`${at}.serviceAccountName`, account, why));
  }
  return wrong;
}

/** Rules of a pod template at a path such as `spec.template`. */
export function validatePodTemplate(template: unknown, at: string): FieldError[] {
  const labels = textMapAt(template, 'metadata', 'labels');
  return [
    ...validateLabels(labels, `${at}.metadata.labels`),
    ...validatePodSpec(isObject(template) ? (objectAt(template, 'spec') ?? {}) : {}, `${at}.spec`),
  ];
}

function resourcesOf(spec: JsonObject): JsonObject[] {
  return [...objectsAt(spec, 'containers'), ...objectsAt(spec, 'initContainers')];
}

/** `Guaranteed`, `Burstable` or `BestEffort`. @see pkg/apis/core/v1/helper/qos */
export function qosClassOf(spec: JsonObject): string {
  const compute = ['cpu', 'memory'];
  let any = false;
  let guaranteed = true;
  for (const container of resourcesOf(spec)) {
    const limits = textMapAt(container, 'resources', 'limits');
    const requests = textMapAt(container, 'resources', 'requests');
    for (const name of compute) {
      const [limit, request] = [limits[name] ?? '0', requests[name] ?? '0'];
      if (limit !== '0' || request !== '0') any = true;
      if (limit === '0' || (request !== '0' && compareQuantities(limit, request) !== 0)) {
        guaranteed = false;
      }
    }
  }
  if (!any) return 'BestEffort';
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
