/**
 * Ids of uploads as callers see them: OSS's own id and a marker that becomes metadata of the finished
 * object. When the reply to a completion is lost the upload is gone, and only the marker tells whether
 * the object there is the one this upload made: OSS promises no formula for ETags of multipart objects.
 */

/** Metadata that carries the marker. */
export const MARKER_HEADER = 'x-oss-meta-upload-marker';

/** An upload's id in its parts; ids from a listing have no marker. */
export interface UploadIdentity {
  readonly vendorId: string;
  readonly marker: string | undefined;
}

/** `<vendor id>.<marker>` */
export function joinUploadId(vendorId: string, marker: string): string {
  return `${vendorId}.${marker}`;
}

/** The parts of an id made by `joinUploadId`, or a vendor's id alone. */
export function splitUploadId(uploadId: string): UploadIdentity {
  const dot = uploadId.lastIndexOf('.');
  if (dot < 0) return { vendorId: uploadId, marker: undefined };
  return { vendorId: uploadId.slice(0, dot), marker: uploadId.slice(dot + 1) };
}
