/** Calls of the ECS API 2014-05-26, region by region: repeated, paged, and never too many at once. */
import { assert, BackupCentreError } from '../../domain/errors.ts';
import { type JsonObject, objectsAt, textAt } from '../../domain/json.ts';
import type { Pacing } from '../bounded-retry.ts';
import type { CredentialsProvider } from '../credentials.ts';
import { OpenApiCalls, type VendorRefusal } from '../open-api-calls.ts';
import { CallRate } from './call-rate.ts';
import { ecsError, isBriefConflict } from './ecs-errors.ts';

/** More pages than any list has: 100,000 resources at 100 to a page. */
const PAGES_MAX = 1_000;

/** One call. */
export interface EcsCall {
  readonly region: string;
  readonly action: string;
  /** What is attempted, for messages: `snapshot disk d-1`. */
  readonly attempt: string;
  readonly query: JsonObject;
}

interface Region {
  readonly calls: OpenApiCalls;
  readonly writes: CallRate;
}

/** Wraps what lasts for minutes: repeating the call within seconds would only cost calls. */
class NotNow extends BackupCentreError {
  readonly told: BackupCentreError;

  constructor(told: BackupCentreError) {
    super(told.code, told.message);
    this.told = told;
  }
}

/** ECS in every region of an account. */
export class EcsCalls {
  private readonly endpointOf: (region: string) => string;
  private readonly credentials: CredentialsProvider;
  private readonly pacing: Pacing;
  private readonly writesPerSecond: number;
  private readonly regions = new Map<string, Region>();

  constructor(
    endpointOf: (region: string) => string,
    credentials: CredentialsProvider,
    options: { readonly pacing: Pacing; readonly writesPerSecond: number },
  ) {
    this.endpointOf = endpointOf;
    this.credentials = credentials;
    this.pacing = options.pacing;
    this.writesPerSecond = options.writesPerSecond;
  }

  /** A call that changes nothing. */
  async read(call: EcsCall): Promise<JsonObject> {
    return await this.send(this.region(call.region), call);
  }

  /**
   * A call that carries a ClientToken or may happen twice: it is repeated where its reply is lost.
   * Waits for its turn; repeats do not, they have their own pauses.
   */
  async write(call: EcsCall): Promise<JsonObject> {
    const region = this.region(call.region);
    await region.writes.turn();
    return await this.send(region, call);
  }

  /**
   * Every entry of a list, over all pages; `path` leads to the entries in a reply. It stops at
   * `countMax`, as a full page may name a next one that is empty.
   */
  async list(
    call: EcsCall,
    path: readonly string[],
    countMax = Number.POSITIVE_INFINITY,
  ): Promise<readonly JsonObject[]> {
    const found: JsonObject[] = [];
    let next = '';
    for (let page = 0; page === 0 || (next !== '' && found.length < countMax); page += 1) {
      assert(page < PAGES_MAX, `${call.action} ends before ${PAGES_MAX} pages`);
      const token = next === '' ? {} : { NextToken: next };
      const body = await this.read({ ...call, query: { ...call.query, ...token } });
      found.push(...objectsAt(body, ...path));
      next = textAt(body, 'NextToken') ?? '';
    }
    return found;
  }

  private async send({ calls }: Region, call: EcsCall): Promise<JsonObject> {
    try {
      return await calls.send({
        action: call.action,
        version: '2014-05-26',
        style: 'RPC',
        method: 'POST',
        path: '/',
        query: call.query,
        attempt: call.attempt,
        repeatable: true,
      });
    } catch (error) {
      throw error instanceof NotNow ? error.told : error;
    }
  }

  private region(name: string): Region {
    const held = this.regions.get(name);
    if (held !== undefined) return held;
    const region: Region = {
      calls: new OpenApiCalls(this.endpointOf(name), this.credentials, this.pacing, translate),
      writes: new CallRate(this.pacing.clock, this.writesPerSecond),
    };
    this.regions.set(name, region);
    return region;
  }
}

function translate(refusal: VendorRefusal): BackupCentreError | undefined {
  const error = ecsError(refusal);
  const isLasting = error?.code === 'disk_busy' && !isBriefConflict(refusal.code);
  return isLasting ? new NotNow(error) : error;
}
