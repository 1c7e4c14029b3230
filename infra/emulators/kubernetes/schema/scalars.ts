/** JSON forms of Kubernetes scalars: read leniently as Go does, written in the canonical form. */

const decimalSuffixes: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const quantityPattern =
  /^([+-]?)(\d*)(?:\.(\d*))?(?:([eE][+-]?\d+)|(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]?))$/;

interface Quantity {
  readonly nano: bigint;
  readonly form: 'decimal' | 'binary' | 'exponent';
}

function power(base: bigint, exponent: number): bigint {
  return base ** BigInt(exponent);
}

/** The amount in units of 1e-9, rounded away from zero as the API does; undefined if malformed. */
function parseQuantity(text: string): Quantity | undefined {
  const match = quantityPattern.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponentText, suffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  const digits = BigInt(`${whole}${fraction}`);
  const binary = binarySuffixes.indexOf(suffix);
  const isBinary = binary > 0;
  const exponent =
    exponentText === undefined ? (decimalSuffixes[suffix] ?? 0) : Number(exponentText.slice(1));
  const scaled = isBinary ? digits * power(1024n, binary) : digits;
  const shift = (isBinary ? 0 : exponent) - fraction.length + 9;
  let nano = scaled;
  if (shift >= 0) nano = scaled * power(10n, shift);
  else {
    const divisor = power(10n, -shift);
    nano = scaled / divisor + (scaled % divisor === 0n ? 0n : 1n);
  }
  const form = exponentText !== undefined ? 'exponent' : isBinary ? 'binary' : 'decimal';
  return { nano: sign === '-' ? -nano : nano, form };
}

function decimalText(nano: bigint, form: 'decimal' | 'exponent'): string {
  let value = nano;
  let exponent = -9;
  while (exponent < 18 && value % 1000n === 0n) {
    value /= 1000n;
    exponent += 3;
  }
  if (form === 'exponent') return exponent === 0 ? `${value}` : `${value}e${exponent}`;
  const suffix = Object.entries(decimalSuffixes).find(([, power10]) => power10 === exponent);
  return `${value}${suffix?.[0] ?? ''}`;
}

/** The canonical text of a quantity (`1000m` is `1`, `1024Mi` is `1Gi`); undefined if malformed. */
export function canonicalQuantity(text: string): string | undefined {
  const quantity = parseQuantity(text.trim());
  return quantity === undefined ? undefined : quantityText(quantity);
}

function quantityText({ nano, form }: Quantity): string {
  if (nano === 0n) return '0';
  const size = nano < 0n ? -nano : nano;
  const unit = 1_000_000_000n;
  if (form !== 'binary') return decimalText(nano, form);
  // Small and fractional amounts are shown in decimal: quantity.go, CanonicalizeBytes.
  if (size < 1024n * unit || size % unit !== 0n) return decimalText(nano, 'decimal');
  let value = nano / unit;
  let step = 0;
  while (step < binarySuffixes.length - 1 && value % 1024n === 0n) {
    value /= 1024n;
    step += 1;
  }
  return `${value}${binarySuffixes[step] ?? ''}`;
}

/** Compares two well-formed quantities; malformed ones count as zero. */
export function compareQuantities(a: string, b: string): number {
  const left = parseQuantity(a)?.nano ?? 0n;
  const right = parseQuantity(b)?.nano ?? 0n;
  return left < right ? -1 : left > right ? 1 : 0;
}

const zero: Quantity = { nano: 0n, form: 'decimal' };

/** The sum of two quantities in the form of the first that is not zero, as Go adds. */
export function addQuantities(a: string, b: string): string {
  const [left, right] = [parseQuantity(a) ?? zero, parseQuantity(b) ?? zero];
  const form = left.nano === 0n ? right.form : left.form;
  return quantityText({ nano: left.nano + right.nano, form });
}

/** What `a` has more than `b`; `0` where it has less. */
export function quantityBeyond(a: string, b: string): string {
  const [left, right] = [parseQuantity(a) ?? zero, parseQuantity(b) ?? zero];
  const nano = left.nano > right.nano ? left.nano - right.nano : 0n;
  return quantityText({ nano, form: left.form });
}

/** How many times `b` fits into `a`; undefined where `b` is zero. */
export function quantityRatio(a: string, b: string): number | undefined {
  const [left, right] = [parseQuantity(a) ?? zero, parseQuantity(b) ?? zero];
  return right.nano === 0n ? undefined : Number(left.nano) / Number(right.nano);
}

const timePattern =
  /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})$/;

/** RFC 3339 in UTC with whole seconds, as `metav1.Time` writes it; undefined if malformed. */
export function canonicalTime(text: string): string | undefined {
  const match = timePattern.exec(text);
  if (match === null) return undefined;
  const ms = Date.parse(`${match[1]}T${match[2]}${match[4]?.toUpperCase()}`);
  return Number.isNaN(ms) ? undefined : timeText(ms);
}

/** RFC 3339 in UTC with six decimals, as `metav1.MicroTime` writes it; undefined if malformed. */
export function canonicalMicroTime(text: string): string | undefined {
  const whole = canonicalTime(text);
  const fraction = timePattern.exec(text)?.[3] ?? '';
  return whole === undefined
    ? undefined
    : `${whole.slice(0, -1)}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}

/** A moment (ms since the epoch) as `metav1.Time` writes it. */
export function timeText(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
