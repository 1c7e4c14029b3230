import { crdRules } from '../crd/crd-rules.ts';
import { clusterRules } from './cluster-rules.ts';
import { coreRules } from './core-rules.ts';
import { jobRules } from './job-rules.ts';
import { podKindRules } from './pod-rules.ts';
import { serviceRules } from './service-rules.ts';
import { storageRules } from './storage-rules.ts';
import type { KindRules } from './strategy-table.ts';
import { workloadRules } from './workload-rules.ts';

const rules: Readonly<Record<string, KindRules>> = {
  ...coreRules,
  ...podKindRules,
  ...serviceRules,
  ...storageRules,
  ...workloadRules,
  ...jobRules,
  ...clusterRules,
  ...crdRules,
};

/** The rules of a built-in kind beyond the common ones. */
export function rulesOf(resource: string): KindRules {
  return rules[resource] ?? {};
}
