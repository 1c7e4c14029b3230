/** What a URL asks for: the vendor's RequestInfo. */

/** A request for objects of a resource. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string;
  /** The old form of watches: `/api/v1/watch/...`. */
  readonly watchPath: boolean;
}

const namespaceSubresources = new Set(['status', 'finalize']);

/** Reads `/api/v1/...` and `/apis/<group>/<version>/...`; undefined for anything else. */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    .map(decodeURIComponent);
  const [root, ...rest] = parts;
  let group = '';
  let version = '';
  let tail: string[];
  if (root === 'api') {
    [version = '', ...tail] = rest;
  } else if (root === 'apis') {
    [group = '', version = '', ...tail] = rest;
  } else return undefined;
  const watchPath = tail[0] === 'watch';
  if (watchPath) tail = tail.slice(1);
  if (tail.length === 0) return undefined;
  const base = { group, version, watchPath };
  const [first = '', second, third = ''] = tail;
  const isNamespace = first === 'namespaces' && (tail.length < 3 || isNamespaceSub(third, tail));
  if (first !== 'namespaces' || isNamespace) {
    if (tail.length > 3) return undefined;
    return { ...base, plural: first, namespace: undefined, name: second, subresource: third };
  }
  const [, namespace, plural = '', name, subresource = ''] = tail;
  if (tail.length > 5) return undefined;
  return { ...base, plural, namespace, name, subresource };
}

function isNamespaceSub(third: string, tail: readonly string[]): boolean {
  return tail.length === 3 && namespaceSubresources.has(third);
}

/** The verb of a request, as RBAC and metrics name it. */
export function verbOf(
  method: string,
  path: Pick<ResourcePath, 'name' | 'watchPath'>,
  watching: boolean,
): string {
  switch (method) {
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return path.name === undefined ? 'deletecollection' : 'delete';
    case 'GET':
      if (watching || path.watchPath) return 'watch';
      return path.name === undefined ? 'list' : 'get';
    default:
      return '';
  }
}
