/** Which rights a request to an API server needs, and whether a ClusterRole grants them. */
import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

/** What one request asks for; `path` is that of a request that is about no resource. */
export interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly name: string;
  readonly path: string;
}

/** One rule of a ClusterRole. */
interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
}

const VERBS: Readonly<Record<string, string>> = {
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** The rules of the ClusterRoles in a manifest. */
export function readRights(file: string): readonly Rule[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).flatMap((document) => {
    const { kind, rules = [] } = document.toJS() as { kind: string; rules?: Rule[] };
    return kind === 'ClusterRole' ? rules : [];
  });
}

/** What a request (`<method> <path and query>`) needs. */
export function rightOf(request: string): Right {
  const [method = '', url = ''] = request.split(' ');
  const [path = ''] = url.split('?');
  const parts = path.split('/').slice(1);
  const isCore = parts[0] === 'api';
  const [group, ...rest] = isCore ? ['', ...parts.slice(2)] : [parts[1] ?? '', ...parts.slice(3)];
  const isResource = (isCore || parts[0] === 'apis') && rest.length > 0;
  if (!isResource) {
    return { verb: method.toLowerCase(), group: '', resource: '', name: '', path };
  }
  // `namespaces/<name>` alone is about the namespace, with more about what is in it.
  const inside = rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest;
  const [resource = '', name = '', subresource] = inside;
  const verb = method === 'GET' ? (name === '' ? 'list' : 'get') : (VERBS[method] ?? method);
  const full = subresource === undefined ? resource : `${resource}/${subresource}`;
  return { verb, group, resource: full, name, path };
}

/** Whether any of the rules grants it. */
export function isGranted(rules: readonly Rule[], right: Right): boolean {
  const holds = (list: readonly string[] = [], text: string) =>
    list.includes('*') || list.includes(text);
  return rules.some((rule) => {
    if (!holds(rule.verbs, right.verb)) return false;
    if (right.resource === '') {
      return (rule.nonResourceURLs ?? []).some((url) =>
        url.endsWith('*') ? right.path.startsWith(url.slice(0, -1)) : right.path === url,
      );
    }
    const isNamed = rule.resourceNames === undefined || rule.resourceNames.includes(right.name);
    return holds(rule.apiGroups, right.group) && holds(rule.resources, right.resource) && isNamed;
  });
}
