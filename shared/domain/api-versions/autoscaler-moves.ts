/** Metrics of autoscaling/v2beta1 (gone in 1.25) in the shape of v2. */
import { isJsonObject, type JsonObject, objectAt } from '../json.ts';
import { type FieldMove, reshaped } from './field-moves.ts';

/** Moves of a HorizontalPodAutoscaler of v2beta1; those of v2beta2 have v2's shape. */
export const AUTOSCALER: readonly FieldMove[] = [
  reshaped('spec.metrics[].resource', utilization),
  reshaped('spec.metrics[].containerResource', utilization),
  reshaped('spec.metrics[].pods', (value) => counted(value, { average: 'targetAverageValue' })),
  reshaped('spec.metrics[].external', (value) =>
    counted(value, { average: 'targetAverageValue', total: 'targetValue' }),
  ),
  reshaped('spec.metrics[].object', (value) => {
    if (!isJsonObject(value)) return undefined;
    const { target, ...rest } = value;
    const metric = counted(rest, { average: 'averageValue', total: 'targetValue' });
    return metric === undefined ? undefined : { describedObject: target, ...metric };
  }),
];

function utilization(value: unknown): JsonObject | undefined {
  if (!isJsonObject(value) || objectAt(value, 'target') !== undefined) return undefined;
  const { targetAverageUtilization: percent, targetAverageValue: average, ...rest } = value;
  const target =
    percent === undefined
      ? { type: 'AverageValue', averageValue: average }
      : { type: 'Utilization', averageUtilization: percent };
  return { ...rest, target };
}

/** An average wins where both are given, as it did in v2beta1. */
function counted(
  value: unknown,
  fields: { readonly average: string; readonly total?: string },
): JsonObject | undefined {
  if (!isJsonObject(value) || value.metricName === undefined) return undefined;
  const { metricName, metricSelector, selector = metricSelector, ...rest } = value;
  const average = rest[fields.average];
  const total = fields.total === undefined ? undefined : rest[fields.total];
  delete rest[fields.average];
  if (fields.total !== undefined) delete rest[fields.total];
  const target =
    average === undefined
      ? { type: 'Value', value: total }
      : { type: 'AverageValue', averageValue: average };
  const metric = { name: metricName, ...(selector === undefined ? {} : { selector }) };
  return { ...rest, metric, target };
}
