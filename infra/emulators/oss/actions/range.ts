import { OssError } from '../errors.ts';

/** Bytes `first` to `last`, inclusive. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

const RANGE = /^bytes=(\d*)-(\d*)$/;

/**
 * The part that a Range header asks for; undefined means the whole object with status 200.
 *
 * OSS is unusual: a range that does not lie inside the object is ignored, also when only its end is
 * outside. `x-oss-range-behavior: standard` asks for the HTTP behaviour
 * (help.aliyun.com/en/oss/how-to-obtain-oss-resources-by-segmenting-http-range-requests).
 * @throws {OssError} InvalidRange, with standard behaviour only
 */
export function readRange(
  headers: Readonly<Record<string, string>>,
  sizeBytes: number,
): ByteRange | undefined {
  const match = RANGE.exec(headers.range ?? '');
  if (match === null) return undefined;
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return undefined;
  if (from !== '' && to !== '' && Number(from) > Number(to)) return undefined;
  const first = from === '' ? sizeBytes - Number(to) : Number(from);
  const last = from === '' || to === '' ? sizeBytes - 1 : Number(to);
  const isInside = first >= 0 && first <= last && last < sizeBytes;
  if (isInside) return { first, last };
  if (headers['x-oss-range-behavior'] !== 'standard') return undefined;
  if (first >= sizeBytes) {
    throw new OssError('InvalidRange', {
      elements: { ActualObjectSize: String(sizeBytes), RangeRequested: headers.range ?? '' },
      headers: { 'content-range': `bytes */${sizeBytes}` },
    });
  }
  return { first: Math.max(first, 0), last: Math.min(last, sizeBytes - 1) };
}
