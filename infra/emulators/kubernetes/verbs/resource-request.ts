import { mediaType } from '../http/body.ts';
import type { ReplyForm } from '../http/negotiate.ts';
import { readWriteOptions, type WriteOptions } from '../read/query-options.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import type { UserInfo, Writer } from '../writer.ts';

/** A request for a resource that is served, its head understood. */
export interface ResourceRequest {
  readonly resource: ServedResource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string;
  readonly query: URLSearchParams;
  readonly form: ReplyForm;
  readonly user: UserInfo;
  readonly userAgent: string;
  readonly contentType: string;
  /** '' where there is none. */
  readonly body: string;
  /** Texts for the `Warning` headers of the reply, refusals included. */
  readonly warnings: string[];
}

/** How a request writes: its options, and who owns what it sets. */
export function writerOf(
  request: ResourceRequest,
  kind: string,
  isApply = false,
): { readonly writer: Writer; readonly options: WriteOptions } {
  const options = readWriteOptions(request.query, kind, isApply);
  const [agent = ''] = request.userAgent.split('/');
  return {
    options,
    writer: {
      user: request.user,
      manager: options.fieldManager || agent || 'unknown',
      dryRun: options.dryRun,
      fieldValidation: options.fieldValidation,
      warnings: request.warnings,
    },
  };
}

/** The media type of a request's body. */
export function bodyType(request: ResourceRequest): string {
  return mediaType(request.contentType);
}
