/**
 * Brings an object into the form in which the original and the restored one must be equal. Written
 * apart from the product's own rules: it says what a user may expect to find again.
 */
import type { Manifest } from './kube-session.ts';

type Fields = Record<string, unknown>;

const CONTROLLER_MANAGER = 'kube-controller-manager';

const MADE_BY_CONTROLLERS: readonly string[] = [
  'Event',
  'Lease',
  'ControllerRevision',
  'EndpointSlice',
  'Node',
  'CSINode',
  'VolumeAttachment',
  'ComponentStatus',
  'APIService',
  'FlowSchema',
  'PriorityLevelConfiguration',
  'IPAddress',
  'ServiceCIDR',
];

/**
 * Whether anybody but the controller manager wrote the object meanwhile: autoscalers get their status
 * every 15 seconds and claims are bound when it comes to them, whatever a restore does.
 */
export function wasTouched(before: Manifest, now: Manifest | undefined): boolean {
  if (now?.metadata.resourceVersion === before.metadata.resourceVersion) return false;
  const writers = now === undefined ? undefined : otherWriters(now);
  return writers === undefined || writers !== otherWriters(before);
}

/** Who wrote what and when, without the controller manager; undefined where the server does not tell. */
function otherWriters({ metadata }: Manifest): string | undefined {
  const { managedFields } = metadata;
  if (!Array.isArray(managedFields)) return undefined;
  const others = managedFields.filter((entry: Fields) => entry.manager !== CONTROLLER_MANAGER);
  return JSON.stringify(others);
}

/** Whether a user would miss this object: it is not one that a controller makes again. */
export function isUsersObject(object: Manifest, all: ReadonlyMap<string, Manifest>): boolean {
  const { name, namespace } = object.metadata;
  if (MADE_BY_CONTROLLERS.includes(object.kind)) return false;
  // A driver made it for a claim, and makes another one for the claim that comes back.
  if (object.kind === 'PersistentVolume' && isProvisioned(object)) return false;
  if (object.kind === 'ConfigMap' && name === 'kube-root-ca.crt') return false;
  if (object.kind === 'Endpoints') {
    const service = all.get(`v1 Service ${namespace}/${name}`);
    return service !== undefined && fieldsAt(service, 'spec').selector === undefined;
  }
  const owners = object.metadata.ownerReferences;
  const owned = Array.isArray(owners) && owners.some((o: Fields) => o.controller === true);
  return !(owned && ['Pod', 'ReplicaSet', 'Job'].includes(object.kind));
}

function isProvisioned(volume: Manifest): boolean {
  return 'pv.kubernetes.io/provisioned-by' in fieldsAt(volume, 'metadata', 'annotations');
}

/** The comparable form. */
export function normalised(source: Manifest): Manifest {
  const object = structuredClone(source);
  const { metadata } = object;
  for (const field of [
    'uid',
    'resourceVersion',
    'creationTimestamp',
    'generation',
    'managedFields',
    'selfLink',
    'deletionGracePeriodSeconds',
  ]) {
    delete metadata[field];
  }
  delete object.status;
  const annotations = fieldsAt(object, 'metadata', 'annotations');
  for (const name of Object.keys(annotations)) {
    if (
      /^(deployment\.kubernetes\.io\/revision|deprecated\.daemonset|pv\.kubernetes\.io\/|volume\.(beta\.)?kubernetes\.io\/|endpoints\.kubernetes\.io)/.test(
        name,
      )
    ) {
      delete annotations[name];
    }
  }
  if (Object.keys(annotations).length === 0) delete metadata.annotations;
  const owners = metadata.ownerReferences;
  if (Array.isArray(owners)) for (const owner of owners as Fields[]) delete owner.uid;
  const spec = fieldsAt(object, 'spec');
  switch (object.kind) {
    case 'Service':
      if (spec.clusterIP !== 'None') {
        delete spec.clusterIP;
        delete spec.clusterIPs;
      }
      delete spec.healthCheckNodePort;
      break;
    case 'Job':
      delete spec.selector;
      for (const labels of [
        fieldsAt(spec, 'template', 'metadata', 'labels'),
        fieldsAt(metadata, 'labels'),
      ]) {
        for (const name of Object.keys(labels))
          if (/controller-uid$|job-name$/.test(name)) delete labels[name];
      }
      if (Object.keys(fieldsAt(metadata, 'labels')).length === 0) delete metadata.labels;
      break;
    case 'PersistentVolumeClaim':
      // It has another volume, made from the snapshot of the first.
      for (const field of ['volumeName', 'dataSource', 'dataSourceRef']) delete spec[field];
      break;
    case 'PersistentVolume':
      delete fieldsAt(spec, 'claimRef').uid;
      delete fieldsAt(spec, 'claimRef').resourceVersion;
      // YAML-only volumes come back as static ones, said in the list of changes.
      delete spec.persistentVolumeReclaimPolicy;
      break;
    case 'ServiceAccount':
      delete object.secrets;
      break;
    default:
      break;
  }
  return object;
}

function fieldsAt(value: unknown, ...path: readonly string[]): Fields {
  let at: unknown = value;
  for (const field of path)
    at = typeof at === 'object' && at !== null ? (at as Fields)[field] : undefined;
  return typeof at === 'object' && at !== null ? (at as Fields) : {};
}

/** What differs between two clusters' contents, one line per object. */
export function differences(
  before: ReadonlyMap<string, Manifest>,
  after: ReadonlyMap<string, Manifest>,
): string[] {
  const found: string[] = [];
  for (const [key, object] of before) {
    if (!isUsersObject(object, before)) continue;
    const now = after.get(key);
    if (now === undefined) found.push(`${key} is missing`);
    else {
      const path = firstDifference(normalised(object), normalised(now));
      if (path !== undefined) found.push(`${key} differs at ${path}`);
    }
  }
  return found;
}

function firstDifference(a: unknown, b: unknown, path = ''): string | undefined {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) {
    return a === b ? undefined : `${path}: ${JSON.stringify(a)} became ${JSON.stringify(b)}`;
  }
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const found = firstDifference((a as Fields)[key], (b as Fields)[key], `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
