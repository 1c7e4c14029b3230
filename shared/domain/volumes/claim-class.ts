/** The class that a PersistentVolumeClaim asks for. */
import { type JsonObject, textAt } from '../json.ts';

/**
 * Older than `storageClassName`, and still believed before it (Kubernetes,
 * GetPersistentVolumeClaimClass).
 */
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

/** Name of the claim's StorageClass; '' where it asks for a volume without one. */
export function classOfClaim(claim: JsonObject): string {
  return (
    textAt(claim, 'metadata', 'annotations', CLASS_ANNOTATION) ??
    textAt(claim, 'spec', 'storageClassName') ??
    ''
  );
}
