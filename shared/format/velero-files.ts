/**
 * The small files beside an archive in the shapes that Velero reads: resource list, results, volume
 * information. All are JSON packed as one gzip member.
 * @see https://github.com/vmware-tanzu/velero `pkg/util/results`, `internal/volume/volumes_information.go`
 */
import type { Finding } from '../domain/finding.ts';
import { isJsonObject } from '../domain/json.ts';
import { describeReference } from '../domain/kube-object.ts';
import type { VolumeBackup } from '../domain/volume-backup.ts';

/** Collects `apps/v1/Deployment` -> names, as Velero lists them. */
export class ResourceList {
  private readonly byKind = new Map<string, string[]>();

  add(object: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
  }): void {
    const kind = `${object.apiVersion}/${object.kind}`;
    const { namespace, name } = object;
    const entry = namespace === undefined ? name : `${namespace}/${name}`;
    const entries = this.byKind.get(kind);
    if (entries === undefined) this.byKind.set(kind, [entry]);
    else entries.push(entry);
  }

  format(): Uint8Array {
    const kinds = [...this.byKind.keys()].sort();
    return Buffer.from(
      JSON.stringify(Object.fromEntries(kinds.map((k) => [k, this.byKind.get(k)?.sort() ?? []]))),
    );
  }
}

/** Errors and warnings of a backup. */
export interface ResultFindings {
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

/** Velero's texts by place, and beside them, in `findings`, ours as they are. */
export function formatResults(results: ResultFindings): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      errors: veleroResult(results.errors),
      warnings: veleroResult(results.warnings),
    }),
  );
}

/** The findings of a results file; undefined where it is not one of ours. */
export function parseResults(bytes: Uint8Array): ResultFindings | undefined {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  if (!isJsonObject(value)) return undefined;
  const errors = findingsOf(value.errors);
  const warnings = findingsOf(value.warnings);
  return errors === undefined || warnings === undefined ? undefined : { errors, warnings };
}

function findingsOf(value: unknown): Finding[] | undefined {
  if (!isJsonObject(value) || !Array.isArray(value.findings)) return undefined;
  return value.findings.filter(isFinding);
}

function isFinding(value: unknown): value is Finding {
  return (
    isJsonObject(value) &&
    typeof value.code === 'string' &&
    typeof value.step === 'string' &&
    typeof value.message === 'string'
  );
}

function veleroResult(findings: readonly Finding[]): object {
  const cluster: string[] = [];
  const namespaces = new Map<string, string[]>();
  for (const finding of findings) {
    const where = finding.object === undefined ? '' : `${describeReference(finding.object)}: `;
    const text = `${where}${finding.message}`;
    const namespace = finding.object?.namespace;
    if (namespace === undefined) cluster.push(text);
    else namespaces.set(namespace, [...(namespaces.get(namespace) ?? []), text]);
  }
  return { cluster, namespaces: Object.fromEntries(namespaces), findings };
}

/** Volume information: every volume is marked skipped, so that Velero leaves its data alone. */
export function formatVolumeInfo(volumes: readonly VolumeBackup[]): Uint8Array {
  return Buffer.from(
    JSON.stringify(
      volumes.map((v) => ({
        pvcName: v.pvc,
        pvcNamespace: v.namespace,
        pvName: v.pv,
        snapshotDataMoved: false,
        preserveLocalSnapshot: false,
        skipped: true,
        skippedReason: `${v.method}: ${v.reason}`,
      })),
    ),
  );
}
