/**
 * The built-in kinds that are served in two versions and stored in one: autoscalers (v2 is stored)
 * and events (the core group's form is stored).
 */
import { isObject, type JsonObject, objectAt, objectsAt } from '../json-tree.ts';

/** Between one version and the stored one. */
export interface Conversion {
  readonly storedAs: { readonly apiVersion: string; readonly kind: string };
  toStorage(object: JsonObject): JsonObject;
  fromStorage(object: JsonObject): JsonObject;
}

const metricsAnnotation = 'autoscaling.alpha.kubernetes.io/metrics';

function isCpuUtilization(metric: JsonObject): boolean {
  const target = objectAt(metric, 'resource', 'target');
  return objectAt(metric, 'resource')?.name === 'cpu' && target?.averageUtilization !== undefined;
}

function withAnnotation(object: JsonObject, value: string | undefined): JsonObject {
  const metadata = objectAt(object, 'metadata') ?? {};
  const { [metricsAnnotation]: _old, ...annotations } = objectAt(metadata, 'annotations') ?? {};
  const next = value === undefined ? annotations : { ...annotations, [metricsAnnotation]: value };
  return { ...object, metadata: { ...metadata, annotations: next } };
}

/** autoscaling/v1 knows one metric; the others travel in an annotation, as the vendor's do. */
const autoscalerV1: Conversion = {
  storedAs: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' },
  toStorage: (object) => {
    const { targetCPUUtilizationPercentage: percent, ...spec } = objectAt(object, 'spec') ?? {};
    const cpu = {
      type: 'Resource',
      resource: {
        name: 'cpu',
        target: { type: 'Utilization', averageUtilization: percent ?? 80 },
      },
    };
    const noted = objectAt(object, 'metadata', 'annotations')?.[metricsAnnotation];
    const others: unknown = typeof noted === 'string' ? JSON.parse(noted) : [];
    const metrics: unknown[] = Array.isArray(others) ? [...(others as unknown[])] : [];
    if (percent !== undefined || metrics.length === 0) metrics.push(cpu);
    const status = objectAt(object, 'status') ?? {};
    const { currentCPUUtilizationPercentage: _current, ...rest } = status;
    return {
      ...withAnnotation(object, undefined),
      spec: { ...spec, metrics },
      status: rest,
    };
  },
  fromStorage: (object) => {
    const { metrics: _metrics, behavior: _behavior, ...spec } = objectAt(object, 'spec') ?? {};
    const metrics = objectsAt(object, 'spec', 'metrics');
    const cpu = metrics.find(isCpuUtilization);
    const others = metrics.filter((metric) => metric !== cpu);
    const target = objectAt(cpu, 'resource', 'target');
    const status = objectAt(object, 'status') ?? {};
    const { currentMetrics: _current, conditions: _conditions, ...rest } = status;
    const noted = others.length === 0 ? undefined : JSON.stringify(others);
    return {
      ...withAnnotation(object, noted),
      spec:
        target === undefined
          ? spec
          : { ...spec, targetCPUUtilizationPercentage: target.averageUtilization },
      status: rest,
    };
  },
};

const renamedEventFields: readonly (readonly [string, string])[] = [
  ['note', 'message'],
  ['regarding', 'involvedObject'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
];

function renameFields(object: JsonObject, names: ReadonlyMap<string, string>): JsonObject {
  const renamed: JsonObject = {};
  for (const [key, value] of Object.entries(object)) renamed[names.get(key) ?? key] = value;
  return renamed;
}

const toCoreEvent = new Map(renamedEventFields);
const fromCoreEvent = new Map(renamedEventFields.map(([a, b]) => [b, a] as const));

const eventsGroup: Conversion = {
  storedAs: { apiVersion: 'v1', kind: 'Event' },
  toStorage: (object) => {
    const core = renameFields(object, toCoreEvent);
    if (!isObject(core.involvedObject)) core.involvedObject = {};
    return core;
  },
  fromStorage: (object) => renameFields(object, fromCoreEvent),
};

/** The conversion that a resource at a version needs; undefined where it is stored as it is. */
export function conversionOf(groupResource: string, version: string): Conversion | undefined {
  if (groupResource === 'horizontalpodautoscalers.autoscaling' && version === 'v1') {
    return autoscalerV1;
  }
  return groupResource === 'events.events.k8s.io' ? eventsGroup : undefined;
}
