/**
 * One request and its whole reply, without the streams that undici's `request` puts in between: pages
 * of a list are megabytes, and streams cost as much as the rest of the reading.
 */
import type { Dispatcher } from 'undici';
import type { ApiReply } from './api-errors.ts';

/** Where a dispatcher sends. */
type Request = Dispatcher.DispatchOptions;

/** @throws the dispatcher's error; one of code ETIMEDOUT after `timeoutMs`, waiting included */
export async function exchange(
  dispatcher: Dispatcher,
  request: Request,
  timeoutMs: number,
): Promise<ApiReply> {
  return await new Promise((resolve, reject) => {
    const reply = new ReplyCollector(resolve, reject, timeoutMs);
    dispatcher.dispatch(request, reply);
  });
}

/** Gathers a reply; settles once. */
class ReplyCollector implements Dispatcher.DispatchHandler {
  private readonly chunks: Buffer[] = [];
  private readonly resolve: (reply: ApiReply) => void;
  private readonly reject: (error: Error) => void;
  private readonly timer: NodeJS.Timeout;
  private controller: Dispatcher.DispatchController | undefined;
  private late: Error | undefined;
  private status = 0;
  private headers: ApiReply['headers'] = {};

  constructor(
    resolve: (reply: ApiReply) => void,
    reject: (error: Error) => void,
    timeoutMs: number,
  ) {
    this.resolve = resolve;
    this.reject = reject;
    this.timer = setTimeout(() => this.giveUp(timeoutMs), timeoutMs);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    if (this.late !== undefined) controller.abort(this.late);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: ApiReply['headers'],
  ): void {
    this.status = status;
    this.headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.chunks.push(chunk);
  }

  onResponseEnd(): void {
    clearTimeout(this.timer);
    const [only] = this.chunks;
    const body = this.chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.chunks);
    this.resolve({ status: this.status, headers: this.headers, body });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    clearTimeout(this.timer);
    this.reject(this.late ?? error);
  }

  private giveUp(timeoutMs: number): void {
    const message = `no reply within ${timeoutMs} ms`;
    this.late = Object.assign(new Error(message), { code: 'ETIMEDOUT' });
    this.reject(this.late);
    this.controller?.abort(this.late);
  }
}
