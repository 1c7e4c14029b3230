/** The caller's resource modifiers: the last change before an object is created. */
import type { ApiResource } from '../../../domain/api-resource.ts';
import type { KubeObject } from '../../../domain/kube-object.ts';
import { kindSchema } from '../../../domain/modifiers/merge-patch.ts';
import {
  applyRules,
  type Modified,
  matchingRules,
} from '../../../domain/modifiers/modifier-rule.ts';
import type { CatalogLine } from '../../../format/catalog-line.ts';
import type { RestoreSession } from './restore-session.ts';

/** Changes the object in place, or says why it must not be created. */
export async function modifyObject(
  session: RestoreSession,
  line: CatalogLine,
  resource: ApiResource,
  object: KubeObject,
): Promise<Modified> {
  const rules = matchingRules(session.spec.resourceModifiers, line, object);
  if (rules.length === 0) return { changes: [] };
  const isStrategic = rules.some(({ rule }) => (rule.strategicPatches ?? []).length > 0);
  const document = isStrategic ? await session.openApiOf(resource) : undefined;
  const { group, version, kind } = resource;
  const schema =
    document === undefined ? undefined : kindSchema(document, { group, version, kind });
  return applyRules(object, rules, schema);
}
