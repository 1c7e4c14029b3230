/**
 * The program of a function instance: a worker thread that loads the bundle, follows the emulators'
 * clock and answers one request at a time. It is text because a worker needs a script of its own, and
 * the local stack is shipped as one bundle beside which no other file lies.
 *
 * In: `{event, context}`; out: `{payload}` or `{error, handled}`. Only Date follows the clock (timers
 * stay real); the offset lies in shared memory, so that it moves at once when the clock is advanced.
 */
export const INSTANCE_SOURCE = String.raw`'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const offset = new BigInt64Array(workerData.clockOffset);

const MachineDate = Date;
const now = () => MachineDate.now() + Number(Atomics.load(offset, 0));
function FollowingDate(...args) {
  if (new.target === undefined) return new MachineDate(now()).toString();
  const target = new.target === FollowingDate ? MachineDate : new.target;
  return Reflect.construct(MachineDate, args.length === 0 ? [now()] : args, target);
}
Object.setPrototypeOf(FollowingDate, MachineDate);
FollowingDate.prototype = MachineDate.prototype;
Object.defineProperty(FollowingDate, 'name', { value: 'Date' });
FollowingDate.now = now;
MachineDate.prototype.constructor = FollowingDate;
globalThis.Date = FollowingDate;

const exportOf = (handler) => handler.slice(handler.lastIndexOf('.') + 1);
const code = require(workerData.codeFile);
const handler = code[exportOf(workerData.handler)];
if (typeof handler !== 'function') {
  throw new Error("Handler '" + workerData.handler + "' is missing on module 'index'");
}
let initialized = workerData.initializer === undefined;

function toError(cause) {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const stackTrace = String(error.stack ?? '').split('\n').slice(1).map((line) => line.trim());
  return { errorMessage: error.message, errorType: error.name, stackTrace };
}

function toPayload(value) {
  if (value === undefined) return new Uint8Array();
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  return Uint8Array.from(Buffer.from(typeof value === 'object' ? JSON.stringify(value) : String(value)));
}

function withLogger(context) {
  const line = (level) => (...args) => console.log(
    new Date().toISOString() + ' ' + context.requestId + ' [' + level + ']', ...args);
  const logger = { debug: line('debug'), info: line('info'), warn: line('warn'),
    error: line('error'), log: line('verbose') };
  return { ...context, logger };
}

function call(fn, ...args) {
  if (fn.length <= args.length) return fn(...args);
  return new Promise((resolve, reject) => {
    const callback = (error, value) => (error ? reject(error) : resolve(value));
    const returned = fn(...args, callback);
    if (typeof returned?.then === 'function') returned.then(resolve, reject);
  });
}

parentPort.on('message', async (message) => {
  const context = withLogger(message.context);
  const { buffer, byteOffset, byteLength } = message.event;
  try {
    if (!initialized) {
      await call(code[exportOf(workerData.initializer)], context);
      initialized = true;
    }
    const value = await call(handler, Buffer.from(buffer, byteOffset, byteLength), context);
    parentPort.postMessage({ payload: toPayload(value) });
  } catch (cause) {
    parentPort.postMessage({ error: toError(cause) });
  }
});
`;
