/** Patches as an API server applies them, for the cluster double. */
import jsonPatch, { type Operation } from 'fast-json-patch';
import { isJsonObject, type JsonObject } from '../../shared/domain/json.ts';

/** Why a patch cannot be applied. */
export interface PatchError {
  readonly error: string;
}

/** Tells a refusal from a patched object. */
export function isPatchError(result: JsonObject | PatchError): result is PatchError {
  return Object.keys(result).length === 1 && typeof result.error === 'string';
}

/**
 * The object after the patch. Strategic merge and server-side apply are taken as merge patches: lists
 * are replaced, not merged by key.
 */
export function applyPatch(
  object: JsonObject,
  body: Uint8Array,
  contentType: string,
): JsonObject | PatchError {
  const patch: unknown = JSON.parse(Buffer.from(body).toString());
  if (contentType.startsWith('application/json-patch+json')) {
    if (!Array.isArray(patch)) return { error: 'a JSON patch is an array' };
    try {
      const copy = structuredClone(object);
      const result: unknown = jsonPatch.applyPatch(copy, patch as Operation[], true).newDocument;
      return isJsonObject(result) ? result : { error: 'the patch leaves no object' };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { error: message.split('\n')[0] ?? message };
    }
  }
  const merged = mergePatch(object, patch);
  return isJsonObject(merged) ? merged : { error: 'the patch leaves no object' };
}

/** RFC 7396. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  const result: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}
