import { isObject, type JsonObject } from '../json-tree.ts';

/** The object as clients see it: with kind and apiVersion in front. */
export function withKind(
  object: JsonObject,
  type: { readonly apiVersion: string; readonly kind: string; readonly custom: boolean },
): JsonObject {
  const { apiVersion, kind } = type;
  const rest = isObject(object) ? object : {};
  return type.custom ? { apiVersion, kind, ...rest } : { kind, apiVersion, ...rest };
}
