import { describe, expect, it } from 'vitest';
import { parseNamePattern } from './name-pattern.ts';

function matches(source: string, text: string): boolean {
  const pattern = parseNamePattern(source);
  if (typeof pattern === 'string') throw new Error(pattern);
  return pattern(text);
}

describe('a name pattern', () => {
  it.each([
    ['web', 'a-web-b', 'we-b'],
    ['^mysql.*$', 'mysql-0', 'a-mysql'],
    ['^(web|api)-[0-9]+$', 'api-12', 'api-'],
    ['^a{2,3}$', 'aaa', 'aaaa'],
    ['^a{2}$', 'aa', 'a'],
    ['^a{2,}b?$', 'aaaab', 'ab'],
    ['^[^a-c]\\d\\.x$', 'z1.x', 'a1.x'],
    ['^(?:a|b)*?c$', 'ababc', 'abdc'],
    ['^(?P<n>a)\\w-$', 'ab-', 'a--'],
    ['^[]-]$', '-', 'a'],
    ['^$', '', 'a'],
  ])('%s finds %s and not %s', (source, yes, no) => {
    expect([matches(source, yes), matches(source, no)]).toEqual([true, false]);
  });

  it.each([
    ['(', 'without its )'],
    [')', 'without its ('],
    ['[a', 'too early'],
    ['a**', 'repeat'],
    ['*a', 'nothing'],
    ['(?=a)', 'group'],
    ['(a)\\1', 'escape'],
    ['a{3,1}', 'bounds'],
    ['((a{100}){100}){100}', 'times'],
    ['a'.repeat(513), 'longer'],
    ['('.repeat(30), 'groups'],
    ['[b-a]', 'range'],
  ])('is refused for %s', (source, words) => {
    expect(parseNamePattern(source)).toContain(words);
  });

  // A backtracking engine would not end within the age of the universe.
  it.each(['^(a+)+$', '^(a|a)*$', '^(a*)*$', '(.*)*(.*)*(.*)*x'])('ends soon for %s', (source) => {
    expect(matches(source, `${'a'.repeat(252)}b`)).toBe(false);
  });
});
