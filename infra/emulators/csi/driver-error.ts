/** The gRPC codes with which a CSI driver refuses. */
export type DriverCode =
  | 'InvalidArgument'
  | 'NotFound'
  | 'AlreadyExists'
  | 'ResourceExhausted'
  | 'FailedPrecondition'
  | 'Internal';

/** A refusal by a driver; its text is what sidecars write into Events. */
export class DriverError extends Error {
  readonly code: DriverCode;

  constructor(code: DriverCode, description: string) {
    super(`rpc error: code = ${code} desc = ${description}`);
    this.name = 'DriverError';
    this.code = code;
  }
}

/** What was asked for is under way: ask again a little later. Nothing is wrong, so no Event. */
export class StillWorkingError extends Error {
  constructor(what: string) {
    super(what);
    this.name = 'StillWorkingError';
  }
}

/** The text of whatever was thrown. */
export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
