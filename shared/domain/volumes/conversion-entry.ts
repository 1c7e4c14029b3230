/**
 * Entries of a restore's StorageClass conversion: which claims one covers, and which one counts.
 */
import type { RestoreSpec } from '../restore-record.ts';

/** One entry; names are those in the backup. */
export type ConversionEntry = RestoreSpec['storageClassConversion'][number];

/** The entry that names most of the claim, the first of equal ones. */
export function mostSpecific(
  entries: readonly ConversionEntry[],
  claim: { readonly namespace: string; readonly pvc: string; readonly storageClass: string },
): ConversionEntry | undefined {
  let best: ConversionEntry | undefined;
  for (const entry of entries) {
    const matches =
      covers(entry.namespace, claim.namespace) &&
      covers(entry.pvc, claim.pvc) &&
      covers(entry.from, claim.storageClass);
    if (matches && (best === undefined || weight(entry) > weight(best))) best = entry;
  }
  return best;
}

/** Whether a field of an entry says something; `*` is what people write for nothing. */
export function isNamed(field: string | undefined): field is string {
  return field !== undefined && field !== '*';
}

/** The claims of an entry, as messages name them. */
export function describeEntry({ namespace, pvc, from }: ConversionEntry): string {
  const claims = isNamed(pvc) ? `claim ${pvc}` : 'claims';
  const place = isNamed(namespace) ? ` of namespace ${namespace}` : '';
  return `${claims}${place}${isNamed(from) ? ` with class ${from}` : ''}`;
}

/** A claim's name weighs most, then its namespace. */
function weight({ namespace, pvc, from }: ConversionEntry): number {
  return (isNamed(pvc) ? 4 : 0) + (isNamed(namespace) ? 2 : 0) + (isNamed(from) ? 1 : 0);
}

function covers(wanted: string | undefined, name: string): boolean {
  return !isNamed(wanted) || wanted === name;
}
