/**
 * The Go structs behind the built-in kinds, read from builtin-schemas.json (written by generate.go
 * out of Kubernetes 1.34). One line per struct, one word per field:
 *
 *     name:type[*][?][0][!][|d=default][|l=listType][|k=mapKeys][|m=mapType][|i=itemType]
 *         [|s=patchStrategy][|p=mergeKey]
 *
 * `*` pointer, `?` omitempty, `0` omitzero, `!` required in OpenAPI. Types: a scalar, `[]type`,
 * `{}type` (map from text), `@struct`.
 */
import table from './builtin-schemas.json' with { type: 'json' };

/** Leaves of the JSON form, some with a syntax of their own. */
export type Scalar =
  | 'string'
  | 'bool'
  | 'int32'
  | 'int64'
  | 'float'
  | 'bytes'
  | 'time'
  | 'microTime'
  | 'duration'
  | 'quantity'
  | 'intOrString'
  | 'raw';

/** The type of a field. */
export type FieldType =
  | { readonly form: 'scalar'; readonly scalar: Scalar }
  | { readonly form: 'list'; readonly item: FieldType }
  | { readonly form: 'map'; readonly value: FieldType }
  | { readonly form: 'struct'; readonly name: string };

/** One field of a struct. */
export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly pointer: boolean;
  readonly omitEmpty: boolean;
  readonly omitZero: boolean;
  readonly required: boolean;
  readonly defaultValue?: unknown;
  /** `atomic`, `set` or `map`: how server-side apply merges the list. */
  readonly listType?: string;
  readonly listKeys: readonly string[];
  /** The map or struct is replaced as a whole by server-side apply. */
  readonly atomic: boolean;
  /** The items of the list are replaced as a whole. */
  readonly atomicItems: boolean;
  /** Whether a strategic merge patch merges the list, and by which key ('' = by value). */
  readonly patchMerge: boolean;
  readonly retainKeys: boolean;
  readonly patchMergeKey: string;
}

/** A struct with its fields in the order of Go, which is the order on the wire. */
export interface Struct {
  /** `core/v1.Pod` */
  readonly name: string;
  readonly fields: readonly Field[];
  readonly byName: ReadonlyMap<string, Field>;
}

const scalars: ReadonlySet<string> = new Set([
  'string',
  'bool',
  'int32',
  'int64',
  'float',
  'bytes',
  'time',
  'microTime',
  'duration',
  'quantity',
  'intOrString',
  'raw',
]);

function isScalar(text: string): text is Scalar {
  return scalars.has(text);
}

function parseType(text: string): FieldType {
  if (text.startsWith('[]')) return { form: 'list', item: parseType(text.slice(2)) };
  if (text.startsWith('{}')) return { form: 'map', value: parseType(text.slice(2)) };
  if (text.startsWith('@')) return { form: 'struct', name: text.slice(1) };
  if (!isScalar(text)) throw new Error(`Cannot read the schema table: unknown type ${text}`);
  return { form: 'scalar', scalar: text };
}

function parseField(word: string): Field {
  const [head = '', ...options] = word.split('|');
  const colon = head.indexOf(':');
  const match = /^(.*?)([*?0!]*)$/.exec(head.slice(colon + 1));
  const [, type = '', flags = ''] = match ?? [];
  const option = (name: string): string | undefined =>
    options.find((o) => o.startsWith(`${name}=`))?.slice(2);
  const fallback = option('d');
  const listType = option('l');
  const strategy = option('s') ?? '';
  return {
    name: head.slice(0, colon),
    type: parseType(type),
    pointer: flags.includes('*'),
    omitEmpty: flags.includes('?'),
    omitZero: flags.includes('0'),
    required: flags.includes('!'),
    ...(fallback === undefined ? {} : { defaultValue: JSON.parse(fallback) as unknown }),
    ...(listType === undefined ? {} : { listType }),
    listKeys: option('k')?.split(',') ?? [],
    atomic: option('m') === 'atomic',
    atomicItems: option('i') === 'atomic',
    patchMerge: strategy.includes('merge'),
    retainKeys: strategy.includes('retainKeys'),
    patchMergeKey: option('p') ?? '',
  };
}

const structLines: Readonly<Record<string, string>> = table.structs;
const kindStructs: Readonly<Record<string, string>> = table.kinds;
const parsed = new Map<string, Struct>();

/** The struct of that name. @throws Error when the table has none: a bug of the emulator. */
export function structNamed(name: string): Struct {
  const known = parsed.get(name);
  if (known !== undefined) return known;
  const line = structLines[name];
  if (line === undefined) throw new Error(`Cannot find struct ${name} in the schema table`);
  const fields = line === '' ? [] : line.split(' ').map(parseField);
  const struct: Struct = { name, fields, byName: new Map(fields.map((f) => [f.name, f])) };
  parsed.set(name, struct);
  return struct;
}

/** The struct behind a built-in kind, e.g. `apps/v1` `Deployment`. */
export function structOfKind(apiVersion: string, kind: string): Struct {
  const name = kindStructs[`${apiVersion} ${kind}`];
  if (name === undefined) throw new Error(`Cannot find ${apiVersion} ${kind} in the schema table`);
  return structNamed(name);
}

/** Names of every struct, for the OpenAPI documents. */
export function structNames(): string[] {
  return Object.keys(structLines);
}
