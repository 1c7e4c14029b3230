/**
 * CRC-64/XZ of two stretches put together, from their own checksums. OSS answers
 * CompleteMultipartUpload with the checksum of the whole object; this spares reading it again.
 */

/** ECMA-182, bits reversed. */
const POLYNOMIAL = 0xc96c5795d7870f42n;
const WIDTH = 64;

/** Column i is what the operator makes of bit i. */
type BitMatrix = readonly bigint[];

function apply(matrix: BitMatrix, vector: bigint): bigint {
  let sum = 0n;
  let rest = vector;
  for (let column = 0; rest !== 0n; column += 1, rest >>= 1n) {
    if ((rest & 1n) === 1n) sum ^= matrix[column] ?? 0n;
  }
  return sum;
}

function square(matrix: BitMatrix): BitMatrix {
  return matrix.map((column) => apply(matrix, column));
}

/** Appending one zero bit. */
function oneZeroBit(): BitMatrix {
  const matrix = [POLYNOMIAL];
  for (let bit = 1; bit < WIDTH; bit += 1) matrix.push(1n << BigInt(bit - 1));
  return matrix;
}

/** Appending `lengthBytes` zero bytes, as the operators of its powers of two. */
function zeroBytes(lengthBytes: number): BitMatrix[] {
  const operators: BitMatrix[] = [];
  let operator = square(square(square(oneZeroBit())));
  for (let rest = lengthBytes; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) operators.push(operator);
    operator = square(operator);
  }
  return operators;
}

/** Checksum and length of one stretch. */
export interface Checksummed {
  readonly crc64: string;
  readonly sizeBytes: number;
}

/** The checksum of all stretches in order, as an unsigned decimal number. */
export function combineCrc64(stretches: readonly Checksummed[]): string {
  // Parts are nearly always of one size, and building the operators is the expensive half.
  const operatorsBySize = new Map<number, BitMatrix[]>();
  let crc = 0n;
  for (const { crc64, sizeBytes } of stretches) {
    const operators = operatorsBySize.get(sizeBytes) ?? zeroBytes(sizeBytes);
    operatorsBySize.set(sizeBytes, operators);
    for (const operator of operators) crc = apply(operator, crc);
    crc ^= BigInt(crc64);
  }
  return crc.toString();
}
