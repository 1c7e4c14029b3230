/**
 * Turns a stored object into the one to create: history stripped, kinds treated, names mapped. The rule
 * set has a version; objects are stored whole, so old backups gain from new rules.
 */
import { type ImageRules, mapImages } from '../image-mapping.ts';
import type { KubeObject } from '../kube-object.ts';
import { mapNamespaces, type NamespaceMapping } from '../namespace-mapping.ts';
import { rulesFor, type TreatmentOptions } from './treatment-rules.ts';

/** What a restore asks of every object. */
export interface TransformOptions extends TreatmentOptions {
  readonly namespaceMapping: NamespaceMapping;
  readonly imageRules: ImageRules;
}

/** Changes `object` in place; returns what a user should know of, one line per change. */
export function transformObject(object: KubeObject, options: TransformOptions): string[] {
  const changes: string[] = [];
  for (const rule of rulesFor(object)) changes.push(...rule.apply(object, options));
  changes.push(...mapNamespaces(object, options.namespaceMapping));
  changes.push(...mapImages(object, options.imageRules));
  return changes;
}
