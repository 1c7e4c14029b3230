/** Tokens of service accounts: opaque, known to this server alone, kept over a restart. */
import { randomBytes } from 'node:crypto';
import { isObject, numberAt, textAt } from '../json-tree.ts';
import { keyOf } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { parseStored } from '../storage/store-event.ts';
import type { UserInfo } from '../writer.ts';

/** Whom a token speaks for, and until when. */
export interface TokenGrant {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly expiresAtMs: number;
}

/** Gives out tokens and recognises them. */
export class TokenIssuer {
  private readonly store: ObjectStore;
  private readonly now: () => number;

  constructor(store: ObjectStore, now: () => number) {
    this.store = store;
    this.now = now;
  }

  issue(grant: TokenGrant): string {
    const token = `sandbox-sa.${randomBytes(32).toString('base64url')}`;
    this.store.setFact(`token/${token}`, JSON.stringify(grant));
    return token;
  }

  /** The account of a token; undefined when it is unknown, has expired, or its account is gone. */
  verify(token: string): UserInfo | undefined {
    const text = this.store.fact(`token/${token}`);
    const grant: unknown = text === undefined ? undefined : JSON.parse(text);
    if (!isObject(grant) || this.now() >= (numberAt(grant, 'expiresAtMs') ?? 0)) return undefined;
    const namespace = textAt(grant, 'namespace');
    const name = textAt(grant, 'name');
    const json = this.store.read(keyOf({ resource: 'serviceaccounts', namespace, name }));
    if (json === undefined) return undefined;
    if (textAt(parseStored(json), 'metadata', 'uid') !== textAt(grant, 'uid')) return undefined;
    return {
      user: `system:serviceaccount:${namespace}:${name}`,
      groups: [
        'system:serviceaccounts',
        `system:serviceaccounts:${namespace}`,
        'system:authenticated',
      ],
    };
  }
}
