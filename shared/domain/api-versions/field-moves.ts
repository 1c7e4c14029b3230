/**
 * The moves that conversions between API versions are made of. A move changes an object in place, says in
 * words what a user should know of, and names the fields it may touch: all others pass through unchanged.
 * Paths are dotted; `[]` after a field stands for every element of that list.
 */
import { isJsonObject, type JsonObject, objectsAt } from '../json.ts';

/** One change of shape. */
export interface FieldMove {
  /** Paths that may change, with all below them. */
  readonly touches: readonly string[];
  apply(object: JsonObject): readonly string[];
}

/** The object that holds the last field of a path, once per element of the lists on the way. */
function holdersAt(
  object: JsonObject,
  path: string,
): { readonly holders: readonly JsonObject[]; readonly field: string } {
  const steps = path.split('.');
  const field = steps.pop() ?? '';
  let holders: JsonObject[] = [object];
  for (const step of steps) {
    holders = holders.flatMap((holder) => {
      if (step.endsWith('[]')) return objectsAt(holder, step.slice(0, -2));
      const next = holder[step];
      return isJsonObject(next) ? [next] : [];
    });
  }
  return { holders, field };
}

/** A field has another name beside its old one's place; a value under the new name wins. */
export function renamed(path: string, to: string): FieldMove {
  const parent = path.slice(0, path.lastIndexOf('.') + 1);
  return {
    touches: [path, `${parent}${to}`],
    apply: (object) => {
      const { holders, field } = holdersAt(object, path);
      const changes: string[] = [];
      for (const holder of holders) {
        if (holder[field] === undefined) continue;
        holder[to] ??= holder[field];
        delete holder[field];
        changes.push(`${path}: now ${to}`);
      }
      return changes.slice(0, 1);
    },
  };
}

/** A field that the old version filled in by itself, or that the new one demands. */
export function defaulted(path: string, value: unknown): FieldMove {
  return {
    touches: [path],
    apply: (object) => {
      const { holders, field } = holdersAt(object, path);
      const lacking = holders.filter((holder) => holder[field] === undefined);
      for (const holder of lacking) holder[field] = structuredClone(value);
      return lacking.length === 0 ? [] : [`${path}: ${JSON.stringify(value)}, as it was meant`];
    },
  };
}

/** A field that the new version does not have. */
export function dropped(path: string, why: string): FieldMove {
  return {
    touches: [path],
    apply: (object) => {
      const { holders, field } = holdersAt(object, path);
      const having = holders.filter((holder) => holder[field] !== undefined);
      for (const holder of having) delete holder[field];
      return having.length === 0 ? [] : [`${path}: dropped, ${why}`];
    },
  };
}

/** A field's value takes another shape; `reshape` returns undefined where there is nothing to do. */
export function reshaped(path: string, reshape: (value: unknown) => unknown): FieldMove {
  return {
    touches: [path],
    apply: (object) => {
      const { holders, field } = holdersAt(object, path);
      let count = 0;
      for (const holder of holders) {
        const value = reshape(holder[field]);
        if (value === undefined) continue;
        holder[field] = value;
        count += 1;
      }
      return count === 0 ? [] : [`${path}: in the shape of the new version`];
    },
  };
}

/** A move over several fields of one place, written out. */
export function rewritten(
  touches: readonly string[],
  apply: (object: JsonObject) => readonly string[],
): FieldMove {
  return { touches, apply };
}
