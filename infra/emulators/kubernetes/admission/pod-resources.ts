/** What a pod asks for as a whole. @see component-helpers/resource, v1.34 */
import { type JsonObject, objectsAt, textAt, textMapAt } from '../json-tree.ts';
import { addQuantities, compareQuantities } from '../schema/scalars.ts';

/** Quantities by the name of what they are of. */
export type ResourceList = Record<string, string>;

/** Resources that a pod may state for itself, in its containers' stead. */
const podLevel = new Set(['cpu', 'memory']);

/** Adds the second list to the first. */
export function addResources(sum: ResourceList, more: ResourceList): void {
  for (const [name, value] of Object.entries(more)) {
    sum[name] = addQuantities(sum[name] ?? '0', value);
  }
}

function raiseTo(list: ResourceList, other: ResourceList): void {
  for (const [name, value] of Object.entries(other)) {
    const had = list[name];
    if (had === undefined || compareQuantities(value, had) > 0) list[name] = value;
  }
}

/** Requests or limits of all containers; of init containers the greatest need counts. */
export function podResources(spec: JsonObject, side: 'requests' | 'limits'): ResourceList {
  const sum: ResourceList = {};
  for (const container of objectsAt(spec, 'containers')) {
    addResources(sum, textMapAt(container, 'resources', side));
  }
  const sidecars: ResourceList = {};
  const starting: ResourceList = {};
  for (const container of objectsAt(spec, 'initContainers')) {
    const own = textMapAt(container, 'resources', side);
    if (textAt(container, 'restartPolicy') === 'Always') {
      addResources(sum, own);
      addResources(sidecars, own);
      raiseTo(starting, sidecars);
    } else {
      const need = { ...own };
      addResources(need, sidecars);
      raiseTo(starting, need);
    }
  }
  raiseTo(sum, starting);
  for (const [name, value] of Object.entries(textMapAt(spec, 'resources', side))) {
    if (podLevel.has(name)) sum[name] = value;
  }
  return sum;
}
