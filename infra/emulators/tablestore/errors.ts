/**
 * HTTP status of each code; those of OTSSessionNotExist and OTSDataOutOfRange are a guess.
 * https://help.aliyun.com/en/tablestore/developer-reference/error-codes
 */
const STATUS_BY_CODE = {
  OTSAuthFailed: 403,
  OTSNoPermissionAccess: 403,
  OTSConditionCheckFail: 403,
  OTSQuotaExhausted: 403,
  OTSNotEnoughCapacityUnit: 403,
  OTSObjectNotExist: 404,
  OTSTableNotReady: 404,
  OTSSessionNotExist: 404,
  OTSMethodNotAllowed: 405,
  OTSObjectAlreadyExist: 409,
  OTSRowOperationConflict: 409,
  OTSRequestBodyTooLarge: 413,
  OTSParameterInvalid: 400,
  OTSInvalidPK: 400,
  OTSDataOutOfRange: 400,
  OTSInternalServerError: 500,
  OTSServerBusy: 503,
  OTSPartitionUnavailable: 503,
} as const;

/** A code of the vendor. */
export type ErrorCode = keyof typeof STATUS_BY_CODE;

/** A refusal, as the vendor words it: becomes a protobuf `Error` with the vendor's HTTP status. */
export class TablestoreError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = 'TablestoreError';
    this.code = code;
  }

  /** The HTTP status that goes with the code. */
  get status(): number {
    return STATUS_BY_CODE[this.code];
  }
}

/** The most frequent refusal: 400 OTSParameterInvalid. */
export function invalid(message: string): TablestoreError {
  return new TablestoreError('OTSParameterInvalid', message);
}

/** The table or index named in a request is not there. */
export function noSuchTable(): TablestoreError {
  return new TablestoreError('OTSObjectNotExist', 'Requested table does not exist.');
}

/** The condition of a write does not hold. */
export function conditionFailed(): TablestoreError {
  return new TablestoreError('OTSConditionCheckFail', 'Condition check failed.');
}

/** Someone else holds the row: a local transaction on its partition key. */
export function rowConflict(): TablestoreError {
  return new TablestoreError(
    'OTSRowOperationConflict',
    'Data is being modified by the other request.',
  );
}
