import { attachDisk } from './actions/attach-disk.ts';
import { copySnapshot } from './actions/copy-snapshot.ts';
import { createDisk } from './actions/create-disk.ts';
import { createSnapshot } from './actions/create-snapshot.ts';
import { createSnapshotGroup } from './actions/create-snapshot-group.ts';
import { deleteDisk } from './actions/delete-disk.ts';
import { deleteSnapshot } from './actions/delete-snapshot.ts';
import { deleteSnapshotGroup } from './actions/delete-snapshot-group.ts';
import { describeDisks } from './actions/describe-disks.ts';
import { describeInstances } from './actions/describe-instances.ts';
import { describeRegions, describeZones } from './actions/describe-regions.ts';
import { describeSnapshotGroups } from './actions/describe-snapshot-groups.ts';
import { describeSnapshots } from './actions/describe-snapshots.ts';
import { detachDisk } from './actions/detach-disk.ts';
import { modifySnapshotAttribute } from './actions/modify-snapshot-attribute.ts';
import { resetDisk } from './actions/reset-disk.ts';
import { listTagResources, tagResources, untagResources } from './actions/resource-tags.ts';
import { ClientTokens, type Creation } from './client-tokens.ts';
import type { EcsCall, EcsReply } from './ecs-call.ts';
import { refuse } from './errors.ts';
import { optionalBoolean } from './parameters.ts';

const CREATIONS: Readonly<Record<string, (call: EcsCall) => Promise<Creation>>> = {
  CreateDisk: createDisk,
  CreateSnapshot: createSnapshot,
  CopySnapshot: copySnapshot,
  CreateSnapshotGroup: createSnapshotGroup,
};

const CHANGES: Readonly<Record<string, (call: EcsCall) => Promise<EcsReply>>> = {
  AttachDisk: attachDisk,
  DetachDisk: detachDisk,
  DeleteDisk: deleteDisk,
  ResetDisk: resetDisk,
  ModifySnapshotAttribute: modifySnapshotAttribute,
  DeleteSnapshotGroup: deleteSnapshotGroup,
  TagResources: tagResources,
  UntagResources: untagResources,
  DeleteSnapshot: deleteSnapshot,
};

const READINGS: Readonly<Record<string, (call: EcsCall) => EcsReply>> = {
  DescribeDisks: describeDisks,
  DescribeSnapshots: describeSnapshots,
  DescribeSnapshotGroups: describeSnapshotGroups,
  DescribeInstances: describeInstances,
  DescribeRegions: describeRegions,
  DescribeZones: describeZones,
  ListTagResources: listTagResources,
};

/**
 * Runs actions. Those that change something run one after the other, so that a check and what
 * follows from it are one step; readings run at any time.
 */
export class Dispatcher {
  private readonly tokens = new ClientTokens();
  private last: Promise<unknown> = Promise.resolve();

  async run(action: string, call: EcsCall): Promise<EcsReply> {
    const creation = own(CREATIONS, action);
    if (creation !== undefined) {
      const create = () => creation(call);
      return this.tokens.once(call, action, create, (work) => this.change(call, work));
    }
    const change = own(CHANGES, action);
    if (change !== undefined) return this.change(call, () => change(call));
    const reading = own(READINGS, action);
    if (reading === undefined) {
      throw refuse.notFound(
        'InvalidAction.NotFound',
        'Specified api is not found, please check your url and method.',
      );
    }
    const reply = reading(call);
    if (optionalBoolean(call.parameters, 'DryRun') === true) throw refuse.dryRun();
    return reply;
  }

  /** Runs `work` when everything begun before it has ended. */
  serialise<T>(work: () => Promise<T>): Promise<T> {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when no change is under way. */
  async idle(): Promise<void> {
    for (let seen: unknown; seen !== this.last; ) {
      seen = this.last;
      await this.last;
    }
  }

  private change(call: EcsCall, work: () => Promise<EcsReply>): Promise<EcsReply> {
    return this.serialise(async () => {
      await call.store.removeExpired(call.nowMs);
      return work();
    });
  }
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
