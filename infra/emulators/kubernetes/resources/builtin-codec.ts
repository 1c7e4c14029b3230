import { applyDefaults } from '../defaults/apply-defaults.ts';
import { isObject, type JsonObject } from '../json-tree.ts';
import { structShape } from '../managed-fields/shape.ts';
import { type Decoded, decodeStruct, encodeStruct } from '../schema/decode.ts';
import { type Struct, structOfKind } from '../schema/struct-table.ts';
import { conversionOf } from './builtin-conversion.ts';
import type { ResourceInfo } from './resource-table.ts';
import { apiVersionOf, groupResource } from './resource-table.ts';
import type { KindCodec } from './served-resource.ts';

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

/** `stringData` is write-only: it goes into `data` when a Secret is read from the wire. */
function foldStringData(object: JsonObject): void {
  const plain = object.stringData;
  if (!isObject(plain)) return;
  const data: JsonObject = isObject(object.data) ? { ...object.data } : {};
  for (const [key, text] of Object.entries(plain)) data[key] = base64(String(text));
  object.data = data;
  delete object.stringData;
}

/** A converted object in the canonical form of its new struct. */
function recode(struct: Struct, object: JsonObject): JsonObject {
  return encodeStruct(struct, decodeStruct(struct, object).object);
}

/** The codec of a built-in kind: Go's struct, its defaults, and what version is stored. */
export function builtinCodec(info: ResourceInfo): KindCodec {
  const struct = structOfKind(apiVersionOf(info), info.kind);
  const conversion = conversionOf(groupResource(info), info.version);
  const decode = (raw: JsonObject): Decoded => {
    const { apiVersion: _apiVersion, kind: _kind, ...rest } = raw;
    const decoded = decodeStruct(struct, rest);
    if (info.kind === 'Secret') foldStringData(decoded.object);
    return decoded;
  };
  let empty: JsonObject | undefined;
  return {
    decode,
    applyDefaults: (object) => applyDefaults(struct, object),
    encode: (object) => encodeStruct(struct, object),
    readsAsStored: conversion === undefined,
    toStorage: (object) => {
      if (conversion === undefined) return object;
      const { apiVersion, kind } = conversion.storedAs;
      return recode(structOfKind(apiVersion, kind), conversion.toStorage(object));
    },
    fromStorage: (object) =>
      conversion === undefined ? object : recode(struct, conversion.fromStorage(object)),
    get empty() {
      empty ??= encodeStruct(struct, {});
      return empty;
    },
    shape: structShape(struct),
  };
}
