/** The claim whose files land: it asks for a new volume, of the class that the restore gives it. */
import { type JsonObject, objectAt, textAt } from '../../../domain/json.ts';
import type { KubeObject } from '../../../domain/kube-object.ts';
import { GIB, quantityBytes } from '../../../domain/volumes/quantity.ts';
import type { LandingPlan } from './landing-plan.ts';

/** Fields of a claim's spec that bind it to one volume or fill it from somewhere else. */
const BINDING_FIELDS: readonly string[] = ['volumeName', 'selector', 'dataSource', 'dataSourceRef'];

/** Believed before `storageClassName` (Kubernetes, GetPersistentVolumeClaimClass). */
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

/** Changes the claim of the backup in place; returns one line per change. */
export function askForNewVolume(claim: KubeObject, plan: LandingPlan): readonly string[] {
  const spec = objectAt(claim, 'spec') ?? {};
  claim.spec = spec;
  const { volumeName } = spec;
  for (const field of BINDING_FIELDS) delete spec[field];
  const { converted } = plan;
  if (converted !== undefined) {
    delete claim.metadata.annotations?.[CLASS_ANNOTATION];
    spec.storageClassName = converted.storageClass;
    spec.accessModes = [...converted.accessModes];
  }
  return [
    ...(typeof volumeName === 'string' ? [`volume ${volumeName}: a new one is provisioned`] : []),
    ...(converted?.changes ?? []),
    ...addMode(spec, plan),
    ...raiseRequest(claim, plan.sizeGiBMin),
    `files: from Cloud Backup point ${plan.point.id}`,
  ];
}

function addMode(spec: JsonObject, { addedMode }: LandingPlan): readonly string[] {
  if (addedMode === undefined) return [];
  const own: readonly unknown[] = Array.isArray(spec.accessModes) ? spec.accessModes : [];
  spec.accessModes = [addedMode, ...own];
  return [`accessModes: ${addedMode} added, so that its files can be written`];
}

/** A volume smaller than its files, or than the least disk, could not be filled. */
function raiseRequest(claim: KubeObject, sizeGiBMin: number): readonly string[] {
  const wanted = textAt(claim, 'spec', 'resources', 'requests', 'storage');
  if ((quantityBytes(wanted) ?? 0) >= sizeGiBMin * GIB) return [];
  const size = `${sizeGiBMin}Gi`;
  const resources = objectAt(claim, 'spec', 'resources') ?? {};
  const limits = objectAt(resources, 'limits');
  const limit = quantityBytes(limits?.storage);
  const raised = {
    ...resources,
    requests: { ...objectAt(resources, 'requests'), storage: size },
    // A limit below the request would be refused.
    ...(limit !== undefined && limit < sizeGiBMin * GIB
      ? { limits: { ...limits, storage: size } }
      : {}),
  };
  claim.spec = { ...objectAt(claim, 'spec'), resources: raised };
  return [`size: ${wanted ?? 'none'} becomes ${size}`];
}
