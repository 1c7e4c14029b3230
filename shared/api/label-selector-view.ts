import type { z } from 'zod';
import type { LabelSelector } from '../domain/label-selector.ts';
import type { labelSelectorSchema } from './common-schemas.ts';

/** The domain's selector of a validated one: fields that were left out are absent. */
export function labelSelectorOf(wire: z.output<typeof labelSelectorSchema>): LabelSelector {
  const expressions = 'matchExpressions' in wire ? wire.matchExpressions : undefined;
  return {
    ...(wire.matchLabels === undefined ? {} : { matchLabels: wire.matchLabels }),
    ...(expressions === undefined
      ? {}
      : {
          matchExpressions: expressions.map(({ key, operator, values }) => ({
            key,
            operator,
            ...(values === undefined ? {} : { values }),
          })),
        }),
  };
}
