/** What volumes, claims, definitions and endpoints lose or gain on the way in. */
import { isJsonObject, type JsonObject, objectAt, objectsAt } from '../json.ts';
import type { KubeObject } from '../kube-object.ts';
import { drop } from './treat-kinds.ts';

/** A volume on the storage it was on: retained, and bound by the name of its claim. */
export function treatVolume(object: KubeObject): readonly string[] {
  const spec = objectAt(object, 'spec');
  if (spec === undefined) return [];
  const identity = drop(objectAt(spec, 'claimRef'), 'uid', 'resourceVersion');
  const bound = identity.length === 0 ? [] : ['claimRef: bound anew, by its name'];
  const policy = spec.persistentVolumeReclaimPolicy;
  if (policy === 'Retain') return bound;
  spec.persistentVolumeReclaimPolicy = 'Retain';
  const retained = `reclaim policy: ${String(policy)} -> Retain, the volume is on the storage it was on`;
  return [...bound, retained];
}

/** A claim waits for no volume and no snapshot that does not come back. */
export function treatClaim(
  object: KubeObject,
  volumeName: (name: string) => string | undefined,
): readonly string[] {
  const spec = objectAt(object, 'spec');
  if (spec === undefined) return [];
  const changes = dropSnapshotSource(spec);
  const volume = spec.volumeName;
  if (typeof volume !== 'string' || volume === '') return changes;
  const name = volumeName(volume);
  if (name === volume) return changes;
  if (name === undefined) {
    delete spec.volumeName;
    return [...changes, `volume ${volume}: not restored, a new one is provisioned`];
  }
  spec.volumeName = name;
  return [...changes, `volume: ${volume} -> ${name}`];
}

/** Snapshots are not restored as objects: a claim that names one would never be filled. */
function dropSnapshotSource(spec: JsonObject): string[] {
  const fields = ['dataSource', 'dataSourceRef'].filter(
    (field) => objectAt(spec, field)?.kind === 'VolumeSnapshot',
  );
  drop(spec, ...fields);
  return fields.length === 0 ? [] : ['data source: VolumeSnapshot is not restored'];
}

/** What `preserveUnknownFields` meant, as v1 has it. */
export function treatDefinition(object: KubeObject): readonly string[] {
  const spec = objectAt(object, 'spec');
  if (spec?.preserveUnknownFields !== true) return [];
  delete spec.preserveUnknownFields;
  for (const version of objectsAt(spec, 'versions')) {
    const schema = objectAt(version, 'schema', 'openAPIV3Schema');
    if (schema !== undefined) schema['x-kubernetes-preserve-unknown-fields'] = true;
  }
  return ['preserveUnknownFields: moved into the schema'];
}

/** The identity of what endpoints point to. */
export function treatEndpoints(object: KubeObject): readonly string[] {
  let found = false;
  for (const subset of objectsAt(object, 'subsets')) {
    for (const list of ['addresses', 'notReadyAddresses']) {
      for (const address of objectsAt(subset, list)) {
        const target = address.targetRef;
        if (!isJsonObject(target)) continue;
        found = drop(target, 'uid', 'resourceVersion').length > 0 || found;
      }
    }
  }
  return found ? ['targetRef: without the identity it had'] : [];
}
