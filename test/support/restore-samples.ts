/** Objects of a small application, for tests of restores. */
import type { JsonObject } from '../../shared/domain/json.ts';

/** Any object of a kind. */
export function sampleObject(
  kind: string,
  place: string,
  rest: JsonObject = {},
  metadata: JsonObject = {},
): JsonObject {
  const [namespace, name] = place.includes('/') ? place.split('/') : [undefined, place];
  const where = namespace === undefined ? {} : { namespace };
  return {
    apiVersion: API_VERSIONS[kind] ?? 'v1',
    kind,
    metadata: { ...where, name, ...metadata },
    ...rest,
  };
}

const API_VERSIONS: Readonly<Record<string, string>> = {
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  StatefulSet: 'apps/v1',
  ClusterRole: 'rbac.authorization.k8s.io/v1',
  ClusterRoleBinding: 'rbac.authorization.k8s.io/v1',
  CustomResourceDefinition: 'apiextensions.k8s.io/v1',
  PriorityClass: 'scheduling.k8s.io/v1',
  StorageClass: 'storage.k8s.io/v1',
  Widget: 'example.com/v1',
};

/** A reference to an owner, by the object as the cluster holds it. */
export function ownerReference(owner: JsonObject, controller = true): JsonObject {
  const metadata = owner.metadata as { name: string; uid: string };
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: metadata.name,
    uid: metadata.uid,
    controller,
  };
}

/** A Deployment with one container of nginx. */
export function sampleDeployment(place: string, rest: JsonObject = {}): JsonObject {
  const labels = { app: place.split('/')[1] ?? place };
  return sampleObject(
    'Deployment',
    place,
    {
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [{ name: 'web', image: 'nginx:1.25' }], ...rest },
        },
      },
      status: { readyReplicas: 2 },
    },
    { labels },
  );
}

/** A volume and the claim that is bound to it. */
export function sampleVolume(place: string, volume: string, driver: string): JsonObject[] {
  const [namespace, name] = place.split('/');
  return [
    sampleObject('PersistentVolume', volume, {
      spec: {
        persistentVolumeReclaimPolicy: 'Delete',
        claimRef: {
          kind: 'PersistentVolumeClaim',
          namespace,
          name,
          uid: 'old',
          resourceVersion: '1',
        },
        csi: { driver, volumeHandle: `${volume}-handle` },
      },
    }),
    sampleObject('PersistentVolumeClaim', place, {
      spec: { volumeName: volume, storageClassName: 'fast' },
      status: { phase: 'Bound' },
    }),
  ];
}
