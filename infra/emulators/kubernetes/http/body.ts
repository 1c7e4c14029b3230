import type { IncomingMessage } from 'node:http';
import { parse as parseYaml } from 'yaml';
import { isObject, type JsonObject } from '../json-tree.ts';
import { badRequest, StatusError } from '../status-error.ts';
import { jsonProblem } from './json-scan.ts';

/** Largest request body. @see apiserver MaxRequestBodyBytes */
const bodyBytesMax = 3 * 1024 * 1024;

/** The whole body. @throws StatusError 413 */
export async function readRequestBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part = chunk as Buffer;
    bytes += part.length;
    if (bytes <= bodyBytesMax) chunks.push(part);
  }
  if (bytes > bodyBytesMax) {
    throw new StatusError({
      code: 413,
      reason: 'RequestEntityTooLarge',
      message: `Request entity too large: limit is ${bodyBytesMax}`,
    });
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `application/json` out of `application/json; charset=utf-8`. */
export function mediaType(header: string | undefined): string {
  return (header ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

function unsupported(): StatusError {
  return new StatusError({
    code: 415,
    reason: 'UnsupportedMediaType',
    message:
      'the body of the request was in an unknown format - accepted media types include: ' +
      'application/json, application/yaml, application/vnd.kubernetes.protobuf',
  });
}

/** Bytes of a body that messages repeat at most. @see apiserver handlers summarizeData */
const summaryBytesMax = 30;

/** The start of a body, for messages: as text where it looks like an object, else in hexadecimal. */
export function summaryOf(text: string): string {
  if (text === '') return '<empty>';
  const bytes = Buffer.from(text);
  const start = bytes.subarray(0, summaryBytesMax).toString(text.startsWith('{') ? 'utf8' : 'hex');
  return bytes.length > summaryBytesMax ? `${start} ...` : start;
}

/** Reads an object in JSON or YAML. @throws StatusError 400 or 415 */
export function parseObjectBody(text: string, contentType: string, kind: string): JsonObject {
  const unreadable = (why: string): StatusError =>
    badRequest(
      `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; ` +
        `json parse error: ${why} (${summaryOf(text)})`,
    );
  let value: unknown;
  if (contentType === '' || contentType === 'application/json') {
    try {
      value = JSON.parse(text);
    } catch {
      throw unreadable(jsonProblem(text));
    }
  } else if (contentType === 'application/yaml') {
    try {
      value = parseYaml(text);
    } catch (error) {
      throw unreadable(error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'no YAML');
    }
  } else throw unsupported();
  if (isObject(value)) return value;
  const shown = Array.isArray(value) ? 'array' : typeof value;
  throw unreadable(
    `json: cannot unmarshal ${shown} into Go value of type struct { APIVersion string ` +
      '"json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }',
  );
}
