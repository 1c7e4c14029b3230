/** Defaults of Services, claims, volumes and the small core kinds. @see pkg/apis/core/v1/defaults.go */
import {
  copyValue,
  ensureObject,
  type JsonObject,
  objectAt,
  objectsAt,
  setDefault,
  textAt,
} from '../json-tree.ts';

/** How long ClientIP affinity lasts: three hours. */
const clientIpAffinitySeconds = 10_800;

function serviceAffinity(spec: JsonObject): void {
  setDefault(spec, 'sessionAffinity', 'None');
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity !== 'ClientIP') return;
  const config = objectAt(spec, 'sessionAffinityConfig', 'clientIP');
  if (config?.timeoutSeconds !== undefined) return;
  spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: clientIpAffinitySeconds } };
}

function service(object: JsonObject): void {
  const spec = ensureObject(object, 'spec');
  serviceAffinity(spec);
  setDefault(spec, 'type', 'ClusterIP');
  const type = textAt(spec, 'type');
  for (const port of objectsAt(spec, 'ports')) {
    setDefault(port, 'protocol', 'TCP');
    if (port.targetPort === 0 || port.targetPort === '') delete port.targetPort;
    setDefault(port, 'targetPort', port.port);
  }
  const external = type === 'NodePort' || type === 'LoadBalancer';
  const externalIps = Array.isArray(spec.externalIPs) && spec.externalIPs.length > 0;
  if (external || (type === 'ClusterIP' && externalIps)) {
    setDefault(spec, 'externalTrafficPolicy', 'Cluster');
  }
  if (external || type === 'ClusterIP') setDefault(spec, 'internalTrafficPolicy', 'Cluster');
  if (type !== 'LoadBalancer') return;
  setDefault(spec, 'allocateLoadBalancerNodePorts', true);
  for (const ingress of objectsAt(object, 'status', 'loadBalancer', 'ingress')) {
    if (textAt(ingress, 'ip') !== '') setDefault(ingress, 'ipMode', 'VIP');
  }
}

function persistentVolume(object: JsonObject): void {
  setDefault(ensureObject(object, 'status'), 'phase', 'Pending');
  const spec = ensureObject(object, 'spec');
  setDefault(spec, 'persistentVolumeReclaimPolicy', 'Retain');
  setDefault(spec, 'volumeMode', 'Filesystem');
}

function limitRangeItem(object: JsonObject): void {
  if (object.type !== 'Container') return;
  const limits = ensureObject(object, 'default');
  const requests = ensureObject(object, 'defaultRequest');
  const fill = (target: JsonObject, source: JsonObject | undefined): void => {
    for (const [name, value] of Object.entries(source ?? {}))
      setDefault(target, name, copyValue(value));
  };
  fill(limits, objectAt(object, 'max'));
  fill(requests, limits);
  fill(requests, objectAt(object, 'min'));
}

/** Defaults by the struct that they belong to. */
export const serviceAndStorageDefaults: Readonly<Record<string, (object: JsonObject) => void>> = {
  'core/v1.Service': service,
  'core/v1.Secret': (o) => setDefault(o, 'type', 'Opaque'),
  'core/v1.PersistentVolume': persistentVolume,
  'core/v1.PersistentVolumeClaim': (o) => setDefault(ensureObject(o, 'status'), 'phase', 'Pending'),
  'core/v1.PersistentVolumeClaimSpec': (o) => setDefault(o, 'volumeMode', 'Filesystem'),
  'core/v1.EndpointPort': (o) => setDefault(o, 'protocol', 'TCP'),
  'core/v1.Namespace': (o) => {
    const name = textAt(o, 'metadata', 'name');
    if (name === '') return;
    const labels = ensureObject(ensureObject(o, 'metadata'), 'labels');
    labels['kubernetes.io/metadata.name'] = name;
  },
  'core/v1.NamespaceStatus': (o) => setDefault(o, 'phase', 'Active'),
  'core/v1.NodeStatus': (o) => {
    if (o.capacity !== undefined) setDefault(o, 'allocatable', copyValue(o.capacity));
  },
  'core/v1.LimitRangeItem': limitRangeItem,
  'discovery/v1.EndpointPort': (o) => {
    setDefault(o, 'name', '');
    setDefault(o, 'protocol', 'TCP');
  },
  'storage/v1.StorageClass': (o) => {
    setDefault(o, 'reclaimPolicy', 'Delete');
    setDefault(o, 'volumeBindingMode', 'Immediate');
  },
  'storage/v1.CSIDriverSpec': (o) => {
    setDefault(o, 'attachRequired', true);
    setDefault(o, 'podInfoOnMount', false);
    setDefault(o, 'storageCapacity', false);
    setDefault(o, 'fsGroupPolicy', 'ReadWriteOnceWithFSType');
    if (!Array.isArray(o.volumeLifecycleModes)) o.volumeLifecycleModes = ['Persistent'];
    setDefault(o, 'requiresRepublish', false);
    setDefault(o, 'seLinuxMount', false);
  },
};
