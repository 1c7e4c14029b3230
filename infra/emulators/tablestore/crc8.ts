/** CRC-8 of PlainBuffer: polynomial x^8 + x^2 + x + 1 (0x07), initial value 0, not reflected. */

const POLYNOMIAL = 0x07;

const TABLE = Uint8Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x80 ? (crc << 1) ^ POLYNOMIAL : crc << 1;
  return crc & 0xff;
});

/** The checksum after one more byte. */
export function crc8Byte(crc: number, byte: number): number {
  return TABLE[(crc ^ byte) & 0xff] ?? 0;
}

/** The checksum after the bytes of `bytes` from `start` up to `end`. */
export function crc8(crc: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
  let next = crc;
  for (let i = start; i < end; i += 1) next = TABLE[(next ^ (bytes[i] ?? 0)) & 0xff] ?? 0;
  return next;
}
