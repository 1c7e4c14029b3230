/** What every chapter of the story works with. */
import type { KubeSession } from './kube-session.ts';
import type { LocalStack } from './start-stack.ts';
import type { ApiReply, ApiSession, StoryTeller } from './story-steps.ts';

/** Namespaces of the sample application. */
export const NAMESPACES = ['shop', 'shop-media', 'shop-tools'];

/** The story's stack, its two clusters and who tells it. */
export interface Scene {
  readonly teller: StoryTeller;
  readonly api: ApiSession;
  readonly stack: LocalStack;
  readonly home: KubeSession;
  readonly away: KubeSession;
  readonly homeId: string;
  readonly awayId: string;
}

/** What a check shows of a record that is not as it should be. */
export function explain(record: ApiReply): string {
  const { phase, message, errors } = record;
  return JSON.stringify({ phase, message, errors });
}
