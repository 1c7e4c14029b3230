import type { ServiceRefusal } from '../acs-signature/gateway.ts';
import type { EcsCall, EcsReply } from './ecs-call.ts';
import { refuse } from './errors.ts';
import { CLIENT_TOKEN_LENGTH_MAX, CLIENT_TOKEN_MS } from './limits.ts';
import { optional } from './parameters.ts';

/** What does not belong to the request that a token stands for. */
const NOT_COMPARED =
  /^(Action|Version|Format|AccessKeyId|SecurityToken|Signature.*|Timestamp|ClientToken)$/;

/** A created resource: its reply, and `write`, which must record it. */
export interface Creation {
  readonly reply: Readonly<Record<string, string>>;
  readonly write: () => void;
}

/** Remembers ClientTokens: a repeated creation answers as the first one did. */
export class ClientTokens {
  private readonly inWork = new Set<string>();

  /**
   * Runs `create` once per token and commits what it made together with its token. `serialise`
   * waits for other changes; a token whose first request still runs is refused before that.
   */
  async once(
    call: EcsCall,
    action: string,
    create: () => Promise<Creation>,
    serialise: (work: () => Promise<EcsReply>) => Promise<EcsReply>,
  ): Promise<EcsReply> {
    const token = optional(call.parameters, 'ClientToken');
    if (token === undefined) return serialise(async () => commit(call, await create()));
    checkToken(token);
    const name = JSON.stringify([call.accountId, action, token]);
    if (this.inWork.has(name)) throw stillProcessing(action);
    this.inWork.add(name);
    try {
      return await serialise(() => replyOf(call, action, token, create));
    } finally {
      this.inWork.delete(name);
    }
  }
}

async function replyOf(
  call: EcsCall,
  action: string,
  token: string,
  create: () => Promise<Creation>,
): Promise<EcsReply> {
  const key = [call.accountId, action, token];
  const parameters = comparable(call);
  const known = call.store.tokens.get(key);
  if (known !== undefined && call.nowMs < known.usedAtMs + CLIENT_TOKEN_MS) {
    if (known.parameters === parameters) return known.reply;
    throw refuse.denied('IdempotentParameterMismatch', 'The specified clientToken is used.');
  }
  const made = await create();
  const usedAtMs = call.nowMs;
  return commit(call, {
    reply: made.reply,
    write: () => {
      made.write();
      call.store.tokens.putSync(key, { parameters, reply: made.reply, usedAtMs });
    },
  });
}

async function commit(call: EcsCall, { reply, write }: Creation): Promise<EcsReply> {
  await call.store.commit(write);
  return reply;
}

function comparable(call: EcsCall): string {
  const pairs = [...call.parameters].filter(([name]) => !NOT_COMPARED.test(name));
  return JSON.stringify(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function checkToken(token: string): void {
  if (token.length <= CLIENT_TOKEN_LENGTH_MAX && /^[\x20-\x7e]+$/.test(token)) return;
  throw refuse.denied(
    'InvalidClientToken.Malformed',
    'The specified clientToken is improperly formatted. It must contain only ASCII characters ' +
      'and must not exceed 64 characters in length.',
  );
}

/** CreateDisk and the snapshot actions have a code each for this. */
function stillProcessing(action: string): ServiceRefusal {
  return action === 'CreateDisk'
    ? refuse.denied('LastTokenProcessing', 'The last token request is processing.')
    : refuse.denied(
        'IdempotentProcessing',
        'The previous idempotent request(s) is still processing.',
      );
}
