/** AppArmor profiles that annotations name. @see pkg/registry/core/pod/strategy.go, v1.34 */
import { deepEqual, ensureObject, type JsonObject, objectAt, objectsAt } from '../json-tree.ts';

const annotationPrefix = 'container.apparmor.security.beta.kubernetes.io/';
const localPrefix = 'localhost/';
/** PATH_MAX less the end. @see ValidateAppArmorProfileField */
const localNameMax = 4095;

function profileOf(annotation: string): JsonObject | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  if (!annotation.startsWith(localPrefix)) return undefined;
  const localhostProfile = annotation.slice(localPrefix.length);
  const usable = localhostProfile !== '' && localhostProfile.trim() === localhostProfile;
  if (!usable || localhostProfile.length > localNameMax) return undefined;
  return { type: 'Localhost', localhostProfile };
}

/** Moves what annotations of former times say into the fields, and tells of it. */
export function readAppArmorAnnotations(pod: JsonObject, warn: (text: string) => void): void {
  const annotations = objectAt(pod, 'metadata', 'annotations') ?? {};
  const spec = objectAt(pod, 'spec');
  if (objectAt(spec, 'os')?.name === 'windows') return;
  const ofPod = objectAt(spec, 'securityContext', 'appArmorProfile');
  for (const list of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const container of objectsAt(spec, list)) {
      const key = `${annotationPrefix}${String(container.name)}`;
      const annotation = annotations[key];
      if (typeof annotation !== 'string') continue;
      if (objectAt(container, 'securityContext', 'appArmorProfile') !== undefined) continue;
      const profile = profileOf(annotation);
      if (profile !== undefined) {
        if (deepEqual(profile, ofPod)) continue;
        ensureObject(container, 'securityContext').appArmorProfile = profile;
      }
      const advice = 'deprecated since v1.30; use the "appArmorProfile" field instead';
      warn(`metadata.annotations[${key}]: ${advice}`);
    }
  }
}
