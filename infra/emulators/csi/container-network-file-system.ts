import { createHash } from 'node:crypto';
import type { KubeObject, ResourceKind } from '../controllers/engine/kube-objects.ts';

/** ACK's handle on a NAS file system, by which classes and volumes name it. */
export interface ContainerNetworkFileSystem extends KubeObject {
  readonly status?: {
    readonly status?: string;
    readonly fsAttributes?: { readonly filesystemId?: string };
  };
}

export const containerNetworkFileSystems: ResourceKind<ContainerNetworkFileSystem> = {
  apiVersion: 'storage.alibabacloud.com/v1beta1',
  kind: 'ContainerNetworkFileSystem',
  plural: 'containernetworkfilesystems',
};

/** The file system that ACK makes with a cluster: an id of ten hex digits, and its CNFS's name. */
export function defaultFileSystem(clusterId: string): { id: string; cnfsName: string } {
  const id = createHash('sha256').update(`nas/${clusterId}`).digest('hex').slice(0, 10);
  return { id, cnfsName: `default-cnfs-nas-${clusterId.slice(0, 7)}` };
}

/** The CRD of CNFS, as far as volumes need it. */
export const cnfsDefinition = {
  metadata: { name: 'containernetworkfilesystems.storage.alibabacloud.com' },
  spec: {
    group: 'storage.alibabacloud.com',
    scope: 'Cluster',
    names: {
      kind: 'ContainerNetworkFileSystem',
      listKind: 'ContainerNetworkFileSystemList',
      plural: 'containernetworkfilesystems',
      singular: 'containernetworkfilesystem',
      shortNames: ['cnfs'],
    },
    versions: [
      {
        name: 'v1beta1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            },
          },
        },
      },
    ],
  },
};

/** The CNFS of a cluster's own file system. CNFS has no status subresource: status goes along. */
export function cnfsDraft(options: { name: string; fileSystemId: string; region: string }): object {
  const { name, fileSystemId, region } = options;
  const server = `${fileSystemId}-${region.slice(0, 2)}x01.${region}.nas.aliyuncs.com`;
  return {
    metadata: { name },
    spec: {
      type: 'nas',
      reclaimPolicy: 'Retain',
      description: 'default cnfs of the cluster',
      parameters: { filesystemType: 'standard', protocolType: 'NFS', server },
    },
    status: {
      status: 'Available',
      fsAttributes: {
        filesystemId: fileSystemId,
        filesystemType: 'standard',
        protocolType: 'NFS',
        regionId: region,
        server,
        storageType: 'Capacity',
        enableTrashCan: 'true',
      },
    },
  };
}
