import type { FieldError } from '../field-error.ts';
import type { JsonObject } from '../json-tree.ts';
import type { Shape } from '../managed-fields/shape.ts';
import type { Decoded } from '../schema/decode.ts';
import type { ResourceInfo } from './resource-table.ts';

/**
 * A kind at one version. Objects in hand have no `apiVersion` and `kind` at the top: the resource
 * that they were asked for says both.
 */
export interface KindCodec {
  /** Reads what a client sent. @throws DecodeError */
  decode(raw: JsonObject): Decoded;
  /** Fills in what a client left open. */
  applyDefaults(object: JsonObject): void;
  /** The canonical form, as it goes over the wire. */
  encode(object: JsonObject): JsonObject;
  /** Whether objects are stored in this very version: a list may then copy the store's bytes. */
  readonly readsAsStored: boolean;
  toStorage(object: JsonObject): JsonObject;
  fromStorage(object: JsonObject): JsonObject;
  /** The canonical form of an empty object. */
  readonly empty: JsonObject;
  readonly shape: Shape;
}

/** Checks a name, or a prefix for a generated one; returns what is wrong with it. */
export type NameRule = (name: string, prefix: boolean) => readonly string[];

/** What a kind does beyond storing: rules of its own at each write. */
export interface Strategy {
  readonly checkName: NameRule;
  /** `status` is written through its subresource only. */
  readonly hasStatus: boolean;
  /** A new object may bring its status along all the same. */
  readonly acceptsStatusAtCreation: boolean;
  /** `metadata.generation` counts changes of these fields; absent: no generation. */
  readonly generationFields?: readonly string[] | 'all' | 'allButStatus';
  /** A PUT to a name that does not exist creates it. */
  readonly createsOnUpdate: boolean;
  /** A PUT without resourceVersion overwrites whatever is there. */
  readonly updatesUnconditionally: boolean;
  /** `warn` tells the client something beside the reply. */
  prepareForCreate?(object: JsonObject, warn: (text: string) => void): void;
  prepareForUpdate?(object: JsonObject, old: JsonObject): void;
  validate?(object: JsonObject): FieldError[];
  validateUpdate?(object: JsonObject, old: JsonObject): FieldError[];
  validateStatusUpdate?(object: JsonObject, old: JsonObject): FieldError[];
  /** Values for field selectors beyond metadata.name and metadata.namespace. */
  selectableFields?(object: JsonObject): Readonly<Record<string, string>>;
}

/** A resource that requests can address. */
export interface ServedResource {
  readonly info: ResourceInfo;
  readonly apiVersion: string;
  /** `deployments.apps`: resources with one storage share it (events, autoscalers). */
  readonly storageKey: string;
  /** Defined by a CustomResourceDefinition: items of its lists carry apiVersion and kind. */
  readonly custom: boolean;
  readonly codec: KindCodec;
  readonly strategy: Strategy;
  /** The OpenAPI schema of a custom resource. */
  readonly schemaDocument?: JsonObject;
  /** Where a custom resource keeps its replicas, if it has a scale subresource. */
  readonly scalePaths?: ScalePaths;
}

/** Paths of the fields behind a `scale` subresource. */
export interface ScalePaths {
  readonly specReplicas: readonly string[];
  readonly statusReplicas: readonly string[];
  readonly labelSelector?: readonly string[];
}
