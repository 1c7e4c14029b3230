/** Label and field selectors as an API server reads them, for the cluster double. */
import { isJsonObject, type JsonObject } from '../../shared/domain/json.ts';
import { type LabelSelector, matchesSelector } from '../../shared/domain/label-selector.ts';

/** The structure behind a `labelSelector` query parameter. */
function parseLabelSelector(text: string): LabelSelector {
  const requirements = text.match(/(?:[^,(]|\([^)]*\))+/g) ?? [];
  return {
    matchExpressions: requirements.map((requirement) => {
      const set = /^\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*$/.exec(requirement);
      if (set !== null) {
        const values = (set[3] ?? '').split(',').map((v) => v.trim());
        return { key: set[1] ?? '', operator: set[2] === 'in' ? 'In' : 'NotIn', values };
      }
      const equal = /^\s*([^!=\s]+)\s*(!=|==|=)\s*(\S*)\s*$/.exec(requirement);
      if (equal !== null) {
        const operator = equal[2] === '!=' ? 'NotIn' : 'In';
        return { key: equal[1] ?? '', operator, values: [equal[3] ?? ''] };
      }
      const key = requirement.trim();
      return key.startsWith('!')
        ? { key: key.slice(1), operator: 'DoesNotExist' }
        : { key, operator: 'Exists' };
    }),
  };
}

/** Whether the object's labels match a `labelSelector` query parameter. */
export function matchesLabels(object: JsonObject, selector: string): boolean {
  const metadata = isJsonObject(object.metadata) ? object.metadata : {};
  const labels = isJsonObject(metadata.labels) ? metadata.labels : {};
  const texts = Object.entries(labels).map(([k, v]): [string, string] => [k, String(v)]);
  return matchesSelector(parseLabelSelector(selector), Object.fromEntries(texts));
}

/** Whether the object matches a `fieldSelector` query parameter (`path=value`, `path!=value`). */
export function matchesFields(object: JsonObject, selector: string): boolean {
  return selector.split(',').every((requirement) => {
    const match = /^([^!=]+)(!=|==|=)(.*)$/.exec(requirement);
    if (match === null) return false;
    const [, path = '', operator = '', wanted = ''] = match;
    const found = path
      .split('.')
      .reduce<unknown>((at, name) => (isJsonObject(at) ? at[name] : undefined), object);
    const text = found === undefined || found === null ? '' : String(found);
    return operator === '!=' ? text !== wanted : text === wanted;
  });
}
