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

/** Identity and history; no change that a user would miss, so it is not told. */
export function stripIdentity(object: KubeObject): readonly string[] {
  for (const field of FIELDS) delete object.metadata[field];
  return [];
}

/** What is observed, and observed again. */
export function stripStatus(object: KubeObject): readonly string[] {
  delete object.status;
  return [];
}

/** Finalizers of controllers that add them again. */
export function stripFinalizers(object: KubeObject): readonly string[] {
  const { finalizers } = object.metadata;
  if (finalizers === undefined) return [];
  const isMade = (name: string): boolean => FINALIZERS.some((pattern) => pattern.test(name));
  const kept = finalizers.filter((name) => !isMade(name));
  if (kept.length === 0) delete object.metadata.finalizers;
  else object.metadata.finalizers = kept;
  return finalizers.filter(isMade).map((name) => `finalizer ${name}: left off`);
}

/** Annotations in which controllers of the source kept their books. */
export function stripAnnotations(object: KubeObject): readonly string[] {
  return withoutAnnotations(object, ANNOTATIONS);
}

/** Annotations in which the network of the source kept a pod's addresses. */
export function stripPodNetwork(object: KubeObject): readonly string[] {
  return withoutAnnotations(object, POD_ANNOTATIONS);
}

/** Everything above: what two objects are compared without. */
export function stripMetadata(object: KubeObject): void {
  stripIdentity(object);
  stripStatus(object);
  stripFinalizers(object);
  stripAnnotations(object);
  if (object.kind === 'Pod') stripPodNetwork(object);
}

function withoutAnnotations(object: KubeObject, patterns: readonly RegExp[]): readonly string[] {
  const { annotations } = object.metadata;
  if (annotations === undefined) return [];
  const made = Object.keys(annotations).filter((name) => patterns.some((p) => p.test(name)));
  for (const name of made) delete annotations[name];
  if (Object.keys(annotations).length === 0) delete object.metadata.annotations;
  return made.map((name) => `annotation ${name}: left off`);
}
