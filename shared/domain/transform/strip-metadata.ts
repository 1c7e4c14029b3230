/** What no object may bring back from its former life. */
import type { KubeObject } from '../kube-object.ts';

const FIELDS: readonly string[] = [
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
  'managedFields',
  'ownerReferences',
  'generateName',
];

/** Finalizers that controllers of the target add by themselves; a foreign one would never be removed. */
const FINALIZERS: readonly RegExp[] = [
  /^foregroundDeletion$/,
  /^orphan$/,
  /^kubernetes\.io\/pvc?-protection$/,
  /^external-(provisioner|attacher)\b/,
  /^service\.kubernetes\.io\/load-balancer-cleanup$/,
  /^service\.k8s\.alibaba\/resources$/,
  /^customresourcecleanup\.apiextensions\.k8s\.io$/,
  /^batch\.kubernetes\.io\/job-tracking$/,
];

/** Annotations that a controller of the source wrote for itself. */
const ANNOTATIONS: readonly RegExp[] = [
  /^deployment\.kubernetes\.io\/(revision|desired-replicas|max-replicas)/,
  /^deprecated\.daemonset\.template\.generation$/,
  /^batch\.kubernetes\.io\/job-tracking$/,
  /^autoscaling\.alpha\.kubernetes\.io\/(conditions|current-metrics)$/,
  /^pv\.kubernetes\.io\/(bind-completed|bound-by-controller|provisioned-by)$/,
  /^volume\.(beta\.)?kubernetes\.io\/(storage-provisioner|selected-node)$/,
  /^volume\.kubernetes\.io\/provisioner-deletion-secret-(name|namespace)$/,
  /^kubernetes\.io\/service-account\.uid$/,
  /^control-plane\.alpha\.kubernetes\.io\/leader$/,
  /^endpoints\.kubernetes\.io\/last-change-trigger-time$/,
];

/** Annotations of pods that the network of the source wrote (VEL §5-32). */
const POD_ANNOTATIONS: readonly RegExp[] = [
  /^cni\.projectcalico\.org\//,
  /^k8s\.v1\.cni\.cncf\.io\/network-status(es)?$/,
  /^k8s\.ovn\.org\//,
  /^k8s\.aliyun\.com\/(pod-ips|pod-ip|allocated|eni|pod-eni)/,
  /^kubernetes\.io\/limit-ranger$/,
  /^kubernetes\.io\/psp$/,
];

/** Removes identity, history and status; the object keeps its name, labels and what users wrote. */
export function stripMetadata(object: KubeObject): void {
  for (const field of FIELDS) delete object.metadata[field];
  delete object.status;
  const { finalizers, annotations } = object.metadata;
  if (finalizers !== undefined) {
    const kept = finalizers.filter((f) => !FINALIZERS.some((pattern) => pattern.test(f)));
    if (kept.length === 0) delete object.metadata.finalizers;
    else object.metadata.finalizers = kept;
  }
  if (annotations === undefined) return;
  const patterns = object.kind === 'Pod' ? [...ANNOTATIONS, ...POD_ANNOTATIONS] : ANNOTATIONS;
  for (const name of Object.keys(annotations)) {
    if (patterns.some((pattern) => pattern.test(name))) delete annotations[name];
  }
  if (Object.keys(annotations).length === 0) delete object.metadata.annotations;
}
