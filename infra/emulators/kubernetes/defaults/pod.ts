/** Defaults of pods and their templates. @see kubernetes pkg/apis/core/v1/defaults.go, v1.34 */
import {
  copyValue,
  ensureObject,
  isObject,
  type JsonObject,
  objectAt,
  objectsAt,
  setDefault,
  textAt,
} from '../json-tree.ts';

/** The tag that decides about pulling: `latest` where neither a tag nor a digest is given. */
function imageTag(image: string): string {
  const [withoutDigest = ''] = image.split('@');
  const lastPart = withoutDigest.slice(withoutDigest.lastIndexOf('/') + 1);
  const colon = lastPart.indexOf(':');
  if (colon !== -1) return lastPart.slice(colon + 1);
  return image.includes('@') ? '' : 'latest';
}

function defaultPullPolicy(object: JsonObject, image: string, field: string): void {
  setDefault(object, field, imageTag(image) === 'latest' ? 'Always' : 'IfNotPresent');
}

function container(object: JsonObject): void {
  defaultPullPolicy(object, textAt(object, 'image'), 'imagePullPolicy');
  setDefault(object, 'terminationMessagePath', '/dev/termination-log');
  setDefault(object, 'terminationMessagePolicy', 'File');
}

function volume(object: JsonObject): void {
  const hasSource = Object.keys(object).some((field) => field !== 'name');
  if (!hasSource) object.emptyDir = {};
  const image = objectAt(object, 'image');
  if (image !== undefined) defaultPullPolicy(image, textAt(image, 'reference'), 'pullPolicy');
}

function requestsFromLimits(holder: JsonObject): void {
  const resources = objectAt(holder, 'resources');
  const limits = objectAt(resources, 'limits');
  if (resources === undefined || limits === undefined) return;
  const requests = ensureObject(resources, 'requests');
  for (const [name, value] of Object.entries(limits)) setDefault(requests, name, copyValue(value));
}

function pod(object: JsonObject): void {
  const spec = ensureObject(object, 'spec');
  const all = [...objectsAt(spec, 'containers'), ...objectsAt(spec, 'initContainers')];
  for (const item of all) requestsFromLimits(item);
  requestsFromLimits(spec);
  setDefault(spec, 'enableServiceLinks', true);
  if (spec.hostNetwork !== true) return;
  for (const item of all) {
    for (const port of objectsAt(item, 'ports')) setDefault(port, 'hostPort', port.containerPort);
  }
}

function podSpec(object: JsonObject): void {
  setDefault(object, 'dnsPolicy', 'ClusterFirst');
  setDefault(object, 'restartPolicy', 'Always');
  setDefault(object, 'securityContext', {});
  setDefault(object, 'terminationGracePeriodSeconds', 30);
  setDefault(object, 'schedulerName', 'default-scheduler');
  // The old name is written beside the new one.
  const account = textAt(object, 'serviceAccountName') || textAt(object, 'serviceAccount');
  if (account !== '') {
    object.serviceAccountName = account;
    object.serviceAccount = account;
  }
}

function probe(object: JsonObject): void {
  setDefault(object, 'timeoutSeconds', 1);
  setDefault(object, 'periodSeconds', 10);
  setDefault(object, 'successThreshold', 1);
  setDefault(object, 'failureThreshold', 3);
  const grpc = objectAt(object, 'grpc');
  if (grpc !== undefined) setDefault(grpc, 'service', '');
}

/** 0644: what files of projected volumes get. */
const fileMode = 420;

function mode(object: JsonObject): void {
  setDefault(object, 'defaultMode', fileMode);
}

/** Defaults by the struct that they belong to. */
export const podDefaults: Readonly<Record<string, (object: JsonObject) => void>> = {
  'core/v1.Container': container,
  'core/v1.EphemeralContainer': container,
  'core/v1.Volume': volume,
  'core/v1.Pod': pod,
  'core/v1.PodSpec': podSpec,
  'core/v1.Probe': probe,
  'core/v1.SecretVolumeSource': mode,
  'core/v1.ConfigMapVolumeSource': mode,
  'core/v1.DownwardAPIVolumeSource': mode,
  'core/v1.ProjectedVolumeSource': mode,
  'core/v1.ServiceAccountTokenProjection': (o) => setDefault(o, 'expirationSeconds', 3600),
  'core/v1.HTTPGetAction': (o) => {
    setDefault(o, 'path', '/');
    setDefault(o, 'scheme', 'HTTP');
  },
  'core/v1.ObjectFieldSelector': (o) => setDefault(o, 'apiVersion', 'v1'),
  'core/v1.HostPathVolumeSource': (o) => setDefault(o, 'type', ''),
  'core/v1.ResourceFieldSelector': (o) => setDefault(o, 'divisor', '0'),
  'core/v1.ReplicationController': (o) => {
    const labels = objectAt(o, 'spec', 'template', 'metadata', 'labels');
    if (labels === undefined) return;
    setDefault(ensureObject(o, 'spec'), 'selector', copyValue(labels));
    const metadata = ensureObject(o, 'metadata');
    if (!isObject(metadata.labels)) metadata.labels = copyValue(labels);
  },
};
