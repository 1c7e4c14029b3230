/** Talking to the API the way a user would, with a progress bar, and keeping count of what held. */
import type { StackDescription } from './start-stack.ts';

/** A JSON reply of the API. */
export type ApiReply = Readonly<Record<string, unknown>>;

/** The centre's API, as a user calls it. */
export class ApiSession {
  private readonly stack: Pick<StackDescription, 'api' | 'token'>;

  constructor(stack: Pick<StackDescription, 'api' | 'token'>) {
    this.stack = stack;
  }

  /** @throws Error with the problem's own words where the API refuses */
  async call(method: string, path: string, body?: unknown): Promise<ApiReply> {
    const response = await fetch(`${this.stack.api}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.stack.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text.startsWith('{') ? JSON.parse(text) : { text }) as ApiReply;
  }

  /** Waits until a record is final, telling its progress on the way. */
  async finished(
    path: string,
    tell: (record: ApiReply) => void = () => undefined,
  ): Promise<ApiReply> {
    const deadline = Date.now() + 15 * 60_000;
    for (;;) {
      const record = await this.call('GET', path);
      tell(record);
      if (['Completed', 'PartiallyFailed', 'Failed', 'Cancelled'].includes(String(record.phase))) {
        return record;
      }
      if (Date.now() > deadline)
        throw new Error(`${path} is still ${String(record.phase)} after 15 minutes`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** What the story prints, and whether every check held. */
export class StoryTeller {
  private readonly out: NodeJS.WriteStream;
  private readonly failures: string[] = [];
  private checks = 0;
  private barShown = false;

  constructor(out: NodeJS.WriteStream) {
    this.out = out;
  }

  /** A line of its own. */
  say(line: string): void {
    this.endBar();
    this.out.write(`${line}\n`);
  }

  /** The headline of a chapter. */
  chapter(title: string): void {
    this.say(`\n${title}`);
  }

  /** One thing that must hold; says what was found where it does not. */
  check(what: string, ok: boolean, found = ''): void {
    this.checks += 1;
    if (!ok) this.failures.push(found === '' ? what : `${what}: ${found}`);
    this.say(`  ${ok ? 'ok  ' : 'FAIL'} ${what}${ok || found === '' ? '' : `: ${found}`}`);
  }

  /** Shows how far a record is; rewritten in place on a terminal. */
  readonly progress = (record: ApiReply): void => {
    if (!this.out.isTTY) return;
    const { objectsTotal = 0, objectsDone = 0 } = (record.progress ?? {}) as Record<string, number>;
    const share = objectsTotal === 0 ? 0 : Math.min(1, objectsDone / objectsTotal);
    const full = Math.round(share * 30);
    const bar = `${'#'.repeat(full)}${'.'.repeat(30 - full)}`;
    this.out.write(
      `\r  [${bar}] ${String(record.phase).padEnd(18)} ${objectsDone}/${objectsTotal} objects`,
    );
    this.barShown = true;
  };

  private endBar(): void {
    if (this.barShown) this.out.write('\n');
    this.barShown = false;
  }

  /** The last word; true when every check held. */
  summary(seconds: number): boolean {
    const passed = this.checks - this.failures.length;
    this.say(`\n${passed} of ${this.checks} checks held, in ${seconds.toFixed(1)} s`);
    for (const failure of this.failures) this.say(`  FAIL ${failure}`);
    return this.failures.length === 0;
  }
}
