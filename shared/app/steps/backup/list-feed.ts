/**
 * Lists kinds in order, reading up to three other lists ahead of the one in hand, each with at most two
 * pages waiting. A list that cannot be read is a gap, not the end; a cluster that cannot be reached ends
 * the feed with a retryable error.
 */
import {
  BackupCentreError,
  LeaseLostError,
  NotFoundError,
  ThrottledError,
} from '../../../domain/errors.ts';
import type { ListTask } from '../../../domain/selection.ts';
import type { Clock } from '../../../ports/clock.ts';
import {
  ApiRejection,
  type ClusterClient,
  ContinueExpiredError,
  type ListPage,
  type ListRequest,
} from '../../../ports/cluster-client.ts';

/** Lists read ahead of the one in hand (design §5). */
const AHEAD_MAX = 3;
/** Pages of one list that wait at most. */
const PAGES_WAITING_MAX = 2;
/** Objects asked for at once at most (design §5). */
const PAGE_OBJECTS_MAX = 500;
/** The first page is shorter: how large the objects are is not known yet. */
const FIRST_PAGE_OBJECTS = 100;
/** A page should not be larger than this, bytes: pages are held whole. */
const PAGE_BYTES_TARGET = 10 * 1024 * 1024;
/** Failures of one page before the list is given up. */
const PAGE_ATTEMPTS_MAX = 4;
/** Times a list may be begun anew because its token expired without a successor. */
const RESTARTS_MAX = 5;
/** Tokens that may expire in a row without a page in between. */
const EXPIRIES_MAX = 5;
/** First pause after a failure, ms; doubled each time. */
const PAUSE_MS_MIN = 500;

/** What the feed gives, task by task in order. */
export type FeedEvent =
  | {
      readonly kind: 'page';
      readonly task: number;
      /** Token that fetched this page, absent for the first. */
      readonly token: string | undefined;
      readonly page: ListPage;
    }
  | { readonly kind: 'end'; readonly task: number }
  | { readonly kind: 'gap'; readonly task: number; readonly reason: string };

/** Where to begin, and with what. */
export interface FeedOptions {
  readonly client: ClusterClient;
  readonly clock: Clock;
  readonly tasks: readonly ListTask[];
  readonly from: { readonly task: number; readonly token?: string };
}

/** Events of all tasks from `from` on. @throws BackupCentreError retryable: the cluster is not there */
export async function* feedLists(options: FeedOptions): AsyncGenerator<FeedEvent> {
  const { tasks, from } = options;
  const pace: Pace = { ahead: AHEAD_MAX, calm: 0 };
  const open = new Map<number, ListReader>();
  try {
    for (let task = from.task; task < tasks.length; task += 1) {
      const last = Math.min(tasks.length - 1, task + pace.ahead);
      for (let next = task; next <= last; next += 1) {
        if (open.has(next)) continue;
        const token = next === from.task ? from.token : undefined;
        open.set(next, new ListReader(options, pace, next, token));
      }
      const reader = open.get(task);
      if (reader === undefined) continue;
      yield* reader.events();
      open.delete(task);
    }
  } finally {
    await Promise.all([...open.values()].map((reader) => reader.stop()));
  }
}

/** How many lists are read ahead: fewer while the server throttles. */
interface Pace {
  ahead: number;
  calm: number;
}

/** One list, read into a short queue. */
class ListReader {
  private readonly options: FeedOptions;
  private readonly pace: Pace;
  private readonly task: number;
  private readonly waiting: FeedEvent[] = [];
  private readonly done: Promise<void>;
  private failure: unknown;
  private finished = false;
  private readonly stopping = new AbortController();
  private wakeReader: () => void = () => undefined;
  private wakeTaker: () => void = () => undefined;
  private limit = FIRST_PAGE_OBJECTS;

  constructor(options: FeedOptions, pace: Pace, task: number, token: string | undefined) {
    this.options = options;
    this.pace = pace;
    this.task = task;
    this.done = this.readAll(token).then(
      () => undefined,
      (error: unknown) => {
        this.failure = error;
      },
    );
    void this.done.then(() => {
      this.finished = true;
      this.wakeTaker();
    });
  }

  async *events(): AsyncGenerator<FeedEvent> {
    for (;;) {
      const event = this.waiting.shift();
      if (event !== undefined) {
        this.wakeReader();
        yield event;
      } else if (this.finished) {
        if (this.failure !== undefined) throw this.failure;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.wakeTaker = resolve;
        });
      }
    }
  }

  /** Resolves when no request of this list is under way. */
  async stop(): Promise<void> {
    this.stopping.abort(new Error('The feed ended'));
    this.wakeReader();
    await this.done;
  }

  private async readAll(from: string | undefined): Promise<void> {
    let token = from;
    let restarts = 0;
    let expiries = 0;
    for (;;) {
      await this.room();
      if (this.stopping.signal.aborted) return;
      try {
        const page = await this.readPage(token);
        this.offer({ kind: 'page', task: this.task, token, page });
        this.limit = nextLimit(page, this.limit);
        token = page.continue;
        expiries = 0;
        if (token === undefined) {
          this.offer({ kind: 'end', task: this.task });
          return;
        }
      } catch (error) {
        const expired = error instanceof ContinueExpiredError;
        if (!expired || restarts >= RESTARTS_MAX || expiries >= EXPIRIES_MAX) {
          this.offer({ kind: 'gap', task: this.task, reason: gapReason(error) });
          return;
        }
        // The server's own successor of the token goes on, at a newer version; without one the list
        // begins anew, and what was taken already is known by its UID.
        token = error.freshContinue;
        expiries += 1;
        restarts += token === undefined ? 1 : 0;
      }
    }
  }

  /** One page. What it throws besides a retryable error makes the list a gap. */
  private async readPage(token: string | undefined): Promise<ListPage> {
    const { client, clock, tasks } = this.options;
    const task = tasks[this.task];
    if (task === undefined) throw new NotFoundError(`No list ${this.task}`);
    for (let attempt = 1; ; attempt += 1) {
      const request: ListRequest = {
        limit: this.limit,
        ...(task.namespace === undefined ? {} : { namespace: task.namespace }),
        ...(token === undefined ? {} : { continue: token }),
      };
      try {
        const page = await client.list(task.resource, request);
        this.speedUp();
        return page;
      } catch (error) {
        if (!isPassing(error)) throw error;
        if (error instanceof ThrottledError) this.slowDown();
        if (attempt >= PAGE_ATTEMPTS_MAX) throw await this.giveUp(error);
        await clock.sleep(pauseMs(error, attempt), this.stopping.signal);
      }
    }
  }

  /** A list that fails while the server answers is a gap; else nothing can be read at present. */
  private async giveUp(error: BackupCentreError): Promise<unknown> {
    if (error instanceof ThrottledError || error.code === 'credentials_expired') {
      return new Unreadable(error);
    }
    try {
      await this.options.client.version();
      return error;
    } catch {
      return new Unreadable(error);
    }
  }

  private slowDown(): void {
    this.pace.ahead = Math.max(0, this.pace.ahead - 1);
    this.pace.calm = 0;
  }

  private speedUp(): void {
    this.pace.calm += 1;
    if (this.pace.calm % 20 === 0) this.pace.ahead = Math.min(AHEAD_MAX, this.pace.ahead + 1);
  }

  /** Resolves when another page may be held. */
  private async room(): Promise<void> {
    while (this.waiting.length >= PAGES_WAITING_MAX && !this.stopping.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.wakeReader = resolve;
      });
    }
  }

  private offer(event: FeedEvent): void {
    this.waiting.push(event);
    this.wakeTaker();
  }
}

/** The cluster as a whole does not answer: the run is tried again later. */
class Unreadable extends Error {
  readonly reason: BackupCentreError;

  constructor(reason: BackupCentreError) {
    super(reason.message);
    this.reason = reason;
  }
}

function isPassing(error: unknown): error is BackupCentreError {
  return error instanceof BackupCentreError && error.retryable;
}

/** Why a list is a gap. Rethrows what is not a list's fault. */
function gapReason(error: unknown): string {
  if (error instanceof Unreadable) throw error.reason;
  if (error instanceof LeaseLostError || !(error instanceof BackupCentreError)) throw error;
  if (error instanceof ApiRejection) return `${error.status} ${error.reason}: ${error.message}`;
  return error.message;
}

function pauseMs(error: BackupCentreError, attempt: number): number {
  const own = PAUSE_MS_MIN * 2 ** (attempt - 1);
  return error instanceof ThrottledError ? Math.max(own, error.retryAfterMs) : own;
}

function nextLimit(page: ListPage, limit: number): number {
  if (page.items.length === 0) return limit;
  const bytes = page.items.reduce((sum, item) => sum + item.length, 0);
  const fitting = Math.floor(PAGE_BYTES_TARGET / (bytes / page.items.length));
  return Math.max(1, Math.min(PAGE_OBJECTS_MAX, fitting));
}
