/** Every rule against every object of the corpus: what is listed changes, and nothing else does. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { KubeObject } from '../kube-object.ts';
import { transformObject } from './transform-object.ts';
import { rulesFor, TREATMENT_RULES } from './treatment-rules.ts';

const OPTIONS = {
  namespaceMapping: {},
  imageRules: [],
  preserveNodePorts: undefined,
  volumeName: (name: string) => (name === 'gone' ? undefined : name),
};

const PAST = {
  uid: 'u',
  resourceVersion: '1',
  generation: 2,
  creationTimestamp: 't',
  managedFields: [{}],
  ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'a', uid: 'o' }],
};

interface Case {
  readonly name: string;
  readonly rules: readonly string[];
  /** Without identity and status. */
  readonly before: KubeObject;
  readonly after: KubeObject;
}

function objectOf(row: JsonObject, body: unknown): KubeObject {
  const { metadata, ...rest } = isJsonObject(body) ? body : {};
  return {
    apiVersion: String(row.apiVersion),
    kind: String(row.kind),
    metadata: { name: 'web', ...(isJsonObject(metadata) ? metadata : {}) },
    ...rest,
  };
}

function readCorpus(): Case[] {
  const text = readFileSync(join(import.meta.dirname, 'golden', 'corpus.yaml'), 'utf8');
  const rows: unknown = parse(text);
  if (!Array.isArray(rows)) throw new Error('Cannot read corpus.yaml: found no list');
  return rows.filter(isJsonObject).map((row, n) => ({
    name: `${n}: ${String(row.apiVersion)} ${String(row.kind)}`,
    rules: Array.isArray(row.rules) ? row.rules.map(String) : [],
    before: objectOf(row, row.before),
    after: objectOf(row, row.after ?? row.before),
  }));
}

const CORPUS = readCorpus();

/** The object as a cluster has it. */
function lived(object: KubeObject): KubeObject {
  const { metadata, ...rest } = structuredClone(object);
  return { ...rest, metadata: { ...metadata, ...structuredClone(PAST) }, status: { seen: true } };
}

it('has a hundred kinds', () => {
  const kinds = new Set(CORPUS.map(({ before }) => `${before.apiVersion} ${before.kind}`));
  expect(kinds.size).toBeGreaterThanOrEqual(100);
});

it.each(CORPUS.map((one) => [one.name, one] as const))('%s changes as listed', (_name, one) => {
  const object = lived(one.before);
  const changes = transformObject(object, OPTIONS);
  expect(object).toEqual(one.after);
  // Each change is told, and none where there is none.
  expect(changes.length > 0, changes.join('\n')).toBe(one.rules.length > 0);
});

it.each(CORPUS.map((one) => [one.name, one] as const))('%s by its rules only', (_name, one) => {
  const changing = rulesFor(one.before).filter((rule) => {
    const object = structuredClone(one.before);
    rule.apply(object, OPTIONS);
    return JSON.stringify(object) !== JSON.stringify(one.before);
  });
  expect(changing.map((rule) => rule.id).sort()).toEqual([...one.rules].sort());
});

it.each(TREATMENT_RULES.filter((rule) => !['identity', 'status'].includes(rule.id)))(
  'rule $id has a positive and a negative case',
  ({ id }) => {
    const looked = CORPUS.filter(({ before }) => rulesFor(before).some((rule) => rule.id === id));
    expect(looked.some(({ rules }) => rules.includes(id))).toBe(true);
    expect(looked.some(({ rules }) => !rules.includes(id))).toBe(true);
  },
);

it('names each rule once', () => {
  const ids = TREATMENT_RULES.map((rule) => rule.id);
  expect(new Set(ids).size).toBe(ids.length);
});
