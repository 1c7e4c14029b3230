/**
 * First step: what can be known before the backup's objects are read. It ends the run Failed, with nothing
 * created, where the restore cannot be what was asked for; what needs the objects, volumes above all, is
 * checked by the plan, before anything is created too. Running it twice is safe: it reads, and sets the row
 * that holds the backup and the record's warnings as a whole.
 */
import { createHash } from 'node:crypto';
import { apiVersionOf, type Discovery, groupResource } from '../../../domain/api-resource.ts';
import {
  conversionsOf,
  convertedResource,
  goneKind,
} from '../../../domain/api-versions/conversions.ts';
import { isSupportedVersion } from '../../../domain/cluster.ts';
import { BackupCentreError } from '../../../domain/errors.ts';
import type { Finding } from '../../../domain/finding.ts';
import { isJsonObject, textAt } from '../../../domain/json.ts';
import { mappingCollision } from '../../../domain/namespace-mapping.ts';
import { isProtectedNamespace } from '../../../domain/protected-namespaces.ts';
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import { standingOf } from '../../../domain/restore-selection.ts';
import { type Manifest, manifestFile } from '../../../format/manifest.ts';
import { MANIFEST_SHA256_ANNOTATION } from '../../../format/velero-backup.ts';
import { connectCluster } from '../../backup-services.ts';
import {
  type OpenBundle,
  openBundle,
  type RestoreServices,
  usableBackup,
} from '../../restore-services.ts';
import { RunJournal } from '../../run-journal.ts';
import type { Step } from '../../step.ts';
import { withFindings } from '../backup/record-findings.ts';

const PRECHECK_STEP = 'precheck';

/** The step. */
export function precheckStep(services: RestoreServices): Step<RestoreRecord> {
  return {
    name: PRECHECK_STEP,
    run: async (context) => {
      await context.updateRecord((record) => ({
        ...record,
        phase: 'InProgress',
        startedAtMs: record.startedAtMs ?? services.clock.now(),
      }));
      const record = context.record();
      const journal = RunJournal.resume(context, services.clock);
      journal.log('info', `Restoring backup ${record.spec.backup} into cluster ${record.cluster}`);
      await holdBackup(services, record);
      await usableBackup(services, record);
      const bundle = await openBundle(services, record);
      await checkCommitted(bundle, record);
      checkNamespaces(record, bundle.manifest);
      const client = await connectCluster(services, record);
      const version = await client.version();
      if (!isSupportedVersion(version)) {
        throw new BackupCentreError(
          'cluster_version_unsupported',
          `Cannot restore into cluster ${record.cluster}: it runs Kubernetes ${version}`,
        );
      }
      const warnings = notServed(record, bundle.manifest, await client.discover());
      for (const warning of warnings) journal.find('warning', warning);
      await context.updateRecord((r) => withFindings(r, PRECHECK_STEP, { warnings }));
      return { kind: 'done', result: { version, journal: { ...(await journal.flush()) } } };
    },
  };
}

/**
 * The row that makes deletion and expiry of the backup wait. Written before the backup is looked at: a
 * deletion looks for such rows after it has marked the backup, so one of the two sees the other.
 */
async function holdBackup(services: RestoreServices, record: RestoreRecord): Promise<void> {
  const row = { restoreId: record.id, since: services.clock.now() };
  await services.records.put('backup_uses', [record.backupId, record.id], row, 'any');
}

/** Lets go of the backup; safe to repeat. */
export async function releaseBackup(
  services: Pick<RestoreServices, 'records'>,
  record: RestoreRecord,
): Promise<void> {
  await services.records.remove('backup_uses', [record.backupId, record.id], 'any');
}

/** The marker is there and speaks of this manifest, and the files have the sizes that it says. */
async function checkCommitted(bundle: OpenBundle, record: RestoreRecord): Promise<void> {
  const { store, keys } = bundle.place;
  const refuse = (found: string): BackupCentreError =>
    new BackupCentreError(
      'bundle_invalid',
      `Cannot restore backup ${record.spec.backup}: ${found}`,
    );
  const marker = await store.get(keys.marker).catch((error: unknown) => {
    if (error instanceof BackupCentreError && error.code === 'not_found') {
      throw refuse(`it was never committed, ${keys.marker} is missing`);
    }
    throw error;
  });
  const expected = markedHash(marker);
  const found = createHash('sha256')
    .update(await store.get(keys.manifest))
    .digest('hex');
  if (expected !== undefined && expected !== found) {
    throw refuse(
      `${keys.manifest} is not the one of its marker (expected ${expected}, read ${found})`,
    );
  }
  for (const key of [keys.archive, keys.catalog]) {
    const { sizeBytes } = manifestFile(bundle.manifest, key.slice(keys.prefix.length));
    const info = await store.head(key);
    if (info?.sizeBytes === sizeBytes) continue;
    throw refuse(`${key} has ${info?.sizeBytes ?? 'no'} bytes, expected ${sizeBytes}`);
  }
}

function markedHash(marker: Uint8Array): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(marker).toString('utf8'));
  } catch {
    return undefined;
  }
  return isJsonObject(value)
    ? textAt(value, 'metadata', 'annotations', MANIFEST_SHA256_ANNOTATION)
    : undefined;
}

function checkNamespaces(record: RestoreRecord, manifest: Manifest): void {
  const { spec } = record;
  const all = manifest.scope.namespacesResolved;
  const chosen = spec.namespaces.length === 0 ? all : spec.namespaces;
  const used = chosen.map((from) => ({ from, to: spec.namespaceMapping[from] ?? from }));
  const missing = spec.namespaces.filter((name) => !all.includes(name));
  if (missing.length > 0) {
    throw new BackupCentreError(
      'namespace_not_in_backup',
      `Cannot restore namespaces ${missing.join(', ')}: backup ${spec.backup} does not hold them`,
    );
  }
  const named = [...spec.namespaces, ...Object.entries(spec.namespaceMapping).flat()];
  const system = named.filter(isProtectedNamespace);
  if (system.length > 0) {
    throw new BackupCentreError(
      'system_namespace',
      `Cannot restore from or into namespaces of the system: ${system.join(', ')}`,
    );
  }
  const collision = mappingCollision(
    spec.namespaceMapping,
    used.map((u) => u.from),
  );
  if (collision === undefined) return;
  throw new BackupCentreError(
    'mapping_collision',
    `Cannot restore namespaces ${collision.sources.join(' and ')}: both would land in ${collision.target}`,
  );
}

/** A warning per kind of the backup that the target does not serve and whose definition is not in it. */
function notServed(record: RestoreRecord, manifest: Manifest, served: Discovery): Finding[] {
  const known = new Set(served.resources.map((r) => `${apiVersionOf(r)} ${groupResource(r)}`));
  const groups = new Map(served.resources.map((r) => [groupResource(r), apiVersionOf(r)]));
  const hasDefinitions = manifest.kinds.some((k) => k.resource.startsWith('customresourcedef'));
  return manifest.kinds.flatMap((kind): Finding[] => {
    const { apiVersion, resource, objects } = kind;
    const wanted = standingOf(record.spec, { resource, name: '', namespace: '' }).kind !== 'out';
    if (objects === 0 || !wanted || known.has(`${apiVersion} ${resource}`)) return [];
    // Its group may answer again by the time that its objects are created; else they say so.
    if (served.failures.some((f) => apiVersion.startsWith(`${f.group}/`))) return [];
    const ways = conversionsOf(apiVersion, resource);
    if (ways.some((way) => known.has(`${way.to} ${convertedResource(way)}`))) return [];
    const other = groups.get(resource);
    // Its definition may come with the backup; whether it does is known once the objects are read.
    const gone = goneKind(resource);
    if (other === undefined && hasDefinitions && resource.includes('.') && gone === undefined) {
      return [];
    }
    const found = other === undefined ? 'not served' : `served as ${other} only`;
    return [
      {
        code: 'unsupported_version',
        step: PRECHECK_STEP,
        message: `Cannot restore ${objects} objects of ${resource} ${apiVersion} into cluster ${record.cluster}: ${found}`,
        hint: gone ?? 'Install what serves this kind in the target, or leave the kind out',
      },
    ];
  });
}
