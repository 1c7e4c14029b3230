import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import type { FunctionDefinition } from './definition.ts';
import { INSTANCE_SOURCE } from './instance-source.ts';

/** How an invocation ended; `body` of a failure is the JSON that callers get. */
export type InvocationResult =
  | { readonly ok: true; readonly payload: Buffer; readonly instanceId: string }
  | {
      readonly ok: false;
      readonly errorType: 'HandledInvocationError' | 'UnhandledInvocationError';
      readonly errorMessage: string;
      readonly body: Buffer;
      readonly instanceId: string;
    };

/** The context of a request, without its logger. */
export interface InvocationContext {
  readonly requestId: string;
  readonly region: string;
  readonly accountId: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly accessKeySecret: string;
    readonly securityToken: string;
  };
  readonly function: {
    readonly name: string;
    readonly handler: string;
    readonly memory: number;
    readonly timeout: number;
    readonly initializer: string;
  };
  readonly service: {
    readonly name: string;
    readonly logProject: string;
    readonly logStore: string;
    readonly qualifier: string;
    readonly versionId: string;
  };
  readonly tracing: { readonly openTracingSpanContext: string; readonly jaegerEndpoint: string };
}

export interface InstanceOptions {
  readonly instanceId: string;
  readonly definition: FunctionDefinition;
  readonly env: Readonly<Record<string, string>>;
  /** Emulators' clock minus machine's clock, in milliseconds. */
  readonly clockOffset: SharedArrayBuffer;
  readonly log: (line: string) => void;
}

/** A warm copy of a function in a thread of its own. It dies of what a process would die of. */
export class FunctionInstance {
  private readonly options: InstanceOptions;
  private readonly worker: Worker;
  private readonly ended: Promise<void>;
  private alive = true;
  private settle: ((result: InvocationResult) => void) | undefined;

  constructor(options: InstanceOptions) {
    this.options = options;
    const { codeFile, handler, initializer, memorySize } = options.definition;
    this.worker = new Worker(INSTANCE_SOURCE, {
      eval: true,
      env: { ...options.env },
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: memorySize },
      workerData: {
        codeFile,
        handler,
        initializer: initializer?.handler,
        clockOffset: options.clockOffset,
      },
    });
    this.pipeLines(this.worker.stdout);
    this.pipeLines(this.worker.stderr);
    this.worker.on('message', (message: unknown) => this.onMessage(message));
    this.worker.on('messageerror', (error: Error) => this.die(error.message));
    this.worker.on('error', (error: unknown) => this.die(crashMessage(error, memorySize)));
    this.ended = new Promise((resolve) => {
      this.worker.on('exit', () => {
        this.die('Process exited unexpectedly before completing request');
        resolve();
      });
    });
  }

  get isAlive(): boolean {
    return this.alive;
  }

  /** Runs one request; never rejects. An instance that ran out of time or crashed is dead after. */
  async invoke(event: Buffer, context: InvocationContext): Promise<InvocationResult> {
    const { definition } = this.options;
    const seconds = definition.timeout + (definition.initializer?.timeout ?? 0);
    const result = new Promise<InvocationResult>((resolve) => {
      this.settle = resolve;
    });
    if (!this.alive) this.die('Process exited unexpectedly before completing request');
    const timer = setTimeout(() => {
      this.kill(`Function timed out after ${definition.timeout} seconds`);
    }, seconds * 1000);
    this.worker.postMessage({ event: Uint8Array.from(event), context });
    try {
      return await result;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends the thread at once; a running request fails with `reason`. */
  kill(reason: string): void {
    this.die(reason);
    // The 'exit' event tells when the thread is gone; terminate() itself cannot fail.
    this.worker.terminate().catch(() => undefined);
  }

  /** Resolves when the thread is gone. */
  async close(): Promise<void> {
    this.kill('Process exited unexpectedly before completing request');
    await this.ended;
  }

  private onMessage(message: unknown): void {
    if (typeof message !== 'object' || message === null) return;
    if ('payload' in message && message.payload instanceof Uint8Array) {
      const { instanceId } = this.options;
      this.finish({ ok: true, payload: Buffer.from(message.payload), instanceId });
    } else if ('error' in message) {
      this.finish(this.failure('HandledInvocationError', message.error));
    }
  }

  private die(errorMessage: string): void {
    this.alive = false;
    this.finish(this.failure('UnhandledInvocationError', { errorMessage }));
  }

  private finish(result: InvocationResult): void {
    const { settle } = this;
    this.settle = undefined;
    settle?.(result);
  }

  private failure(
    errorType: 'HandledInvocationError' | 'UnhandledInvocationError',
    error: unknown,
  ): InvocationResult {
    const hasMessage = typeof error === 'object' && error !== null && 'errorMessage' in error;
    const errorMessage = hasMessage ? String(error.errorMessage) : 'Unknown error';
    const body = Buffer.from(JSON.stringify(error));
    return { ok: false, errorType, errorMessage, body, instanceId: this.options.instanceId };
  }

  private pipeLines(stream: Readable): void {
    const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
    lines.on('line', (line) => this.options.log(line));
  }
}

function crashMessage(error: unknown, memorySize: number): string {
  const isError = error instanceof Error;
  if (isError && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return `Process exited unexpectedly before completing request (out of memory, limit ${memorySize} MB)`;
  }
  return isError ? error.message : String(error);
}
