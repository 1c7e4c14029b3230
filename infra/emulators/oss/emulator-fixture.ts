/** What the suites of this folder share: an emulator on a temporary directory and SDK clients. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { FaultPlan } from '../kit/fault-plan.ts';
import { createSdk, type OssSdk, type SdkOptions } from './sdk-client.ts';
import {
  type OssCredential,
  type OssEmulator,
  type OssEmulatorOptions,
  type OssEvent,
  startOssEmulator,
} from './server.ts';

export const REGION = 'cn-hangzhou';
export const ACCOUNT = '1234567890123456';
const OTHER_ACCOUNT = '6543210987654321';
export const BUCKET = 'cnfs-oss-vault';

/** Keys that the emulator of the fixture knows. */
export const CREDENTIALS: Readonly<Record<string, OssCredential>> = {
  LTAIowner: { accessKeySecret: 'owner-secret', principalId: ACCOUNT },
  LTAIstranger: {
    accessKeySecret: 'stranger-secret',
    principalId: OTHER_ACCOUNT,
    accountId: OTHER_ACCOUNT,
  },
  'STS.role': {
    accessKeySecret: 'role-secret',
    securityToken: 'role-token',
    principalId: '300000000000000001:session',
    expiresAtMs: Date.now() + 3_600_000,
  },
};

/** An emulator, the time it lives in, and what it told. */
export interface Fixture {
  readonly dir: string;
  readonly clock: { offsetMs: number };
  readonly events: OssEvent[];
  readonly faults: FaultPlan;
  emulator: OssEmulator;
  /** Closes, and starts again on the same directory. */
  restart(options?: Partial<OssEmulatorOptions>): Promise<void>;
  stop(): Promise<void>;
}

/** Starts an emulator whose time is the machine's plus `clock.offsetMs`. */
export async function startFixture(options: Partial<OssEmulatorOptions> = {}): Promise<Fixture> {
  const dir = mkdtempSync(`${tmpdir()}/oss-emulator-`);
  const clock = { offsetMs: 0 };
  const events: OssEvent[] = [];
  const faults = new FaultPlan();
  const start = (more: Partial<OssEmulatorOptions>) =>
    startOssEmulator({
      dir,
      now: () => Date.now() + clock.offsetMs,
      region: REGION,
      accountId: ACCOUNT,
      credentials: (accessKeyId) => CREDENTIALS[accessKeyId],
      faults,
      onEvent: (event) => void events.push(event),
      ...options,
      ...more,
    });
  const fixture: Fixture = {
    dir,
    clock,
    events,
    faults,
    emulator: await start({}),
    restart: async (more = {}) => {
      await fixture.emulator.close();
      fixture.emulator = await start(more);
    },
    stop: async () => {
      await fixture.emulator.close();
      rmSync(dir, { recursive: true });
    },
  };
  return fixture;
}

/** The vendor's SDK aimed at an emulator in path style; options override. */
export function clientOf(
  emulator: Pick<OssEmulator, 'url'>,
  options: Partial<SdkOptions> = {},
): OssSdk {
  return createSdk({
    endpoint: emulator.url,
    sldEnable: true,
    region: `oss-${REGION}`,
    accessKeyId: 'LTAIowner',
    accessKeySecret: 'owner-secret',
    bucket: BUCKET,
    ...options,
  });
}

/** What the SDK makes of a refusal. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly ecCode?: string;
}

/** The refusal that a call must end in. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    if (error instanceof Error && 'status' in error && 'code' in error) {
      const { status, code, message } = error;
      const ecCode = 'ecCode' in error ? String(error.ecCode) : undefined;
      return {
        status: Number(status),
        code: String(code),
        message,
        ...(ecCode === undefined ? {} : { ecCode }),
      };
    }
    throw error;
  }
  throw new Error('The call was answered with success, a refusal was expected');
}
