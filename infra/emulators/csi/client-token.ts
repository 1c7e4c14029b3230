import { createHash } from 'node:crypto';

/** The longest name that still fits into a ClientToken of 64 ASCII characters with its prefix. */
const NAME_LENGTH_MAX = 62;

/** The driver's ClientToken for the object of this name: the same name, the same token. */
export function clientToken(name: string): string {
  const plain = name.length <= NAME_LENGTH_MAX && /^[ -~]*$/.test(name);
  return plain ? `n:${name}` : `h:${createHash('md5').update(name).digest('base64').slice(0, 22)}`;
}
