import type { PathRules } from '../records.ts';

/** Whether a job takes a path (no leading slash): under something included, nothing excluded. */
export function takesPath(rules: PathRules, path: string): boolean {
  const full = `/${path}`;
  const under = (rule: string) => ruleAsPattern(rule).test(full);
  return (rules.include.length === 0 || rules.include.some(under)) && !rules.exclude.some(under);
}

/** `*` stands for any part of one name; a rule covers everything below what it names. */
function ruleAsPattern(rule: string): RegExp {
  const trimmed = `/${rule.replace(/^\/+|\/+$/g, '')}`;
  if (trimmed === '/') return /^/;
  const escaped = trimmed.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*/g, '[^/]*');
  return new RegExp(`^${escaped}(/|$)`);
}
