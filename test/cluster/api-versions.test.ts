/** What our conversions make is taken by a real API server, field by field: nothing unknown, nothing invalid. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type ControlPlane,
  startControlPlane,
} from '../../infra/testcluster/start-control-plane.ts';
import { conversionsOf, convertObject } from '../../shared/domain/api-versions/conversions.ts';
import { readGoldenPairs } from '../support/golden-pairs.ts';
import { describeOnControlPlane } from './describe-on-control-plane.ts';
import { openRawApi, type RawApi } from './raw-api.ts';

/** Served by custom resources of the CSI add-on, which this control plane does not have. */
const NOT_BUILT_IN = 'snapshot.storage.k8s.io/';

const DRY_RUN = 'dryRun=All&fieldValidation=Strict';

describeOnControlPlane('converted objects', () => {
  const dir = mkdtempSync(join(tmpdir(), 'api-versions-'));
  let plane: ControlPlane;
  let api: RawApi;

  beforeAll(async () => {
    plane = await startControlPlane({ dir, users: [] });
    api = openRawApi({ url: plane.url, ca: plane.ca, token: plane.adminToken });
  });
  afterAll(async () => {
    await api.close();
    await plane.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const pairs = readGoldenPairs().filter((pair) => !pair.to.startsWith(NOT_BUILT_IN));
  test.each(pairs.map((pair) => [pair.plural, pair.from, pair.to, pair] as const))(
    '%s %s is taken as %s',
    async (plural, from, to, pair) => {
      const object = structuredClone(pair.before);
      const way = conversionsOf(from, plural).find((one) => one.to === to);
      if (way === undefined) throw new Error(`No way from ${from} to ${to}`);
      convertObject(object, way);
      const place = pair.namespaced ? 'namespaces/default/' : '';
      const path = `/apis/${to}/${place}${plural}?${DRY_RUN}`;
      const reply = await api.send({ method: 'POST', path, body: object });
      expect(reply.status, JSON.stringify(reply.body)).toBe(201);
    },
  );
});
