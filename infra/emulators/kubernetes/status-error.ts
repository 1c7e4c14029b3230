/** What the API server refuses, as `metav1.Status`: code, reason, details and its own words. */
import type { JsonObject } from './json-tree.ts';

/** One field at fault, or another cause the vendor names. */
export interface StatusCause {
  readonly reason?: string;
  readonly message: string;
  readonly field?: string;
}

interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

interface StatusFields {
  readonly code: number;
  readonly reason?: string;
  readonly message: string;
  readonly details?: StatusDetails;
  readonly listContinue?: string;
}

/** A refusal: thrown anywhere, answered by the server as a Status. */
export class StatusError extends Error {
  readonly code: number;
  readonly reason: string | undefined;
  readonly details: StatusDetails | undefined;
  /** A continue token for going on inconsistently, in the answer to an expired one. */
  readonly listContinue: string | undefined;

  constructor(fields: StatusFields) {
    super(fields.message);
    this.code = fields.code;
    this.reason = fields.reason;
    this.details = fields.details;
    this.listContinue = fields.listContinue;
  }

  /** The body of the answer. */
  toStatus(): JsonObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.listContinue === undefined ? {} : { continue: this.listContinue },
      status: 'Failure',
      message: this.message,
      ...(this.reason === undefined ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

/** A resource and an object of it, as errors name them. */
export interface ErrorSubject {
  readonly group: string;
  readonly plural: string;
  readonly name: string;
}

function named(subject: ErrorSubject): string {
  const resource = subject.group === '' ? subject.plural : `${subject.plural}.${subject.group}`;
  return subject.name === '' ? resource : `${resource} "${subject.name}"`;
}

function detailsOf(subject: ErrorSubject): StatusDetails {
  return {
    ...(subject.name === '' ? {} : { name: subject.name }),
    ...(subject.group === '' ? {} : { group: subject.group }),
    kind: subject.plural,
  };
}

/** 404 for an object. */
export function notFound(subject: ErrorSubject): StatusError {
  return new StatusError({
    code: 404,
    reason: 'NotFound',
    message: `${named(subject)} not found`,
    details: detailsOf(subject),
  });
}

/** 404 for a resource that is not served. */
export function resourceNotFound(): StatusError {
  return new StatusError({
    code: 404,
    reason: 'NotFound',
    message: 'the server could not find the requested resource',
    details: {},
  });
}

/** 409: the name is taken, perhaps by an object that is on its way out. */
export function alreadyExists(subject: ErrorSubject, deleting: boolean): StatusError {
  return new StatusError({
    code: 409,
    reason: 'AlreadyExists',
    message: `${deleting ? 'object is being deleted: ' : ''}${named(subject)} already exists`,
    details: detailsOf(subject),
  });
}

/** 409: a precondition does not hold. */
export function conflict(subject: ErrorSubject, why: string): StatusError {
  return new StatusError({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${named(subject)}: ${why}`,
    details: detailsOf(subject),
  });
}

/** The words of a conflict over resourceVersion. */
export const modified =
  'the object has been modified; please apply your changes to the latest version and try again';

/** 403 by an admission rule or for want of rights. */
export function forbidden(
  subject: ErrorSubject,
  why: string,
  causes?: readonly StatusCause[],
): StatusError {
  return new StatusError({
    code: 403,
    reason: 'Forbidden',
    message: `${named(subject)} is forbidden: ${why}`,
    details: { ...detailsOf(subject), ...(causes === undefined ? {} : { causes }) },
  });
}

/** 400. */
export function badRequest(message: string): StatusError {
  return new StatusError({ code: 400, reason: 'BadRequest', message });
}

/** 405 for a verb that the resource does not have. */
export function methodNotAllowed(): StatusError {
  return new StatusError({
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
    details: {},
  });
}

/** 410 for a watch or an exact list from a revision that is gone. */
export function expired(message: string, listContinue?: string): StatusError {
  return new StatusError({
    code: 410,
    reason: 'Expired',
    message,
    ...(listContinue === undefined ? {} : { listContinue }),
  });
}

/** 500 with the server's words. */
export function internalError(message: string): StatusError {
  return new StatusError({
    code: 500,
    reason: 'InternalError',
    message: `Internal error occurred: ${message}`,
    details: { causes: [{ message }] },
  });
}
