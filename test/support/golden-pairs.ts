/** The golden pairs of conversions, as whole objects. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { isJsonObject, type JsonObject } from '../../shared/domain/json.ts';

/** An object of an old version and what it becomes. */
export interface GoldenPair {
  readonly plural: string;
  readonly from: string;
  readonly to: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly before: JsonObject;
  readonly after: JsonObject;
}

/** All pairs of `pairs.yaml`. */
export function readGoldenPairs(): GoldenPair[] {
  const text = readFileSync(
    join(import.meta.dirname, '../../shared/domain/api-versions/golden/pairs.yaml'),
    'utf8',
  );
  const rows: unknown = parse(text, { maxAliasCount: 0 });
  if (!Array.isArray(rows)) throw new Error('Cannot read pairs.yaml: found no list');
  return rows.filter(isJsonObject).map((row) => {
    const { from, to, kind, plural, name, namespaced, before, after } = row;
    const whole = (apiVersion: unknown, body: unknown): JsonObject => ({
      apiVersion,
      kind,
      metadata: { name, ...(namespaced === true ? { namespace: 'default' } : {}) },
      ...structuredClone(isJsonObject(body) ? body : {}),
    });
    return {
      plural: String(plural),
      from: String(from),
      to: String(to),
      kind: String(kind),
      namespaced: namespaced === true,
      before: whole(from, before),
      after: whole(to, after === 'same' ? before : after),
    };
  });
}
