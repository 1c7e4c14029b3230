/**
 * Tar entries: POSIX ustar, with a pax header before an entry whose path ustar cannot hold. The same
 * input gives the same bytes: owner 0, mode 0644, time as given. Only regular files are written.
 */

/** Size of a tar block, bytes (POSIX.1-1988 ustar). */
const TAR_BLOCK = 512;
/** Longest `name` and `prefix` fields of a ustar header, bytes. */
const NAME_MAX = 100;
const PREFIX_MAX = 155;

/** Bytes that the header of a file of this path takes at most. */
export function tarHeaderMax(path: string): number {
  return 4 * TAR_BLOCK + Buffer.byteLength(path);
}

/** Two zero blocks end an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * TAR_BLOCK);

const decoder = new TextDecoder();

/**
 * Writes the header of a regular file at `at`, where `tarHeaderMax` bytes are free, and returns its
 * length: one block, or three and more where the path needs a pax header.
 */
export function writeTarHeader(
  target: Buffer,
  at: number,
  file: { readonly path: string; readonly sizeBytes: number; readonly mtimeS: number },
): number {
  const { sizeBytes, mtimeS } = file;
  const split = splitPath(file.path);
  if (split !== undefined) {
    writeUstar(target, at, { ...split, sizeBytes, mtimeS, kind: '0' });
    return TAR_BLOCK;
  }
  const record = Buffer.from(paxRecord('path', file.path));
  const padded = record.length + tarPadding(record.length);
  writeUstar(target, at, {
    name: 'pax-header',
    prefix: '',
    sizeBytes: record.length,
    mtimeS,
    kind: 'x',
  });
  target.fill(0, at + TAR_BLOCK, at + TAR_BLOCK + padded);
  record.copy(target, at + TAR_BLOCK);
  const name = Buffer.from(file.path).toString('latin1').slice(0, NAME_MAX);
  writeUstar(target, at + TAR_BLOCK + padded, { name, prefix: '', sizeBytes, mtimeS, kind: '0' });
  return 2 * TAR_BLOCK + padded;
}

/** Zero bytes that follow content of this size up to the next block. */
export function tarPadding(sizeBytes: number): number {
  return (TAR_BLOCK - (sizeBytes % TAR_BLOCK)) % TAR_BLOCK;
}

/** A file found in tar bytes; `offset` is that of its content. */
export interface TarFile {
  readonly path: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

/**
 * The files of a piece of tar that begins at a header, up to its end or the first zero block.
 * Undefined where the bytes are no tar that this format writes.
 */
export function readTarFiles(bytes: Uint8Array): readonly TarFile[] | undefined {
  const files: TarFile[] = [];
  let at = 0;
  let paxPath: string | undefined;
  while (at + TAR_BLOCK <= bytes.length && bytes[at] !== 0) {
    const header = bytes.subarray(at, at + TAR_BLOCK);
    const sizeBytes = Number.parseInt(text(header, 124, 11), 8);
    const kind = header[156];
    const content = at + TAR_BLOCK;
    if (!(sizeBytes >= 0) || content + sizeBytes > bytes.length || !checksumHolds(header)) {
      return undefined;
    }
    if (kind === 0x78) {
      paxPath = readPaxPath(bytes.subarray(content, content + sizeBytes));
      if (paxPath === undefined) return undefined;
    } else if (kind === 0x30) {
      files.push({ path: paxPath ?? headerPath(header), offset: content, sizeBytes });
      paxPath = undefined;
    } else {
      return undefined;
    }
    at = content + sizeBytes + tarPadding(sizeBytes);
  }
  return files;
}

interface SplitPath {
  readonly name: string;
  readonly prefix: string;
}

function splitPath(path: string): SplitPath | undefined {
  // Names beyond ASCII are left to pax: ustar says nothing about their encoding.
  if (Buffer.byteLength(path) !== path.length) return undefined;
  if (path.length <= NAME_MAX) return { name: path, prefix: '' };
  const slash = path.lastIndexOf('/', PREFIX_MAX);
  if (slash <= 0 || path.length - slash - 1 > NAME_MAX) return undefined;
  return { name: path.slice(slash + 1), prefix: path.slice(0, slash) };
}

interface UstarFields extends SplitPath {
  readonly sizeBytes: number;
  readonly mtimeS: number;
  readonly kind: '0' | 'x';
}

function writeUstar(target: Buffer, at: number, fields: UstarFields): void {
  const { name, prefix, sizeBytes, mtimeS, kind } = fields;
  target.fill(0, at, at + TAR_BLOCK);
  target.write(name, at, 'latin1');
  const numbers = `${octal(sizeBytes)}\0${octal(mtimeS)}\0        ${kind}`;
  target.write(`0000644\0${'0000000\0'.repeat(2)}${numbers}`, at + 100, 'latin1');
  target.write('ustar\x0000', at + 257, 'latin1');
  target.write('0000000\x000000000\0', at + 329, 'latin1');
  target.write(prefix, at + 345, 'latin1');
  let sum = 0;
  for (let i = at; i < at + TAR_BLOCK; i += 1) sum += target[i] ?? 0;
  target.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
}

function octal(value: number): string {
  return value.toString(8).padStart(11, '0');
}

/** `<length> <key>=<value>\n`, where length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

function readPaxPath(record: Uint8Array): string | undefined {
  return /^\d+ path=(.*)\n$/s.exec(decoder.decode(record))?.[1];
}

function headerPath(header: Uint8Array): string {
  const prefix = text(header, 345, PREFIX_MAX);
  const name = text(header, 0, NAME_MAX);
  return prefix === '' ? name : `${prefix}/${name}`;
}

function text(block: Uint8Array, from: number, length: number): string {
  const field = block.subarray(from, from + length);
  const end = field.indexOf(0);
  return decoder.decode(end < 0 ? field : field.subarray(0, end));
}

function checksumHolds(header: Uint8Array): boolean {
  let sum = 8 * 0x20;
  for (let i = 0; i < TAR_BLOCK; i += 1) if (i < 148 || i >= 156) sum += header[i] ?? 0;
  return Number.parseInt(text(header, 148, 6), 8) === sum;
}
