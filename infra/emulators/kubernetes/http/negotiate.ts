/** Content negotiation: JSON is what is spoken, whole objects or their metadata alone. */
import { StatusError } from '../status-error.ts';

/** The form of a reply. */
export type ReplyForm = 'object' | 'metadata';

interface Clause {
  readonly type: string;
  readonly params: Readonly<Record<string, string>>;
  readonly quality: number;
}

function parseAccept(header: string): Clause[] {
  const clauses = header
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .map((text) => {
      const [type = '', ...rest] = text.split(';').map((part) => part.trim());
      const params: Record<string, string> = {};
      for (const part of rest) {
        const [key = '', value = ''] = part.split('=');
        params[key] = value;
      }
      return { type, params, quality: params.q === undefined ? 1 : Number(params.q) };
    });
  return clauses.filter((c) => c.quality > 0).sort((a, b) => b.quality - a.quality);
}

function isJson(type: string): boolean {
  return type === 'application/json' || type === 'application/*' || type === '*/*';
}

/** 406 in the vendor's words. */
function notAcceptable(): StatusError {
  return new StatusError({
    code: 406,
    reason: 'NotAcceptable',
    message:
      '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, ' +
      'application/vnd.kubernetes.protobuf, application/json;stream=watch, ' +
      'application/vnd.kubernetes.protobuf;stream=watch',
    details: {},
  });
}

/** The form that the client likes best of those there are. @throws StatusError 406 */
export function negotiate(header: string | undefined): ReplyForm {
  if (header === undefined || header.trim() === '') return 'object';
  for (const { type, params } of parseAccept(header)) {
    if (!isJson(type)) continue;
    const as = params.as;
    if (as === undefined) return 'object';
    const metadata = as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList';
    if (metadata && params.g === 'meta.k8s.io') return 'metadata';
  }
  throw notAcceptable();
}

/**
 * The version of aggregated discovery that the client asks for and the server has; undefined where
 * the client takes the classic documents. @throws StatusError 406 where it takes neither
 */
export function aggregatedVersion(
  header: string | undefined,
  served: readonly string[],
): string | undefined {
  if (header === undefined || header.trim() === '') return undefined;
  for (const { type, params } of parseAccept(header)) {
    if (!isJson(type)) continue;
    if (params.as === undefined) return undefined;
    if (params.as !== 'APIGroupDiscoveryList' || params.g !== 'apidiscovery.k8s.io') continue;
    if (params.v !== undefined && served.includes(params.v)) return params.v;
  }
  throw new StatusError({
    code: 406,
    reason: 'NotAcceptable',
    message:
      'only the following media types are accepted: application/json, application/yaml, ' +
      'application/vnd.kubernetes.protobuf',
  });
}
