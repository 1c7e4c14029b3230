import type { z } from 'zod';
import type { ModifierRule } from '../domain/modifiers/modifier-rule.ts';
import { labelSelectorOf } from './label-selector-view.ts';
import type { modifierRuleSchema } from './modifier-schemas.ts';

/** The domain's rule of a validated one: fields that were left out are absent. */
export function modifierRuleOf(wire: z.output<typeof modifierRuleSchema>): ModifierRule {
  const { patches, mergePatches, strategicPatches } = wire;
  const { groupResource, resourceNameRegex, namespaces, labelSelector, matches } = wire.conditions;
  return {
    conditions: {
      groupResource,
      ...(resourceNameRegex === undefined ? {} : { resourceNameRegex }),
      ...(namespaces === undefined ? {} : { namespaces }),
      ...(labelSelector === undefined ? {} : { labelSelector: labelSelectorOf(labelSelector) }),
      ...(matches === undefined ? {} : { matches }),
    },
    ...(patches === undefined
      ? {}
      : {
          patches: patches.map(({ operation, path, from, value }) => ({
            operation,
            path,
            ...(from === undefined ? {} : { from }),
            ...(value === undefined ? {} : { value }),
          })),
        }),
    ...(mergePatches === undefined ? {} : { mergePatches }),
    ...(strategicPatches === undefined ? {} : { strategicPatches }),
  };
}
