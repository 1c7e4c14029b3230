import type { KubeObject, ResourceKind } from '../controllers/engine/kube-objects.ts';

/** Which drivers a node has, and by which labels they place volumes. */
interface CsiNode extends KubeObject {
  readonly spec: {
    readonly drivers?: readonly {
      readonly name: string;
      readonly nodeID: string;
      readonly topologyKeys?: readonly string[] | null;
    }[];
  };
}

export const csiNodes: ResourceKind<CsiNode> = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSINode',
  plural: 'csinodes',
};
