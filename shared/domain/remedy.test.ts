import { describe, expect, it } from 'vitest';
import { refusalRemedy } from './remedy.ts';

describe('what to do about a refused object', () => {
  it.each([
    [
      'Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 31234: provided port is already allocated',
      /preserveNodePorts: false/,
    ],
    ['pods "web" is forbidden: exceeded quota: small, requested: pods=1', /quota/],
    [
      'secrets is forbidden: User "ci" cannot create resource "secrets" in API group "" in the namespace "shop"',
      /precheck/,
    ],
  ])('is told for %s', (words, remedy) => {
    expect(refusalRemedy(words)).toMatch(remedy);
  });

  it.each([
    'admission webhook "policy.example.com" denied the request: no latest tags',
    'ConfigMap "web" is invalid: data: Too long',
  ])('is left to the words of %s', (words) => {
    expect(refusalRemedy(words)).toBeUndefined();
  });
});
