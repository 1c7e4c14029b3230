/** What a request is aimed at: bucket and key from path or Host, and the query. */
import { OssError } from './errors.ts';
import { BUCKET_NAME, KEY_BYTES_MAX } from './limits.ts';

/** Query parameters, decoded; a parameter without a value is ''. */
export class Query {
  private readonly values: ReadonlyMap<string, string>;

  constructor(values: ReadonlyMap<string, string>) {
    this.values = values;
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  get(name: string): string | undefined {
    return this.values.get(name);
  }

  /** All parameters in the order of their names' bytes. */
  sorted(): [string, string][] {
    return [...this.values].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}

/** Where a request goes. Bucket '' = the service, key '' = the bucket. */
export interface Target {
  readonly bucket: string;
  readonly key: string;
  readonly query: Query;
  /** The region that the Host header names, if it names one. */
  readonly hostRegion: string | undefined;
  readonly host: string;
}

/** `<bucket>.oss-cn-hangzhou[-internal].aliyuncs.com`, with nothing before the dot for the service. */
const VIRTUAL_HOST = /^(?:([^.]*)\.)?oss-([a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com$/;
const LOCAL_BUCKET_HOST = /^([^.]+)\.localhost$/;

/**
 * Reads request line and Host header. Path style for `localhost` and plain addresses, virtual-hosted
 * style for `<bucket>.oss-<region>.aliyuncs.com` and `<bucket>.localhost`.
 * @throws {OssError} InvalidURI, InvalidBucketName, InvalidObjectName
 */
export function parseTarget(url: string, hostHeader: string): Target {
  const host = hostHeader.replace(/:\d+$/, '').toLowerCase();
  const [rawPath = '/', rawQuery = ''] = splitOnce(url, '?');
  const path = decode(rawPath.replace(/^\//, ''));
  const virtual = VIRTUAL_HOST.exec(host);
  const local = LOCAL_BUCKET_HOST.exec(host);
  const hostBucket = virtual?.[1] ?? local?.[1];
  const [pathBucket = '', pathKey = ''] = splitOnce(path, '/');
  const bucket = hostBucket === undefined || hostBucket === '' ? pathBucket : hostBucket;
  const key = bucket === hostBucket ? path : pathKey;
  if (bucket !== '' && !BUCKET_NAME.test(bucket)) {
    throw new OssError('InvalidBucketName', { elements: { BucketName: bucket } });
  }
  checkKey(key);
  return { bucket, key, query: parseQuery(rawQuery), hostRegion: virtual?.[2], host };
}

/** @throws {OssError} InvalidObjectName */
export function checkKey(key: string): void {
  const tooLong = Buffer.byteLength(key) > KEY_BYTES_MAX;
  // A zero byte cannot stand in any XML reply; the vendor's answer to it is not known.
  if (!tooLong && !/^[/\\]/.test(key) && !key.includes('\0')) return;
  throw new OssError('InvalidObjectName', {
    ...(tooLong ? { message: 'The length of object name must be less than 1024.' } : {}),
    elements: { ObjectName: key },
  });
}

/** Percent-decodes. @throws {OssError} InvalidURI */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new OssError('InvalidURI', { elements: { URI: text } });
  }
}

/** Text before and after the first separator; without one the second is missing. */
export function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

function parseQuery(raw: string): Query {
  const values = new Map<string, string>();
  for (const pair of raw.split('&')) {
    if (pair === '') continue;
    const [name, value = ''] = splitOnce(pair.replaceAll('+', ' '), '=');
    values.set(decode(name), decode(value));
  }
  return new Query(values);
}
