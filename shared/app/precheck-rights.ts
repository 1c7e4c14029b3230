/** Rows about rights: what the centre may read and create in a cluster, kind by kind. */
import { type ApiResource, groupResource } from '../domain/api-resource.ts';
import type { PrecheckItem } from '../domain/precheck-item.ts';
import { remedyOf } from '../domain/remedy.ts';
import type { Clock } from '../ports/clock.ts';
import type { ClusterClient } from '../ports/cluster-client.ts';
import { askRow } from './precheck-row.ts';

/** Rights take a question per kind and verb where not everything is allowed, ms. */
const RIGHTS_MS_MAX = 10_000;
/** Questions about rights at once. */
const REVIEWS_AT_ONCE = 8;
/** Missing rights named in a row; further ones are counted. */
const NAMED_MAX = 20;

/** A row about rights: which verbs it asks for. */
interface Rights {
  readonly check: 'rbac_read' | 'rbac_create';
  readonly verbs: readonly string[];
  readonly purpose: string;
}

const RIGHTS: readonly Rights[] = [
  { check: 'rbac_read', verbs: ['list', 'get'], purpose: 'to back them up' },
  { check: 'rbac_create', verbs: ['create'], purpose: 'to restore them' },
];

/** The rows, by what the cluster serves. */
export async function checkRights(
  clock: Clock,
  client: ClusterClient,
  resources: readonly ApiResource[],
): Promise<readonly PrecheckItem[]> {
  return await Promise.all(RIGHTS.map((rights) => askRights(clock, client, resources, rights)));
}

/** The rows where the API server does not answer. */
export function unaskedRights(): readonly PrecheckItem[] {
  return RIGHTS.map((rights) => notAsked(rights));
}

function neededRights({ verbs, purpose }: Rights): string {
  return `${verbs.join(' and ')} on every kind, ${purpose}`;
}

function notAsked(rights: Rights): PrecheckItem {
  return {
    check: rights.check,
    ok: false,
    found: 'not known: the API server does not answer',
    needed: neededRights(rights),
    remedy: remedyOf('cluster_unreachable') ?? '',
  };
}

/** One question where everything is allowed, else one per kind and verb. */
async function askRights(
  clock: Clock,
  client: ClusterClient,
  resources: readonly ApiResource[],
  rights: Rights,
): Promise<PrecheckItem> {
  const remedy = remedyOf('cluster_access_denied') ?? '';
  return await askRow(clock, {
    check: rights.check,
    needed: neededRights(rights),
    answerMsMax: RIGHTS_MS_MAX,
    ask: async () => {
      const missing = await missingRights(client, resources, rights.verbs);
      if (missing.length === 0) return { found: 'allowed' };
      const named = missing.slice(0, NAMED_MAX).join(', ');
      const more = missing.length > NAMED_MAX ? ` and ${missing.length - NAMED_MAX} more` : '';
      return { found: `not allowed: ${named}${more}`, remedy };
    },
    remedyOf: ({ code }) => remedyOf(code) ?? remedy,
  });
}

/** `list secrets`, `get widgets.example.com`, sorted. */
async function missingRights(
  client: ClusterClient,
  resources: readonly ApiResource[],
  verbs: readonly string[],
): Promise<readonly string[]> {
  const whole = await Promise.all(verbs.map((verb) => client.mayI(verb, '*', '*')));
  if (whole.every(Boolean)) return [];
  const questions = resources
    .filter((r) => r.preferred && !r.resource.includes('/'))
    .flatMap((resource) =>
      verbs.filter((verb) => resource.verbs.includes(verb)).map((verb) => ({ verb, resource })),
    );
  const missing: string[] = [];
  const rest = questions.values();
  const ask = async (): Promise<void> => {
    for (const { verb, resource } of rest) {
      if (await client.mayI(verb, resource.group, resource.resource)) continue;
      missing.push(`${verb} ${groupResource(resource)}`);
    }
  };
  await Promise.all(Array.from({ length: REVIEWS_AT_ONCE }, ask));
  return missing.sort();
}
