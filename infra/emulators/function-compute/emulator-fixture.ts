import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AcsCredential } from '../acs-signature/credential.ts';
import { callSdk, type SdkCall, type SdkReply } from '../acs-signature/sdk-client.ts';
import type { FunctionDefinition } from './definition.ts';
import {
  type FunctionComputeEmulator,
  type FunctionComputeEmulatorOptions,
  startFunctionComputeEmulator,
} from './server.ts';

/** What the functions of these suites do; each export is a handler. */
const BUNDLE = String.raw`'use strict';
const { appendFileSync, existsSync, readFileSync } = require('node:fs');
const seen = (word) => appendFileSync(process.env.MARKS, word + '\n');
let calls = 0;

exports.echo = async (event, context) => {
  calls += 1;
  return { isBuffer: Buffer.isBuffer(event), event: event.toString(), calls, context,
    env: process.env, date: Date.now(), newDate: new Date().getTime(),
    parsed: new Date('2026-01-01').getTime(), isDate: new Date() instanceof Date };
};
exports.raw = async (event) => event;
exports.text = (event, context, callback) => callback(null, 'text ' + event);
exports.callbackError = (event, context, callback) => callback(new TypeError('no'));
exports.fail = async () => { seen('fail'); throw new RangeError('out of range'); };
exports.exit = async () => process.exit(3);
exports.later = async () => { setTimeout(() => { throw new Error('late'); }, 0); await new Promise(() => {}); };
exports.hang = async () => { seen('hang'); await new Promise(() => { setInterval(() => {}, 1000); }); };
exports.memory = async () => { const all = []; for (;;) all.push(new Array(1e5).fill(Math.random())); };
exports.print = async (event, context) => { console.log('plain'); context.logger.warn('careful'); };
exports.mark = async (event) => { seen(event.toString()); };
exports.failUntil = async (event) => {
  seen('try');
  const tries = readFileSync(process.env.MARKS, 'utf8').split('\n').length - 1;
  if (tries < Number(event.toString())) throw new Error('not yet');
};
exports.waitForGate = async (event) => {
  seen('start ' + event);
  while (!existsSync(process.env.GATE)) await new Promise((resolve) => setTimeout(resolve, 5));
  seen('end ' + event);
};
exports.followClock = async (event, context) => {
  const startMs = Date.now();
  seen('start');
  while (Date.now() - startMs < 3600000) await new Promise((resolve) => setTimeout(resolve, 5));
  return Date.now() - startMs;
};
exports.http = async (event) => {
  const request = JSON.parse(event);
  const wanted = request.queryParameters.reply;
  return wanted === undefined ? request : JSON.parse(wanted);
};
let ready = false;
exports.initialize = async (context) => { seen('initialize ' + context.function.name); ready = true; };
exports.initialized = async () => String(ready);
`;

const CREDENTIAL: AcsCredential = {
  accessKeySecret: 'secret',
  principalId: '201',
  accountId: '1000',
  arn: 'acs:ram::1000:user/alice',
};

/** A started emulator with the test bundle, a directory of its own and a way to call its API. */
export interface Fixture {
  readonly dir: string;
  readonly marks: string;
  readonly gate: string;
  readonly fc: FunctionComputeEmulator;
  readonly lines: readonly string[];
  /** A function of the bundle; its name is its export unless given. */
  call(
    call: Omit<SdkCall, 'version' | 'style' | 'action'> & { action?: string },
  ): Promise<SdkReply>;
  invoke(functionName: string, event?: string, headers?: Record<string, string>): Promise<SdkReply>;
  /** Closes the emulator and starts it again on the same directory. */
  restart(changes?: Partial<FunctionComputeEmulatorOptions>): Promise<void>;
  close(): Promise<void>;
}

/** One export of the test bundle as a deployed function; `codeFile` is filled in by the fixture. */
export function testFunction(
  handler: string,
  changes: Partial<FunctionDefinition> = {},
): Omit<FunctionDefinition, 'codeFile'> {
  return {
    functionName: handler,
    handler: `index.${handler}`,
    memorySize: 128,
    cpu: 0.1,
    timeout: 30,
    environmentVariables: {},
    triggers: [],
    ...changes,
  };
}

/** Starts the emulator on a fresh directory. */
export async function startFixture(
  functions: readonly Omit<FunctionDefinition, 'codeFile'>[],
  changes: Partial<FunctionComputeEmulatorOptions> = {},
): Promise<Fixture> {
  const dir = mkdtempSync(join(tmpdir(), 'fc-'));
  const marks = join(dir, 'marks');
  const gate = join(dir, 'gate');
  const codeFile = join(dir, 'index.js');
  writeFileSync(codeFile, BUNDLE);
  writeFileSync(join(dir, 'package.json'), '{"type":"commonjs"}');
  writeFileSync(marks, '');
  const lines: string[] = [];
  const options: FunctionComputeEmulatorOptions = {
    dir: join(dir, 'state'),
    now: Date.now,
    region: 'cn-hangzhou',
    accountId: '1000',
    credentials: (id) => (id === 'AKalice' ? CREDENTIAL : undefined),
    roleCredentials: (role) => ({
      accessKeyId: `STS.${role}`,
      accessKeySecret: 'role-secret',
      securityToken: 'role-token',
    }),
    functions: functions.map((f) => ({
      ...f,
      codeFile,
      environmentVariables: { ...f.environmentVariables, MARKS: marks, GATE: gate },
    })),
    log: (line) => lines.push(line),
    asyncBackoffMs: 1,
    ...changes,
  };
  let fc = await startFunctionComputeEmulator(options);
  const call: Fixture['call'] = (sdkCall) =>
    callSdk(
      { url: fc.url, accessKeyId: 'AKalice', accessKeySecret: 'secret' },
      { action: 'Any', ...sdkCall, version: '2023-03-30', style: 'ROA' },
    );
  return {
    dir,
    marks,
    gate,
    lines,
    get fc() {
      return fc;
    },
    call,
    invoke: (functionName, event = '', headers = {}) =>
      call({
        action: 'InvokeFunction',
        pathname: `/2023-03-30/functions/${functionName}/invocations`,
        stream: Buffer.from(event),
        headers,
        bodyType: 'byte',
      }),
    restart: async (later = {}) => {
      await fc.close();
      fc = await startFunctionComputeEmulator({ ...options, ...later });
    },
    close: async () => {
      await fc.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The body of an invocation's reply, parsed. */
export function parsedBody(reply: SdkReply): unknown {
  return JSON.parse((reply.body as Buffer).toString());
}

/** The refusal that a call must meet. */
export async function refusal(
  call: Promise<unknown>,
): Promise<{ code: string; statusCode: number; message: string }> {
  try {
    await call;
  } catch (error) {
    return error as { code: string; statusCode: number; message: string };
  }
  throw new Error('The call was accepted, a refusal was expected');
}
