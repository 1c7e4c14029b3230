import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readGoldenPairs } from '../../../test/support/golden-pairs.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import {
  CONVERSIONS,
  type Conversion,
  conversionsOf,
  convertedResource,
  convertObject,
  currentResource,
  currentWorkloadVersion,
  goneKind,
} from './conversions.ts';

const PAIRS = readGoldenPairs();

function wayOf(pair: { from: string; to: string; plural: string }): Conversion {
  const way = conversionsOf(pair.from, pair.plural).find((one) => one.to === pair.to);
  if (way === undefined) throw new Error(`No way from ${pair.from} to ${pair.to}`);
  return way;
}

describe('a golden pair', () => {
  it.each(PAIRS.map((pair) => [pair.plural, pair.from, pair] as const))(
    'of %s %s converts exactly',
    (_plural, _from, pair) => {
      const object = structuredClone(pair.before);
      const changes = convertObject(object, wayOf(pair));
      expect(object).toEqual(pair.after);
      expect(changes[0]).toBe(`apiVersion: ${pair.from} -> ${pair.to}`);
      const { apiVersion: _old, ...before } = pair.before;
      const { apiVersion: _new, ...after } = pair.after;
      const same = JSON.stringify(before) === JSON.stringify(after);
      expect(changes.length > 1, changes.join()).toBe(!same);
    },
  );

  it('stands for the best way out of every version of the table', () => {
    const paired = new Set(PAIRS.map(({ plural, from, to }) => `${plural} ${from} ${to}`));
    const lacking = CONVERSIONS.filter(
      ({ plural, from }) => !paired.has(`${plural} ${from} ${conversionsOf(from, plural)[0]?.to}`),
    );
    expect(lacking.map(({ plural, from }) => `${plural} ${from}`)).toEqual([]);
  });
});

/** Puts a field into every object below, and tells the path of each place. */
function sprinkle(value: unknown, field: string, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => sprinkle(one, field, `${path}[]`));
  if (!isJsonObject(value)) return [];
  const below = Object.entries(value).flatMap(([name, inner]) =>
    sprinkle(inner, field, path === '' ? name : `${path}.${name}`),
  );
  value[field] = field;
  return [path, ...below];
}

function count(value: unknown, field: string): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + count(one, field), 0);
  if (!isJsonObject(value)) return 0;
  const own = value[field] === field ? 1 : 0;
  return Object.values(value).reduce<number>((sum, one) => sum + count(one, field), own);
}

function isTouched(path: string, way: Conversion): boolean {
  return way.moves
    .flatMap((move) => move.touches)
    .some((one) => path === one || path.startsWith(`${one}.`) || path.startsWith(`${one}[]`));
}

describe('a conversion', () => {
  it('keeps every field that its moves do not name, wherever it stands', () => {
    const name = fc.stringMatching(/^x-[a-z]{3,8}$/);
    fc.assert(
      fc.property(fc.constantFrom(...PAIRS), name, (pair, field) => {
        const object: JsonObject = structuredClone(pair.before);
        const way = wayOf(pair);
        const places = sprinkle(object, field).filter((path) => !isTouched(path, way));
        convertObject(object, way);
        expect(count(object, field)).toBeGreaterThanOrEqual(places.length);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [
      'spec.version',
      'two versions of one way',
      'flowschemas',
      'flowcontrol.apiserver.k8s.io/v1beta1',
    ],
  ])('offers the best version first (%s, %s)', (_a, _b, plural, from) => {
    expect(conversionsOf(from, `${plural}.flowcontrol.apiserver.k8s.io`).map((w) => w.to)).toEqual([
      'flowcontrol.apiserver.k8s.io/v1',
      'flowcontrol.apiserver.k8s.io/v1beta3',
      'flowcontrol.apiserver.k8s.io/v1beta2',
    ]);
  });

  it('is not to be had for other kinds and versions', () => {
    expect(conversionsOf('apps/v1', 'deployments.apps')).toEqual([]);
    expect(conversionsOf('policy/v1beta1', 'podsecuritypolicies.policy')).toEqual([]);
  });

  it('is approved for a protected group, once', () => {
    const definition = { spec: { group: 'x.k8s.io', version: 'v1' }, metadata: {} };
    const [way] = conversionsOf('apiextensions.k8s.io/v1beta1', 'customresourcedefinitions');
    if (way === undefined) throw new Error('No way for definitions');
    convertObject(definition, way);
    expect(definition.metadata).toEqual({
      annotations: { 'api-approved.kubernetes.io': 'unapproved, converted from v1beta1' },
    });
  });
});

describe('names of kinds', () => {
  it.each([
    ['ingresses.extensions', 'ingresses.networking.k8s.io'],
    ['deployments.extensions', 'deployments.apps'],
    ['pods', 'pods'],
  ])('%s is known today as %s', (old, current) => expect(currentResource(old)).toBe(current));

  it('follow the group of the new version', () => {
    const [way] = conversionsOf('extensions/v1beta1', 'networkpolicies.extensions');
    expect(way && convertedResource(way)).toBe('networkpolicies.networking.k8s.io');
  });

  it.each([
    ['extensions/v1beta1', 'Deployment', 'apps/v1'],
    ['apps/v1beta1', 'StatefulSet', 'apps/v1'],
    ['example.com/v1', 'Deployment', 'example.com/v1'],
    ['batch/v1beta1', 'CronJob', 'batch/v1beta1'],
  ])('%s %s is referred to by %s', (apiVersion, kind, expected) => {
    expect(currentWorkloadVersion({ apiVersion, kind })).toBe(expected);
  });

  it('are gone where nothing stands for them', () => {
    expect(goneKind('podsecuritypolicies.policy')).toContain('Pod Security admission');
    expect(goneKind('podsecuritypolicies.example.com')).toBeUndefined();
    expect(goneKind('deployments.extensions')).toBeUndefined();
  });
});
