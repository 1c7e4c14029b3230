/**
 * Part of the plan: how each claim gets its data back, decided before anything is created, for a dry run
 * in the same way. Only reads, so that doing it twice is safe.
 */
import type { Cluster } from '../../../domain/cluster.ts';
import { BackupCentreError, type ErrorCode } from '../../../domain/errors.ts';
import type { JsonObject } from '../../../domain/json.ts';
import type { KubeObject } from '../../../domain/kube-object.ts';
import { mappedNamespace } from '../../../domain/namespace-mapping.ts';
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import type { DiskSource, VolumeBackup } from '../../../domain/volume-backup.ts';
import { chooseZone } from '../../../domain/volumes/choose-zone.ts';
import { classOfClaim } from '../../../domain/volumes/claim-class.ts';
import { zoneOfNode } from '../../../domain/volumes/node-rules.ts';
import { diskSize } from '../../../domain/volumes/restored-claim.ts';
import { daysToKeep } from '../../../domain/volumes/snapshot-retention.ts';
import {
  type ConversionPlan,
  planConversions,
  type VolumeFinding,
} from '../../../domain/volumes/storage-class-conversion.ts';
import type { AgentStatus } from '../../../ports/cloud-backup.ts';
import type { ClusterClient } from '../../../ports/cluster-client.ts';
import type { DiskSnapshot } from '../../../ports/disk-cloud.ts';
import type { RestoreServices } from '../../restore-services.ts';
import { diskOf, type KeptDisk, lookAtDisks } from './disks.ts';
import {
  holdsFiles,
  type LandingPlan,
  landingRow,
  planLandings,
  RESTORED_FROM_CLOUD_BACKUP,
  separatedFolders,
} from './landing-plan.ts';
import type { PlanObjects, TargetFacts } from './plan-objects.ts';
import { readTargetStorage, type TargetStorage } from './target-storage.ts';
import type { VolumePlan, VolumeWay } from './volume-plan.ts';

/** Everything that the plan says of volumes. */
export interface PlannedVolumes {
  readonly plans: readonly VolumePlan[];
  /** Claims whose files come from Cloud Backup. */
  readonly landings: readonly LandingPlan[];
  /** The record's rows. */
  readonly rows: readonly VolumeBackup[];
  /** Why a volume's object stays out, by its name. */
  readonly volumesOut: ReadonlyMap<string, string>;
  /** Instances by the disk that is attached to them. */
  readonly attached: Readonly<Record<string, string>>;
  readonly errors: readonly VolumeFinding[];
  readonly warnings: readonly VolumeFinding[];
}

/** What a plan of volumes is asked for. */
interface Asked {
  readonly services: RestoreServices;
  readonly record: RestoreRecord;
  readonly client: ClusterClient;
  readonly cluster: Cluster;
  /** Of the backup. */
  readonly rows: readonly VolumeBackup[];
  readonly objects: PlanObjects;
  readonly target: TargetFacts;
}

/** Where the decisions come from. */
interface Given extends Asked {
  readonly storage: TargetStorage;
  /** Classes by name: the target's, and those that the restore brings. */
  readonly classes: ReadonlyMap<string, JsonObject>;
  /** By claim (`#` for any number at its end): the spec of a pod that will mount it. */
  readonly mounts: ReadonlyMap<string, JsonObject>;
}

/** A claim that comes back, with its row in the backup. */
interface ComingClaim {
  readonly row: VolumeBackup;
  readonly claim: KubeObject;
  /** Namespace in the target. */
  readonly place: string;
}

const CLAIMS = 'persistentvolumeclaims';
const CLASSES = 'storageclasses.storage.k8s.io';
const MOUNTING = ['pods', 'deployments.apps', 'statefulsets.apps', 'daemonsets.apps'];
const DISK_DRIVER = 'diskplugin.csi.alibabacloud.com';

/** Plans the volumes of the objects that come back. */
export async function planVolumes(given: Asked): Promise<PlannedVolumes> {
  const claims = comingClaims(given);
  const places = new Set(claims.map(({ place }) => place));
  const storage = await readTargetStorage(given.client, places);
  const classes = new Map([...broughtClasses(given), ...storage.classes]);
  const ground: Given = { ...given, storage, classes, mounts: mountsOf(given) };
  const fresh = claims.filter((c) => !storage.claims.has(`${c.place}/${c.row.pvc}`));
  const checked = checkClasses(ground, fresh);
  const snapshots = await readSnapshots(given.services, fresh);
  const decide = (each: ComingClaim) => planOf(ground, each, { errors: checked.errors, snapshots });
  const plans = claims.flatMap((each) => decide(each) ?? []);
  const landings = await planFiles(ground, claims, checked.conversions);
  const taken = new Map([
    ...plans.map(({ pv, way }) => [pv, reasonOut(way)] as const),
    ...landings.map(({ pv }) => [pv, RESTORED_FROM_CLOUD_BACKUP] as const),
  ]);
  const { gone, attached } = await lookAtDisks(
    given.services,
    given.cluster,
    keptDisks(given, taken),
  );
  const reasonsGone = new Map(gone.map(({ pv }) => [pv, 'storage_gone']));
  return {
    plans,
    landings,
    rows: claims.map((each) => {
      const landing = landings.find(({ namespace, pvc }) => isClaim(each.row, namespace, pvc));
      return landing === undefined
        ? rowOf(each, plans, reasonsGone)
        : landingRow(landing, each.row);
    }),
    volumesOut: new Map([...taken, ...reasonsGone]),
    attached,
    errors: checked.errors,
    warnings: [
      ...checked.warnings,
      ...gone.map(({ finding }) => finding),
      ...separatedFolders(landings),
    ],
  };
}

/** The error with which a run ends that must not begin. */
export function fatalError(errors: readonly VolumeFinding[]): BackupCentreError | undefined {
  const [first] = errors;
  if (first === undefined) return undefined;
  const code = FATAL_CODES.find((each) => each === first.code) ?? 'conversion_not_allowed';
  const more = errors.length === 1 ? '' : ` (and ${errors.length - 1} more like it)`;
  return new BackupCentreError(code, `${first.message}${more}`);
}

const FATAL_CODES: readonly ErrorCode[] = [
  'storage_class_missing',
  'conversion_not_allowed',
  'access_mode_unsupported',
  'immediate_binding',
  'cross_region_unsupported',
];

function comingClaims({ rows, objects, target, record }: Asked): ComingClaim[] {
  const byClaim = new Map(rows.map((row) => [`${row.namespace}/${row.pvc}`, row]));
  const coming: ComingClaim[] = [];
  for (const { line, facts } of objects.coming([CLAIMS], target)) {
    const row = byClaim.get(`${line.namespace}/${line.name}`);
    if (row === undefined || facts.object === undefined) continue;
    const place = mappedNamespace(record.spec.namespaceMapping, row.namespace);
    coming.push({ row, claim: facts.object, place });
  }
  return coming;
}

function* broughtClasses({ objects, target }: Asked): Generator<[string, JsonObject]> {
  for (const { line, facts } of objects.coming([CLASSES], target)) {
    if (facts.object !== undefined) yield [line.name, facts.object];
  }
}

function mountsOf({ objects, target }: Asked): ReadonlyMap<string, JsonObject> {
  const specs = new Map<string, JsonObject>();
  for (const { line, facts } of objects.coming(MOUNTING, target)) {
    for (const claim of facts.mounts?.claims ?? []) {
      const key = `${line.namespace}/${claim}`;
      if (facts.mounts !== undefined && !specs.has(key)) specs.set(key, facts.mounts.podSpec);
    }
  }
  return specs;
}

/** Disks of volumes that come back on the storage they had. */
function keptDisks(
  { objects, target }: Asked,
  taken: ReadonlyMap<string, string>,
): readonly KeptDisk[] {
  return [...objects.coming(['persistentvolumes'], target)].flatMap(({ line, facts }) => {
    const disk = facts.object === undefined ? undefined : diskOf(facts.object);
    return disk === undefined || taken.has(line.name) ? [] : [{ pv: line.name, disk }];
  });
}

function checkClasses(
  { record, cluster, classes, storage }: Given,
  claims: readonly ComingClaim[],
): ConversionPlan {
  return planConversions({
    entries: record.spec.storageClassConversion,
    claims: claims.map(({ row, claim }) => ({ volume: row, claim })),
    classes: [...classes.values()],
    zones: storage.nodes.flatMap((node) => zoneOfNode(node) ?? []),
    region: cluster.region,
  });
}

/** The claims whose files come from Cloud Backup; its client is asked for only where one needs it. */
async function planFiles(
  given: Given,
  claims: readonly ComingClaim[],
  conversions: ConversionPlan['conversions'],
): Promise<readonly LandingPlan[]> {
  const { storage, objects, target, services, cluster } = given;
  const coming = claims.filter(({ row }) => holdsFiles(row));
  const mountings = [...objects.coming(MOUNTING, target)].flatMap(({ line, facts }) => {
    const { namespace = '', name } = line;
    return facts.mounts === undefined ? [] : [{ namespace, name, ...facts.mounts }];
  });
  const needsAgent = coming.some(
    ({ row }) => row.source?.kind === 'files' && row.source.files.way === 'container',
  );
  return planLandings({
    claims: coming.map((each) => ({
      ...each,
      exists: storage.claims.has(`${each.place}/${each.row.pvc}`),
    })),
    mountings,
    conversions,
    classes: [...given.classes.values()],
    agent: needsAgent ? await agentStatus(services, cluster) : undefined,
  });
}

/** Cloud Backup that is not to be had is an answer too: the volume's row tells. */
async function agentStatus(
  { cloudBackup }: RestoreServices,
  { region, id }: Cluster,
): Promise<AgentStatus | undefined> {
  try {
    return await cloudBackup.agentStatus(region, id);
  } catch (error) {
    if (!(error instanceof BackupCentreError) || error.retryable) throw error;
    return undefined;
  }
}

/** The snapshots of the claims that are still at ECS, by id. */
async function readSnapshots(
  { disks }: RestoreServices,
  claims: readonly ComingClaim[],
): Promise<ReadonlyMap<string, DiskSnapshot>> {
  const byRegion = new Map<string, Set<string>>();
  for (const { row } of claims) {
    const held = snapshotOf(row);
    if (held === undefined) continue;
    const ids = byRegion.get(held.source.region) ?? new Set();
    byRegion.set(held.source.region, ids.add(held.snapshotId));
  }
  const found: DiskSnapshot[] = [];
  for (const [region, ids] of byRegion)
    found.push(...(await disks.describeSnapshots(region, [...ids])));
  return new Map(found.map((snapshot) => [snapshot.id, snapshot]));
}

/** The snapshot that has the data of a volume. */
function snapshotOf({
  method,
  phase,
  resourceId,
  source,
}: VolumeBackup): { readonly snapshotId: string; readonly source: DiskSource } | undefined {
  const taken = method === 'ecsSnapshot' && phase === 'Completed' && resourceId !== undefined;
  return taken && source?.kind === 'disk' ? { snapshotId: resourceId, source } : undefined;
}

/** The plan of a claim whose data is in a snapshot. */
function planOf(
  given: Given,
  coming: ComingClaim,
  known: {
    readonly errors: readonly VolumeFinding[];
    readonly snapshots: ReadonlyMap<string, DiskSnapshot>;
  },
): VolumePlan | undefined {
  const { row, place } = coming;
  const held = snapshotOf(row);
  if (held === undefined) return undefined;
  const backupVolume = given.objects.volume(row.pv)?.object;
  const snapshot = known.snapshots.get(held.snapshotId);
  const keepDays =
    snapshot === undefined ? undefined : daysToKeep(snapshot, given.services.clock.now());
  const { namespace, pvc, pv } = row;
  return {
    namespace,
    pvc,
    pv,
    place,
    way: wayOf(given, coming, held, known),
    ...held,
    ...(keepDays === undefined ? {} : { keepDays }),
    copied: held.source.region !== given.cluster.region,
    ...(backupVolume === undefined ? {} : { backupVolume: { spec: backupVolume.spec } }),
  };
}

function wayOf(
  given: Given,
  { row, claim, place }: ComingClaim,
  { snapshotId, source }: { readonly snapshotId: string; readonly source: DiskSource },
  known: {
    readonly errors: readonly VolumeFinding[];
    readonly snapshots: ReadonlyMap<string, DiskSnapshot>;
  },
): VolumeWay {
  const { storage } = given;
  const { namespace, pvc } = row;
  if (storage.claims.has(`${place}/${pvc}`)) return { kind: 'exists' };
  const refused = known.errors.find(
    ({ object }) => object?.namespace === namespace && object.name === pvc,
  );
  if (refused !== undefined) {
    return { kind: 'refused', code: refused.code, message: refused.message };
  }
  const snapshot = known.snapshots.get(snapshotId);
  if (snapshot === undefined || snapshot.status === 'failed') {
    const found = snapshot === undefined ? 'is gone at ECS' : 'has failed at ECS';
    const message = `snapshot ${snapshotId} of its disk ${found} (${source.region})`;
    return { kind: 'refused', code: 'lost', message };
  }
  const { snapshotVersion } = storage;
  const provisioner = given.classes.get(classOfClaim(claim))?.provisioner;
  if (snapshotVersion !== undefined && provisioner === DISK_DRIVER) {
    return { kind: 'driver', snapshotVersion };
  }
  const mounted = [pvc, pvc.replace(/\d+$/, '#')].map((name) => `${namespace}/${name}`);
  const podSpec = mounted.map((key) => given.mounts.get(key)).find((spec) => spec !== undefined);
  const choice = chooseZone({
    original: source.zone,
    nodes: storage.nodes,
    ...(podSpec === undefined ? {} : { podSpec }),
  });
  if (choice.kind === 'none') {
    return { kind: 'refused', code: choice.code, message: choice.message };
  }
  return { kind: 'disk', zone: choice.zone, sizeGiB: diskSize(claim, source.sizeGiB).sizeGiB };
}

function isClaim(row: VolumeBackup, namespace: string, pvc: string): boolean {
  return row.namespace === namespace && row.pvc === pvc;
}

/** Why the volume of the backup is not restored itself. */
function reasonOut(way: VolumeWay): string {
  if (way.kind === 'exists') return 'claim_exists';
  return way.kind === 'refused' ? way.code : 'restored_from_snapshot';
}

/** The record's row of a claim. */
function rowOf(
  { row, place }: ComingClaim,
  plans: readonly VolumePlan[],
  gone: ReadonlyMap<string, string>,
): VolumeBackup {
  const plan = plans.find(({ namespace, pvc }) => namespace === row.namespace && pvc === row.pvc);
  const base = { ...row, namespace: place, progress: 0 };
  if (plan === undefined) {
    const reason = gone.has(row.pv) ? STORAGE_GONE : `its data is not in the backup: ${row.reason}`;
    return { ...base, phase: 'Skipped', reason };
  }
  const { way, snapshotId } = plan;
  switch (way.kind) {
    case 'exists':
      return { ...base, phase: 'Skipped', reason: 'exists: the claim was left as it is' };
    case 'refused':
      return { ...base, phase: 'Failed', reason: `${way.code}: ${way.message}` };
    case 'driver':
      return {
        ...base,
        phase: 'Pending',
        reason: `new disk of snapshot ${snapshotId}, by the driver`,
      };
    case 'disk':
      return {
        ...base,
        phase: 'Pending',
        reason: `new disk of snapshot ${snapshotId} in ${way.zone}`,
      };
  }
}

const STORAGE_GONE = 'storage_gone: its disk is not at ECS any more, a new volume is empty';
