/**
 * Stepping over JSON bytes without parsing them: capturing reads each object's few fields and keeps the
 * server's bytes, so that no number loses precision and no field is dropped.
 */
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Longer strings are searched natively; below this a loop is faster than the call. */
const LOOP_MAX = 48;

/** Index of the next byte that is no JSON white space. */
export function skipBlanks(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const c = bytes[at];
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return at;
    at += 1;
  }
}

/** Index after the closing quote of the string that opens at `from`; -1 where it does not end. */
export function skipString(bytes: Uint8Array, from: number): number {
  const loopEnd = from + LOOP_MAX;
  let at = from + 1;
  while (at < loopEnd) {
    const c = bytes[at];
    if (c === QUOTE) return at + 1;
    if (c === undefined) return -1;
    at += c === BACKSLASH ? 2 : 1;
  }
  for (;;) {
    const quote = bytes.indexOf(QUOTE, at);
    if (quote < 0) return -1;
    let slashes = quote;
    while (slashes > at && bytes[slashes - 1] === BACKSLASH) slashes -= 1;
    if ((quote - slashes) % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

/** Index after the value that begins at `from` (no blank); -1 where it does not end. */
export function skipValue(bytes: Uint8Array, from: number): number {
  let at = from;
  let depth = 0;
  do {
    const c = bytes[at];
    if (c === undefined) return -1;
    if (c === QUOTE) {
      at = skipString(bytes, at);
      if (at < 0) return -1;
    } else if (c === 0x7b || c === 0x5b) {
      depth += 1;
      at += 1;
    } else if (c === 0x7d || c === 0x5d) {
      depth -= 1;
      at += 1;
    } else if (depth === 0) {
      return skipScalar(bytes, at);
    } else {
      at += 1;
    }
  } while (depth > 0);
  return at;
}

/** Index after a number or literal. */
function skipScalar(bytes: Uint8Array, from: number): number {
  let at = from;
  for (;;) {
    const c = bytes[at];
    // A delimiter: comma, closing bracket, blank or the end.
    if (c === undefined || c === 0x2c || c === 0x7d || c === 0x5d || c <= 0x20) {
      return at > from ? at : -1;
    }
    at += 1;
  }
}
