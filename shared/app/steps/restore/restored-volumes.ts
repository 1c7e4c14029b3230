/** The volumes of a restore for the step that creates their claims: plans and what was made of them. */
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import type { VolumeBackup } from '../../../domain/volume-backup.ts';
import type { CatalogLine } from '../../../format/catalog-line.ts';
import type { StepContext } from '../../step.ts';
import { isSettled } from '../backup/volume-rows.ts';
import { planOf } from './restore-plan.ts';
import type { RestoreState } from './restore-state.ts';
import { PENDING_CONSUMER } from './restored-rows.ts';
import {
  type MadeResource,
  type MadeVolumes,
  readMade,
  readVolumePlans,
  VOLUMES_STEP,
  type VolumePlan,
  volumeKey,
} from './volume-plan.ts';

const CLAIMS = 'persistentvolumeclaims';

/** Where the data of a claim is, ready to be used. */
export type VolumeData =
  | { readonly kind: 'snapshot'; readonly id: string; readonly version: 'v1' | 'v1beta1' }
  | { readonly kind: 'disk'; readonly id: string; readonly zone: string }
  /** The claim was in the target when the restore was planned. */
  | { readonly kind: 'exists' }
  | { readonly kind: 'none'; readonly code: string; readonly message: string };

/** Plans by claim. */
export class RestoredVolumes {
  private readonly byClaim: ReadonlyMap<string, VolumePlan>;
  private readonly byPlace: ReadonlyMap<string, VolumePlan>;
  private readonly made: MadeVolumes;

  private constructor(plans: readonly VolumePlan[], made: MadeVolumes) {
    this.byClaim = new Map(plans.map((plan) => [volumeKey(plan), plan]));
    this.byPlace = new Map(plans.map((plan) => [`${plan.place}/${plan.pvc}`, plan]));
    this.made = made;
  }

  /** Reads what the plan and the step after it left. */
  static async open(context: StepContext<RestoreRecord>): Promise<RestoredVolumes> {
    const plans = await readVolumePlans(context.scratch, planOf(context).volumes);
    return new RestoredVolumes(plans, readMade(context.results[VOLUMES_STEP]));
  }

  /** Whether there are any. */
  get any(): boolean {
    return this.byClaim.size > 0;
  }

  /** The plan of a claim of the backup. */
  planOf({ resource, namespace = '', name }: CatalogLine): VolumePlan | undefined {
    return resource === CLAIMS ? this.byClaim.get(volumeKey({ namespace, pvc: name })) : undefined;
  }

  /** The data that a claim is to be given. */
  dataOf(plan: VolumePlan, dryRun: boolean): VolumeData {
    const { way, snapshotId } = plan;
    if (way.kind === 'refused') return { kind: 'none', code: way.code, message: way.message };
    if (way.kind === 'exists') return way;
    const copy = plan.copied ? this.made.copies[snapshotId] : { id: snapshotId };
    if (way.kind === 'driver') {
      const id = dryRun ? snapshotId : idOf(copy);
      return typeof id === 'string' ? { kind: 'snapshot', id, version: way.snapshotVersion } : id;
    }
    // In a dry run no disk is made; its id stands for the one that would be.
    const id = dryRun ? 'd-new' : idOf(this.made.disks[volumeKey(plan)]);
    return typeof id === 'string' ? { kind: 'disk', id, zone: way.zone } : id;
  }

  /** What a row of the record says once its claim is dealt with. */
  outcomeOf(row: VolumeBackup, state: RestoreState): Partial<VolumeBackup> | undefined {
    const { namespace, pvc } = row;
    const plan = this.byPlace.get(`${namespace}/${pvc}`);
    if (isSettled(row) || plan === undefined) return undefined;
    const item = state.claim(namespace, pvc);
    switch (item?.action) {
      case 'created':
        return { phase: 'InProgress', reason: PENDING_CONSUMER };
      case 'skipped':
        return { phase: 'Skipped', reason: `${item.reason}: the claim was left as it is` };
      case 'failed': {
        const data = this.dataOf(plan, false);
        const words = data.kind === 'none' ? `${data.code}: ${data.message}` : item.reason;
        return { phase: 'Failed', reason: words };
      }
      default:
        return undefined;
    }
  }
}

function idOf(
  made: MadeResource | { readonly id: string } | undefined,
): string | (VolumeData & { readonly kind: 'none' }) {
  if (made !== undefined && 'id' in made) return made.id;
  const message = made?.message ?? 'nothing was made of its snapshot';
  return { kind: 'none', code: made?.failed ?? 'internal', message };
}
