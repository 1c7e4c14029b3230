import fastJsonPatch, { type Operation } from 'fast-json-patch';
import { isObject, type JsonObject } from '../json-tree.ts';

/** A JSON patch does not fit the document it was applied to. */
export class JsonPatchFailure extends Error {}

function isOperation(value: unknown): value is Operation {
  return isObject(value) && typeof value.op === 'string' && typeof value.path === 'string';
}

/** Applies an RFC 6902 patch to a copy. @throws JsonPatchFailure */
export function applyJsonPatch(document: JsonObject, patch: readonly unknown[]): JsonObject {
  const operations = patch.filter(isOperation);
  if (operations.length !== patch.length) throw new JsonPatchFailure('an operation is malformed');
  try {
    const { newDocument } = fastJsonPatch.applyPatch(document, operations, true, false);
    const result: unknown = newDocument;
    if (isObject(result)) return result;
  } catch (error) {
    const words = error instanceof Error ? error.message.split('\n')[0] : undefined;
    throw new JsonPatchFailure(words ?? 'the patch does not apply');
  }
  throw new JsonPatchFailure('the patch leaves no object');
}
