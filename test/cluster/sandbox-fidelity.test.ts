/**
 * Sends the same requests to the sandbox's API server and to the real one and compares the replies.
 * Where they differ on purpose, exactly the difference that a case names is expected.
 * FIDELITY_MANIFESTS=FOLDER sends the objects of its YAML files too.
 * FIDELITY_REPORT=FILE leaves every difference there as Markdown, for work on the sandbox.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type KubernetesEmulator,
  startKubernetesEmulator,
} from '../../infra/emulators/kubernetes/server.ts';
import {
  type ControlPlane,
  startControlPlane,
} from '../../infra/testcluster/start-control-plane.ts';
import { describeOnControlPlane } from './describe-on-control-plane.ts';
import { capturedCases } from './fidelity/captured-cases.ts';
import { changeCases } from './fidelity/change-cases.ts';
import { createCases } from './fidelity/create-cases.ts';
import { customResourceCases } from './fidelity/custom-resource-cases.ts';
import { deleteCases } from './fidelity/delete-cases.ts';
import { documentCases } from './fidelity/document-cases.ts';
import { extensionCases } from './fidelity/extension-cases.ts';
import type { FidelityCase } from './fidelity/fidelity-case.ts';
import { knownDifferences } from './fidelity/known-differences.ts';
import { limitCases } from './fidelity/limit-cases.ts';
import { listCases } from './fidelity/list-cases.ts';
import { manifestCases } from './fidelity/manifest-cases.ts';
import { replyDifferences } from './fidelity/normalise.ts';
import { type FidelityServer, type PlayedStep, playCase } from './fidelity/play-case.ts';
import { refusalCases } from './fidelity/refusal-cases.ts';
import { serviceCases } from './fidelity/service-cases.ts';
import { openRawApi } from './raw-api.ts';

const CASES = [
  ...documentCases,
  ...createCases,
  ...refusalCases,
  ...changeCases,
  ...deleteCases,
  ...listCases,
  ...serviceCases,
  ...customResourceCases,
  ...extensionCases,
  ...limitCases,
  ...capturedCases,
  ...knownDifferences,
  ...manifestCases(process.env.FIDELITY_MANIFESTS),
];

const TOKEN = 'fidelity';
/** More than the five minutes for which a continue token is good. */
const LONG_AFTER_MS = 360_000;
/** The sandbox's controllers act at once on events. */
const SANDBOX_UNTIL_MS = 5_000;

describeOnControlPlane('the sandbox answers as the real API server', () => {
  const dir = mkdtempSync(join(tmpdir(), 'fidelity-'));
  const report: string[] = [];
  let laterMs = 0;
  let plane: ControlPlane;
  let emulator: KubernetesEmulator;
  let real: FidelityServer;
  let sandbox: FidelityServer;

  beforeAll(async () => {
    plane = await startControlPlane({ dir: join(dir, 'real') });
    real = {
      api: openRawApi({ url: plane.url, ca: plane.ca, token: plane.adminToken }),
      forgetThePast: () => plane.forgetHistory(),
    };
    emulator = await startKubernetesEmulator({
      dir: join(dir, 'sandbox'),
      now: () => Date.now() + laterMs,
      clusterId: 'c0123456789abcdef0123456789abcdef',
      version: 'v1.34.4',
      tokens: (token) =>
        token === TOKEN ? { user: 'admin', groups: ['system:masters'] } : undefined,
    });
    sandbox = {
      api: openRawApi({ url: emulator.url, token: TOKEN, untilMs: SANDBOX_UNTIL_MS }),
      forgetThePast: () => {
        laterMs += LONG_AFTER_MS;
        return Promise.resolve();
      },
    };
  });

  afterAll(async () => {
    const file = process.env.FIDELITY_REPORT;
    if (file !== undefined) writeFileSync(file, report.join('\n'));
    await Promise.all([real.api.close(), sandbox.api.close()]);
    await Promise.all([plane.stop(), emulator.close()]);
    rmSync(dir, { recursive: true, force: true });
  });

  test.for(CASES.map((tried, index) => [titleOf(tried), tried, index] as const))(
    '%s',
    async ([title, tried, index]) => {
      const ns = `case-${index}`;
      const [a, b] = await Promise.allSettled([
        playCase(real, tried, ns),
        playCase(sandbox, tried, ns),
      ]);
      if (a.status === 'rejected') throw a.reason;
      expect(a.value.map(({ reply }) => reply.status)).toEqual(expectedStatuses(tried, ns));
      const found = differencesOf(a.value, b).map((line) => line.replaceAll(ns, '<ns>'));
      if (found.length > 0) report.push(`## ${title}`, ...found.map((line) => `- ${line}`));
      expect(found).toEqual(tried.differs?.found ?? []);
    },
  );
});

function titleOf({ name, differs }: FidelityCase): string {
  return differs === undefined ? name : `${name} (differs: ${differs.why})`;
}

/** Every difference between the real server's replies and the sandbox's, request by request. */
function differencesOf(
  real: readonly PlayedStep[],
  sandbox: PromiseSettledResult<readonly PlayedStep[]>,
): string[] {
  if (sandbox.status === 'rejected') return [String(sandbox.reason)];
  return real.flatMap(({ request, reply }, step) =>
    replyDifferences(reply, sandbox.value[step]?.reply).map((found) => `${request}: ${found}`),
  );
}

/** What a case says the real API server answers: without it, two equal refusals would pass. */
function expectedStatuses(tried: FidelityCase, ns: string): number[] {
  return tried
    .steps(ns)
    .filter(({ quiet }) => quiet !== true)
    .map(({ status }) => status);
}
