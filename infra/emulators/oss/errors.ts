import { element, leaf, optionalLeaf, xmlDocument } from './xml.ts';

interface CatalogueEntry {
  readonly status: number;
  readonly message: string;
  readonly ec?: string;
}

/**
 * What OSS answers when it refuses: status and message (pages "HTTP 400 / 403 / 404 / 409 errors"
 * of help.aliyun.com/en/oss/user-guide), and the EC where the manual has a page of that number.
 */
const CATALOGUE = {
  AccessDenied: { status: 403, message: 'AccessDenied', ec: '0003-00000001' },
  BadRequest: { status: 400, message: 'The request is malformed.' },
  BucketAlreadyExists: {
    status: 409,
    message:
      'The requested bucket name is not available. The bucket namespace is shared by all users ' +
      'of the system. Please select a different name and try again.',
  },
  BucketNotEmpty: {
    status: 409,
    message: 'The bucket you tried to delete is not empty.',
  },
  EntityTooLarge: {
    status: 400,
    message: 'Your proposed upload exceeds the maximum allowed object size.',
  },
  EntityTooSmall: {
    status: 400,
    message: 'Your proposed upload smaller than the minimum allowed size.',
  },
  FileAlreadyExists: {
    status: 409,
    message: 'The object you specified already exists and can not be overwritten.',
    ec: '0026-00000002',
  },
  FileImmutable: {
    status: 409,
    message: 'The object you specified is immutable.',
    ec: '0026-00000005',
  },
  InternalError: {
    status: 500,
    message: 'Please contact the server administrator, oss@service.aliyun.com.',
  },
  InvalidAccessKeyId: {
    status: 403,
    message: 'The OSS Access Key Id you provided does not exist in our records.',
    ec: '0002-00000902',
  },
  InvalidArgument: { status: 400, message: 'Invalid Argument.' },
  InvalidBucketName: {
    status: 400,
    message: 'The specified bucket is not valid.',
  },
  InvalidBucketState: {
    status: 409,
    message: 'The state of the bucket does not allow this operation.',
  },
  InvalidDigest: {
    status: 400,
    message: 'The Content-MD5 you specified was invalid.',
  },
  InvalidEncryptionAlgorithmError: {
    status: 400,
    message: 'The Encryption Method you specified is not supported.',
  },
  InvalidObjectName: {
    status: 400,
    message: 'The specified object is not valid.',
  },
  InvalidObjectState: {
    status: 403,
    message: "The operation is not valid for the object's state",
  },
  InvalidPart: {
    status: 400,
    message:
      'One or more of the specified parts could not be found or the specified entity tag might ' +
      "not have matched the part's entity tag.",
  },
  InvalidPartOrder: {
    status: 400,
    message:
      'The list of parts was not in ascending order. Parts list must specified in order by part ' +
      'number.',
  },
  InvalidRange: {
    status: 416,
    message: 'The requested range cannot be satisfied',
  },
  InvalidSecurityToken: {
    status: 403,
    message: 'The security token you provided is invalid.',
    ec: '0002-00000006',
  },
  InvalidTag: { status: 400, message: 'The tag you provided is invalid.' },
  InvalidURI: {
    status: 400,
    message: "Couldn't parse the specified URI.",
  },
  InvalidWORMConfiguration: {
    status: 409,
    message: 'The WORM Configuration is invalid.',
    ec: '0027-00000003',
  },
  MalformedXML: {
    status: 400,
    message:
      'The XML you provided was not well-formed or did not validate against our published schema.',
  },
  MethodNotAllowed: {
    status: 405,
    message: 'The specified method is not allowed against this resource.',
  },
  NoSuchBucket: {
    status: 404,
    message: 'The specified bucket does not exist.',
    ec: '0015-00000101',
  },
  NoSuchKey: { status: 404, message: 'The specified key does not exist.', ec: '0026-00000001' },
  NoSuchLifecycle: {
    status: 404,
    message: 'No Row found in Lifecycle Table.',
  },
  NoSuchServerSideEncryptionRule: {
    status: 404,
    message: 'The server side encryption configuration does not exist',
  },
  NoSuchUpload: {
    status: 404,
    message:
      'The specified upload does not exist. The upload ID may be invalid, or the upload may ' +
      'have been aborted or completed.',
    ec: '0042-00000002',
  },
  NoSuchVersion: {
    status: 404,
    message: 'The specified version does not exist.',
  },
  NoSuchWORMConfiguration: {
    status: 404,
    message: 'The WORM Configuration does not exist.',
  },
  NotImplemented: {
    status: 501,
    message: 'A header you provided implies functionality that is not implemented.',
  },
  PreconditionFailed: {
    status: 412,
    message: 'At least one of the pre-conditions you specified did not hold.',
  },
  QpsLimitExceeded: {
    status: 503,
    message: 'QPS Limit Exceeded.',
  },
  RequestTimeTooSkewed: {
    status: 403,
    message: 'The difference between the request time and the current time is too large.',
    ec: '0002-00000504',
  },
  SecurityTokenExpired: {
    status: 403,
    message: 'The security token you provided has expired.',
    ec: '0002-00000007',
  },
  ServerBusy: { status: 503, message: 'The server is busy.' },
  SignatureDoesNotMatch: {
    status: 403,
    message:
      'The request signature we calculated does not match the signature you provided. Check ' +
      'your key and signing method.',
    ec: '0002-00000040',
  },
  TooManyBuckets: {
    status: 400,
    message: 'You have attempted to create more buckets than allowed.',
  },
  WORMConfigurationLocked: {
    status: 403,
    message: 'The WORM Configuration is locked.',
  },
} as const satisfies Record<string, CatalogueEntry>;

/** Every code this emulator refuses with. */
export type OssErrorCode = keyof typeof CATALOGUE;

/** What of a refusal is particular to the case. */
export interface RefusalDetails {
  readonly message?: string;
  readonly ec?: string;
  readonly status?: number;
  /** Further elements of the error document, such as `Key` or `StringToSign`. */
  readonly elements?: Readonly<Record<string, string>>;
  /** Headers that the refusal carries, such as `x-oss-delete-marker`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A refusal with the vendor's code; thrown by actions, turned into a reply in one place. */
export class OssError extends Error {
  readonly code: OssErrorCode;
  readonly status: number;
  readonly ec: string | undefined;
  readonly elements: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: OssErrorCode, details: RefusalDetails = {}) {
    const entry: CatalogueEntry = CATALOGUE[code];
    super(details.message ?? entry.message);
    this.code = code;
    this.status = details.status ?? entry.status;
    this.ec = details.ec ?? entry.ec;
    this.elements = details.elements ?? {};
    this.headers = details.headers ?? {};
  }
}

/** InvalidArgument about one argument, as OSS words it. */
export function invalidArgument(name: string, value: string, message: string): OssError {
  return new OssError('InvalidArgument', {
    message,
    elements: { ArgumentName: name, ArgumentValue: value },
  });
}

/** The error document of a refusal. */
export function errorDocument(error: OssError, requestId: string, hostId: string): string {
  const extra = Object.entries(error.elements).map(([name, value]) => leaf(name, value));
  return xmlDocument(
    element(
      'Error',
      leaf('Code', error.code),
      leaf('Message', error.message),
      leaf('RequestId', requestId),
      leaf('HostId', hostId),
      ...extra,
      optionalLeaf('EC', error.ec),
    ),
  );
}
