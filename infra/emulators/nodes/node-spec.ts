/** One node that the stand-in plays. */
export interface NodeSpec {
  readonly name: string;
  readonly zone: string;
  /** The ECS instance that the node would be, `i-...`. */
  readonly instanceId: string;
}

/** The version that the nodes' kubelets claim. */
const KUBELET_VERSION = 'v1.34.1-aliyun.1';

/** The label by which the disk CSI driver places volumes. */
const DISK_ZONE_LABEL = 'topology.diskplugin.csi.alibabacloud.com/zone';

/** A node with this annotation set to "true" reports itself as not ready and does nothing. */
export const NOT_READY_ANNOTATION = 'sandbox.local/not-ready';

const INSTANCE_TYPE = 'ecs.g7.2xlarge';

/** `cn-hangzhou` for the zone `cn-hangzhou-h`, `us-west-1` for `us-west-1a`. */
function regionOf(zone: string): string {
  return zone.replace(/-?[a-z]$/, '');
}

/** The node's own address; the place in the list makes it unique. */
export function nodeAddress(index: number): string {
  return `192.168.${Math.floor(index / 200)}.${(index % 200) + 10}`;
}

/** The Node object as an ACK worker registers it. */
export function nodeDraft(node: NodeSpec): object {
  const region = regionOf(node.zone);
  return {
    metadata: {
      name: node.name,
      labels: {
        'beta.kubernetes.io/arch': 'amd64',
        'beta.kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/os': 'linux',
        'kubernetes.io/hostname': node.name,
        'node.kubernetes.io/instance-type': INSTANCE_TYPE,
        'topology.kubernetes.io/region': region,
        'topology.kubernetes.io/zone': node.zone,
        [DISK_ZONE_LABEL]: node.zone,
      },
    },
    spec: { providerID: `${region}.${node.instanceId}` },
  };
}

/** The status of a ready node, or of one that has stopped reporting. */
export function nodeStatus(
  node: NodeSpec,
  options: { index: number; ready: boolean; time: string },
): object {
  const { ready, time } = options;
  const condition = (type: string, status: string, reason: string, message: string) => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: time,
    lastTransitionTime: time,
  });
  const resources = {
    cpu: '8',
    'ephemeral-storage': '120Gi',
    memory: '32Gi',
    pods: '1000',
  };
  return {
    capacity: resources,
    allocatable: resources,
    addresses: [
      { type: 'InternalIP', address: nodeAddress(options.index) },
      { type: 'Hostname', address: node.name },
    ],
    conditions: [
      condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'enough memory'),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'enough disk space'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'enough process ids'),
      ready
        ? condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status')
        : condition(
            'Ready',
            'Unknown',
            'NodeStatusUnknown',
            'Kubelet stopped posting node status.',
          ),
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      architecture: 'amd64',
      bootID: `boot-${node.name}`,
      containerRuntimeVersion: 'containerd://2.1.4',
      kernelVersion: '5.10.134-18.al8.x86_64',
      kubeProxyVersion: '',
      kubeletVersion: KUBELET_VERSION,
      machineID: node.instanceId,
      operatingSystem: 'linux',
      osImage: 'Alibaba Cloud Linux 3.2104 U12',
      systemUUID: node.instanceId,
    },
  };
}

/** The CSINode object: Alibaba Cloud's drivers with their topology. */
export function csiNodeDraft(node: NodeSpec, uid: string): object {
  return {
    metadata: {
      name: node.name,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node.name, uid }],
    },
    spec: {
      drivers: [
        {
          name: 'diskplugin.csi.alibabacloud.com',
          nodeID: node.instanceId,
          topologyKeys: [DISK_ZONE_LABEL],
          allocatable: { count: 16 },
        },
        { name: 'nasplugin.csi.alibabacloud.com', nodeID: node.instanceId, topologyKeys: null },
        { name: 'ossplugin.csi.alibabacloud.com', nodeID: node.instanceId, topologyKeys: null },
      ],
    },
  };
}
