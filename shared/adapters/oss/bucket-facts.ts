import type { BucketInfo } from '../../ports/object-store.ts';

/** The facts in a GetBucketInfo reply (XML as the SDK parsed it). */
export function readBucketInfo(bucket: Readonly<Record<string, unknown>>): BucketInfo {
  const versioning = textOf(bucket.Versioning).toLowerCase();
  const rule = bucket.ServerSideEncryptionRule;
  const algorithm =
    typeof rule === 'object' && rule !== null && 'SSEAlgorithm' in rule
      ? textOf(rule.SSEAlgorithm)
      : 'None';
  return {
    region: textOf(bucket.Location).replace(/^oss-/, ''),
    storageClass: textOf(bucket.StorageClass) || 'Standard',
    versioning: versioning === 'enabled' || versioning === 'suspended' ? versioning : 'disabled',
    encrypted: algorithm !== 'None' && algorithm !== '',
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
