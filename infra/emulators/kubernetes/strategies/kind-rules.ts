import { coreRules } from './core-rules.ts';
import type { KindRules } from './strategy-table.ts';

const rules: Readonly<Record<string, KindRules>> = { ...coreRules };

/** The rules of a built-in kind beyond the common ones. */
export function rulesOf(resource: string): KindRules {
  return rules[resource] ?? {};
}
