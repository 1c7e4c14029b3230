/** Wire form of resource modifiers: as JSON, or as the text of Velero's ConfigMap (version v1). */
import { parse } from 'yaml';
import { z } from 'zod';
import { isJsonObject, objectAt } from '../domain/json.ts';
import { parseNamePattern } from '../domain/modifiers/name-pattern.ts';
import { labelSelectorSchema } from './common-schemas.ts';

/** Rules of one restore; each is looked at for every object. */
export const RULES_MAX = 100;
/** A ConfigMap holds 1 MiB at most; rules are much smaller. */
const TEXT_MAX = 262_144;
const PATCHES_MAX = 100;

const pointerSchema = z
  .string()
  .max(1024)
  .regex(/^(?:\/(?:[^~]|~[01])*)+$/, 'must be a JSON pointer to a field, like /spec/replicas');

const operationSchema = z
  .strictObject({
    operation: z.enum(['add', 'remove', 'replace', 'move', 'copy', 'test']),
    path: pointerSchema,
    from: pointerSchema.optional(),
    value: z.json().optional(),
  })
  .refine((p) => !['add', 'replace', 'test'].includes(p.operation) || p.value !== undefined, {
    path: ['value'],
    message: 'must be given with add, replace and test',
  })
  .refine((p) => !['move', 'copy'].includes(p.operation) || p.from !== undefined, {
    path: ['from'],
    message: 'must be given with move and copy',
  });

/** An object, or its JSON or YAML as text, as Velero has it. */
const dataSchema = z.union([
  z.record(z.string(), z.json()),
  z
    .string()
    .max(TEXT_MAX)
    .transform((text, context) => {
      const value = parsedYaml(text);
      const data = z.record(z.string(), z.json()).safeParse(value);
      if (data.success) return data.data;
      context.addIssue('must be an object in JSON or YAML');
      return z.NEVER;
    }),
]);

const dataPatchesSchema = z.array(z.strictObject({ patchData: dataSchema })).max(PATCHES_MAX);

const namePatternSchema = z.string().superRefine((source, context) => {
  const pattern = parseNamePattern(source);
  if (typeof pattern === 'string') context.addIssue(`is no pattern for names: it ${pattern}`);
});

/** One rule. */
export const modifierRuleSchema = z
  .strictObject({
    conditions: z.strictObject({
      groupResource: z.string().min(1).max(253),
      resourceNameRegex: namePatternSchema.optional(),
      namespaces: z.array(z.string().max(63)).max(10_000).optional(),
      labelSelector: labelSelectorSchema.optional(),
      matches: z
        .array(z.strictObject({ path: pointerSchema, value: z.json() }))
        .max(PATCHES_MAX)
        .optional(),
    }),
    patches: z.array(operationSchema).max(PATCHES_MAX).optional(),
    mergePatches: dataPatchesSchema.optional(),
    strategicPatches: dataPatchesSchema.optional(),
  })
  .refine(
    ({ patches = [], mergePatches = [], strategicPatches = [] }) =>
      [patches, mergePatches, strategicPatches].filter((list) => list.length > 0).length === 1,
    'must have exactly one of patches, mergePatches and strategicPatches',
  );

const documentSchema = z.strictObject({
  version: z.literal('v1'),
  resourceModifierRules: z.array(modifierRuleSchema).min(1).max(RULES_MAX),
});

/** Velero's YAML: the rules themselves, or a ConfigMap with them as its only entry. */
export const modifiersTextSchema = z
  .string()
  .max(TEXT_MAX)
  .transform((text, context) => {
    const document = documentSchema.safeParse(withJsonValues(innerDocument(parsedYaml(text))));
    if (document.success) return document.data.resourceModifierRules;
    for (const { path, message } of document.error.issues) {
      context.addIssue({ code: 'custom', message: `${path.map(String).join('.')}: ${message}` });
    }
    return z.NEVER;
  });

/** The value of a YAML text, undefined where it is none. Aliases are bounded by the parser (100). */
function parsedYaml(text: string): unknown {
  try {
    const value: unknown = parse(text);
    return value;
  } catch {
    return undefined;
  }
}

function innerDocument(value: unknown): unknown {
  if (!isJsonObject(value) || value.kind !== 'ConfigMap') return value;
  const [only, ...others] = Object.values(objectAt(value, 'data') ?? {});
  return typeof only === 'string' && others.length === 0 ? parsedYaml(only) : undefined;
}

/** Velero's values are text: of patches and of matches, what looks like JSON is JSON. */
function withJsonValues(document: unknown): unknown {
  if (!isJsonObject(document) || !Array.isArray(document.resourceModifierRules)) return document;
  return {
    ...document,
    resourceModifierRules: document.resourceModifierRules.map((rule: unknown) => {
      if (!isJsonObject(rule)) return rule;
      const conditions = objectAt(rule, 'conditions');
      return {
        ...rule,
        ...(Array.isArray(rule.patches) ? { patches: rule.patches.map(withJsonValue) } : {}),
        ...(Array.isArray(conditions?.matches)
          ? { conditions: { ...conditions, matches: conditions.matches.map(withJsonValue) } }
          : {}),
      };
    }),
  };
}

const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/;

/** Velero's rule: null, booleans, numbers, lists, objects and quoted text are taken as JSON. */
function withJsonValue(holder: unknown): unknown {
  if (!isJsonObject(holder) || typeof holder.value !== 'string') return holder;
  const text = holder.value;
  if (/^(?:true|false)$/i.test(text)) return { ...holder, value: text.toLowerCase() === 'true' };
  const isQuoted = text.length > 1 && text.startsWith('"') && text.endsWith('"');
  if (text !== 'null' && !isQuoted && !/^[[{]/.test(text) && !NUMBER.test(text)) return holder;
  try {
    const value: unknown = JSON.parse(text);
    return { ...holder, value };
  } catch {
    return holder;
  }
}
