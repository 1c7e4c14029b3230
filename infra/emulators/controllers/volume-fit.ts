import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  storageClassOf,
} from './engine/storage-objects.ts';

const UNIT_FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Bytes of a quantity such as `20Gi`; 0 for none. */
export function quantityBytes(quantity: string | undefined): number {
  const match = /^([0-9.]+(?:[eE][+-]?[0-9]+)?)([a-zA-Z]*)$/.exec(quantity ?? '');
  return Number(match?.[1] ?? 0) * (UNIT_FACTORS[match?.[2] ?? ''] ?? 0);
}

/** Why the volume cannot serve the claim (class, size, mode), or undefined when it can. */
export function fits(claim: PersistentVolumeClaim, volume: PersistentVolume): string | undefined {
  const wanted = quantityBytes(claim.spec.resources?.requests?.storage);
  if (quantityBytes(volume.spec.capacity?.storage) < wanted) return 'requested PV is too small';
  if ((storageClassOf(claim) ?? '') !== (storageClassOf(volume) ?? '')) {
    return 'storageClassName does not match';
  }
  const modeOf = (object: PersistentVolumeClaim | PersistentVolume): string =>
    object.spec.volumeMode ?? 'Filesystem';
  if (modeOf(claim) !== modeOf(volume)) return 'incompatible volumeMode';
  const offered = volume.spec.accessModes ?? [];
  const granted = (claim.spec.accessModes ?? []).every((mode) => offered.includes(mode));
  return granted ? undefined : 'incompatible accessMode';
}

/** Volumes ordered so that the one that wastes least comes first. */
export function smallestFirst(list: readonly PersistentVolume[]): PersistentVolume[] {
  return [...list].sort((a, b) => {
    const difference =
      quantityBytes(a.spec.capacity?.storage) - quantityBytes(b.spec.capacity?.storage);
    return difference !== 0 ? difference : a.metadata.name < b.metadata.name ? -1 : 1;
  });
}
