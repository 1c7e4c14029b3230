/** Uploads in parts: each step may be repeated after a lost reply, by whoever resumes the run. */
import { AlreadyExistsError, type BackupCentreError, NotFoundError } from '../../domain/errors.ts';
import type { ObjectInfo, PutOptions, UploadedPart } from '../../ports/object-store.ts';
import { contentMd5, infoFromHeaders, plainEtag } from './object-info.ts';
import type { OssCalls } from './oss-calls.ts';
import type { SdkParts } from './oss-sdk.ts';
import { joinUploadId, MARKER_HEADER, splitUploadId } from './upload-id.ts';
import { asBuffer, type WriteRules } from './write-rules.ts';

/** Entries of one reply (OSS limit for parts and uploads). */
const PAGE_MAX = 1000;
/** Parts of an upload at most (OSS limit), hence pages of a parts list. */
const PART_PAGES_MAX = 10;
/** Pages of unfinished uploads read at most: a million uploads is no state we ever make. */
const UPLOAD_PAGES_MAX = 1000;

/** Multipart uploads of one bucket. */
export class MultipartUploads {
  private readonly calls: OssCalls;
  private readonly rules: WriteRules;

  constructor(calls: OssCalls, rules: WriteRules) {
    this.calls = calls;
    this.rules = rules;
  }

  /** A lost reply leaves an empty upload behind: whoever cleans up lists uploads by prefix. */
  async start(key: string, options: PutOptions): Promise<string> {
    await this.rules.refuseIfPresent(key, options);
    const marker = this.calls.random(8);
    const headers = { ...(await this.rules.headers(options)), [MARKER_HEADER]: marker };
    const { uploadId } = await this.calls.guarded(
      `start an upload to ${key}`,
      async (sdk) =>
        await sdk.initMultipartUpload(key, {
          headers: { ...headers },
          mime: this.rules.mimeOf(options),
        }),
      async (error) => {
        throw await this.rules.withPresent(key, error);
      },
    );
    return joinUploadId(uploadId, marker);
  }

  async uploadPart(
    key: string,
    uploadId: string,
    number: number,
    body: Uint8Array,
  ): Promise<UploadedPart> {
    const { vendorId } = splitUploadId(uploadId);
    const buffer = asBuffer(body);
    const headers = { 'Content-MD5': contentMd5(body) };
    const reply = await this.calls.repeat(`upload part ${number} to ${key}`, async (sdk) =>
      sdk.uploadPart(key, vendorId, number, buffer, 0, buffer.length, { headers: { ...headers } }),
    );
    return { number, etag: plainEtag(reply.etag) };
  }

  async listParts(key: string, uploadId: string): Promise<readonly UploadedPart[]> {
    const { vendorId } = splitUploadId(uploadId);
    const parts: UploadedPart[] = [];
    let marker = '';
    for (let page = 0; page < PART_PAGES_MAX; page += 1) {
      const query = { 'max-parts': PAGE_MAX, ...(marker && { 'part-number-marker': marker }) };
      const reply = await this.calls.repeat(`list the parts of ${key}`, async (sdk) =>
        sdk.listParts(key, vendorId, { ...query }),
      );
      for (const part of asArray(reply.parts)) {
        parts.push({ number: Number(part.PartNumber), etag: plainEtag(part.ETag) });
      }
      if (reply.isTruncated !== 'true') break;
      marker = reply.nextPartNumberMarker;
    }
    return parts.sort((a, b) => a.number - b.number);
  }

  /** See the port: a completion whose reply was lost is recognised by the upload's marker. */
  async complete(
    key: string,
    uploadId: string,
    parts: readonly UploadedPart[],
    options: PutOptions,
  ): Promise<ObjectInfo> {
    const { vendorId, marker } = splitUploadId(uploadId);
    const earlier = async () => await this.finishedBy(key, marker);
    if (options.ifAbsent === true && (await this.rules.overwritesSilently())) {
      const found = await earlier();
      if (found !== undefined) return found;
      await this.rules.refuseIfPresent(key, options);
    }
    const headers = await this.rules.headers({ ...options, encrypt: false });
    return await this.calls.guarded(
      `complete the upload to ${key}`,
      async (sdk) => {
        await sdk.completeMultipartUpload(key, vendorId, parts, { headers: { ...headers } });
        // The reply tells neither size nor time.
        const { res } = await sdk.head(key);
        return infoFromHeaders(key, res.headers, Number(res.headers['content-length']));
      },
      async (error) => {
        if (!(error instanceof NotFoundError || error instanceof AlreadyExistsError)) throw error;
        const found = await earlier();
        if (found !== undefined) return found;
        throw await this.rules.withPresent(key, error);
      },
    );
  }

  async abort(key: string, uploadId: string): Promise<void> {
    const { vendorId } = splitUploadId(uploadId);
    await this.calls.guarded(
      `abort the upload to ${key}`,
      async (sdk) => {
        await sdk.abortMultipartUpload(key, vendorId);
      },
      async (error: BackupCentreError) => {
        if (!(error instanceof NotFoundError)) throw error;
      },
    );
  }

  async list(
    prefix: string,
  ): Promise<readonly { readonly key: string; readonly uploadId: string }[]> {
    const uploads: { key: string; uploadId: string }[] = [];
    let markers: Record<string, string> = {};
    for (let page = 0; page < UPLOAD_PAGES_MAX; page += 1) {
      const query = {
        ...(prefix === '' ? {} : { prefix }),
        'max-uploads': PAGE_MAX,
        'encoding-type': 'url',
        ...markers,
      };
      const reply = await this.calls.repeat(`list uploads to '${prefix}'`, async (sdk) =>
        sdk.listUploads({ ...query }),
      );
      for (const { name, uploadId } of reply.uploads) {
        uploads.push({ key: decodeURIComponent(name), uploadId });
      }
      if (!reply.isTruncated) break;
      markers = {
        'key-marker': decodeURIComponent(reply.nextKeyMarker),
        'upload-id-marker': reply.nextUploadIdMarker,
      };
    }
    return uploads;
  }

  /** The object at `key` if the upload with this marker made it. */
  private async finishedBy(
    key: string,
    marker: string | undefined,
  ): Promise<ObjectInfo | undefined> {
    const headers = await this.rules.headersOf(key);
    if (headers === undefined || marker === undefined || headers[MARKER_HEADER] !== marker) {
      return undefined;
    }
    return infoFromHeaders(key, headers, Number(headers['content-length']));
  }
}

function asArray<T>(parts: SdkParts<T>): readonly T[] {
  return isArray(parts) ? parts : [parts];
}

/** Array.isArray does not narrow readonly arrays. */
function isArray<T>(parts: SdkParts<T>): parts is readonly T[] {
  return Array.isArray(parts);
}
