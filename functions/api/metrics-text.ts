/** Metrics in the Prometheus text format, version 0.0.4. */
import type { MetricFamily } from '../../shared/app/read-metrics.ts';

/** Content type of the format. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** The families as text; those without samples say that they exist. */
export function metricsText(families: readonly MetricFamily[]): string {
  return families
    .flatMap(({ name, help, samples }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} gauge`,
      ...samples.map(({ labels, value }) => `${name}${labelsText(labels)} ${value}`),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
