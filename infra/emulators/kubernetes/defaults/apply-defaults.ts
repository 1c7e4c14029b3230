/** Walks an object by its struct and fills in defaults, parents before children as Go does. */
import { copyValue, isObject, type JsonObject } from '../json-tree.ts';
import { type Field, type FieldType, type Struct, structNamed } from '../schema/struct-table.ts';
import { clusterDefaults } from './cluster.ts';
import { podDefaults } from './pod.ts';
import { serviceAndStorageDefaults } from './service-and-storage.ts';
import { workloadDefaults } from './workload.ts';

const defaulters: Readonly<Record<string, (object: JsonObject) => void>> = {
  ...podDefaults,
  ...serviceAndStorageDefaults,
  ...workloadDefaults,
  ...clusterDefaults,
};

interface Plan {
  readonly own: ((object: JsonObject) => void) | undefined;
  readonly fixed: readonly Field[];
  /** Fields with defaults somewhere below. */
  readonly inner: readonly Field[];
}

const plans = new Map<string, Plan>();
const reaching = new Map<string, boolean>();

function structBelow(type: FieldType): string | undefined {
  if (type.form === 'struct') return type.name;
  if (type.form === 'list') return structBelow(type.item);
  return type.form === 'map' ? structBelow(type.value) : undefined;
}

function reachesDefaults(name: string): boolean {
  const known = reaching.get(name);
  if (known !== undefined) return known;
  reaching.set(name, false); // a struct that contains itself adds nothing new
  const struct = structNamed(name);
  const found =
    defaulters[name] !== undefined ||
    struct.fields.some((field) => {
      if (field.defaultValue !== undefined) return true;
      const below = structBelow(field.type);
      return below !== undefined && reachesDefaults(below);
    });
  reaching.set(name, found);
  return found;
}

function planOf(struct: Struct): Plan {
  const known = plans.get(struct.name);
  if (known !== undefined) return known;
  const plan: Plan = {
    own: defaulters[struct.name],
    fixed: struct.fields.filter((field) => field.defaultValue !== undefined),
    inner: struct.fields.filter((field) => {
      const below = structBelow(field.type);
      return below !== undefined && reachesDefaults(below);
    }),
  };
  plans.set(struct.name, plan);
  return plan;
}

function walk(value: unknown, type: FieldType): void {
  if (type.form === 'list') {
    if (Array.isArray(value)) for (const item of value as unknown[]) walk(item, type.item);
  } else if (type.form === 'map') {
    if (isObject(value)) for (const item of Object.values(value)) walk(item, type.value);
  } else if (type.form === 'struct' && isObject(value)) {
    applyDefaults(structNamed(type.name), value);
  }
}

/** Fills in the defaults of a struct and of everything in it. */
export function applyDefaults(struct: Struct, object: JsonObject): void {
  const plan = planOf(struct);
  plan.own?.(object);
  for (const field of plan.fixed) object[field.name] ??= copyValue(field.defaultValue);
  for (const field of plan.inner) {
    // Structs held by value exist in Go even when the client said nothing.
    const byValue = field.type.form === 'struct' && !field.pointer;
    if (byValue) object[field.name] ??= {};
    walk(object[field.name], field.type);
  }
}
