/**
 * FNV-1a, 64 bits: names that are the same for the same words. Pure arithmetic, since the domain
 * has no crypto; never to be used where someone could gain by a collision.
 */

const OFFSET = 0xcbf29ce484222325n;
const PRIME = 0x100000001b3n;

/** 16 hex digits of the UTF-16 units of a text. */
export function stableHash(text: string): string {
  let hash = OFFSET;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    for (const byte of [unit & 0xff, unit >> 8]) {
      hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * PRIME);
    }
  }
  return hash.toString(16).padStart(16, '0');
}

/** The text itself, or where it is longer, its beginning with its hash. */
export function shortened(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  const hash = stableHash(text);
  return `${text.slice(0, lengthMax - hash.length - 1)}-${hash}`;
}
