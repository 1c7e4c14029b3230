import type { RawReply } from '../raw-api.ts';

/**
 * What may not be equal on two servers, and what stands in its place. A value is replaced only
 * where it has the right shape, so that a missing or malformed one still shows.
 */
const STRINGS: readonly [RegExp, string][] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, '<time>'],
  [/\b10\.96\.\d+\.\d+\b/g, '<service ip>'],
  [/\bkube-api-access-[a-z0-9]{5}\b/g, 'kube-api-access-<random>'],
  [/\bgenerated-[a-z0-9]{5}\b/g, 'generated-<random>'],
  // The comparison of its own structures that Go appends for a person to read.
  [/(Forbidden: (?:pod updates|spec is immutable)[^\n]*)\n[\s\S]*$/g, '$1'],
  [/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g, '<certificate>'],
  [/\b(127\.0\.0\.1|192\.0\.2\.1):\d+\b/g, '<server>'],
  [/\b(in record \(|current: )\d+/g, '$1<version>'],
];

/** Fields whose values differ by nature, whatever object they are in. */
const BY_KEY: Readonly<Record<string, RegExp>> = {
  resourceVersion: /^\d+$/,
  continue: /^.+$/,
  nodePort: /^3[0-2]\d{3}$/,
  healthCheckNodePort: /^3[0-2]\d{3}$/,
  storageVersionHash: /^.*$/,
  responseKind: /^.*$/,
  goVersion: /^.+$/,
  compiler: /^.+$/,
  platform: /^.+$/,
  buildDate: /^.*$/,
  gitCommit: /^.*$/,
  gitTreeState: /^.*$/,
};

const SHOWN_LENGTH = 400;

/** Keys that may also be absent on one side. */
const DROPPED = new Set(['storageVersionHash', 'gitCommit', 'buildDate', 'gitTreeState']);

/** The parts of a reply that a client acts on, in a form equal for equal behaviour. */
export interface ComparableReply {
  readonly status: number;
  readonly contentType: unknown;
  readonly warning: unknown;
  readonly body: unknown;
}

export function comparable(reply: RawReply): ComparableReply {
  return {
    status: reply.status,
    contentType: reply.headers['content-type'] ?? '',
    warning: reply.headers.warning ?? '',
    body: normalise(events(reply.body)),
  };
}

/** The events of a watch, which is one JSON document per line; any other body as it is. */
function events(body: unknown): unknown {
  if (typeof body !== 'string') return body;
  const lines = body.trimEnd().split('\n');
  return lines.every((line) => line.startsWith('{"type":')) ? lines.map(parseJson) : body;
}

function parseJson(text: string): unknown {
  return JSON.parse(text);
}

function normalise(value: unknown): unknown {
  if (typeof value === 'string') {
    return STRINGS.reduce((text, [shape, name]) => text.replace(shape, name), value);
  }
  if (Array.isArray(value)) return value.map((item) => normalise(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !DROPPED.has(key))
      .map(([key, content]) => [normalise(key), normaliseField(key, content)]),
  );
}

function normaliseField(key: string, content: unknown): unknown {
  if (key === 'managedFields' && Array.isArray(content)) return managers(content);
  const shape = BY_KEY[key];
  const scalar = typeof content === 'string' || typeof content === 'number';
  return shape !== undefined && scalar && shape.test(String(content))
    ? `<${key}>`
    : normalise(content);
}

/** Their order is that of their times, which have a resolution of one second. */
function managers(entries: readonly unknown[]): unknown[] {
  return entries
    .map((entry) => JSON.stringify(normalise(isObject(entry) ? { ...entry, time: '' } : entry)))
    .sort()
    .map(parseJson);
}

/** Where two replies differ: `path: real <a>, sandbox <b>`; of other statuses, what they say. */
export function replyDifferences(
  real: ComparableReply,
  sandbox: ComparableReply | undefined,
): string[] {
  if (sandbox?.status === real.status) return differences(real, sandbox);
  const [a, b] = [real, sandbox].map((reply) => `${reply?.status} ${shown(reply?.body)}`);
  return [`status: real ${a}, sandbox ${b}`];
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

/** Where two documents differ. */
function differences(real: unknown, sandbox: unknown, path = ''): string[] {
  if (isObject(real) && isObject(sandbox)) {
    const keys = new Set([...Object.keys(real), ...Object.keys(sandbox)]);
    return [...keys].sort().flatMap((key) => {
      const at = path === '' ? key : `${path}.${key}`;
      return differences(real[key], sandbox[key], at);
    });
  }
  if (Array.isArray(real) && Array.isArray(sandbox) && real.length === sandbox.length) {
    return real.flatMap((item, index) => differences(item, sandbox[index], `${path}[${index}]`));
  }
  if (JSON.stringify(real) === JSON.stringify(sandbox)) return [];
  return [`${path}: real ${shown(real)}, sandbox ${shown(sandbox)}`];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
