import { randomBytes } from 'node:crypto';

/** An id as the service spells it: `v-000` and 17 letters or digits. */
export function newId(prefix: string): string {
  const letters = [...randomBytes(17)].map((byte) => (byte % 36).toString(36)).join('');
  return `${prefix}-000${letters}`;
}
