/** Kubernetes quantities of storage, such as `20Gi`. */

/** Bytes of a GiB. */
export const GIB = 2 ** 30;

const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const DECIMAL = ['k', 'M', 'G', 'T', 'P', 'E'];

/** Bytes that a quantity means, rounded up; undefined where it is none. */
export function quantityBytes(quantity: unknown): number | undefined {
  if (typeof quantity === 'number') return Math.ceil(quantity);
  if (typeof quantity !== 'string') return undefined;
  const match = /^\+?(\d+\.?\d*|\.\d+)([eE][+-]?\d+|[KMGTPE]i|[numkMGTPE])?$/.exec(quantity);
  if (match === null) return undefined;
  const [, digits = '', suffix = ''] = match;
  const bytes = Number(digits) * factorOf(suffix);
  // The product of a decimal fraction may miss a whole number by one bit.
  return Math.ceil(digits.includes('.') ? Number(bytes.toPrecision(15)) : bytes);
}

function factorOf(suffix: string): number {
  if (suffix.endsWith('i')) return 1024 ** (BINARY.indexOf(suffix) + 1);
  if (DECIMAL.includes(suffix)) return 1000 ** (DECIMAL.indexOf(suffix) + 1);
  if (suffix === 'm') return 1e-3;
  if (suffix === 'u') return 1e-6;
  if (suffix === 'n') return 1e-9;
  return suffix === '' ? 1 : Number(`1${suffix}`);
}
