/** The alphabet of names that Kubernetes generates: no vowels, no look-alikes (`rand.SafeEncodeString`). */
const SAFE_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';

/** A short name for a value, the same for equal values whatever the order of their keys. */
export function stableHash(value: unknown, collisionCount = 0): string {
  const text = canonical(value) + (collisionCount === 0 ? '' : `#${collisionCount}`);
  // 32 bit FNV-1a, the function that the real controllers hash templates with.
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0;
  }
  return [...String(hash)]
    .map((digit) => SAFE_ALPHABET[digit.charCodeAt(0) % SAFE_ALPHABET.length])
    .join('');
}

/** JSON with sorted keys and without null members, which servers keep or drop as they like. */
export function canonical(value: unknown): string {
  return JSON.stringify(value ?? null, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    const members = Object.entries(part).filter(([, member]) => member !== null);
    return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
