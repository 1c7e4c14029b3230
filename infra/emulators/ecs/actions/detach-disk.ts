import { diskStatus } from '../disk-state.ts';
import type { EcsCall, EcsReply } from '../ecs-call.ts';
import { instanceStatusRefusal, refuse } from '../errors.ts';
import { required } from '../parameters.ts';
import type { DiskRecord } from '../records.ts';

/** Detaches a disk from an instance; it is Detaching, then Available. */
export async function detachDisk(call: EcsCall): Promise<EcsReply> {
  const instanceId = required(call.parameters, 'InstanceId');
  const disk = call.disk(required(call.parameters, 'DiskId'));
  const instance = call.instance(instanceId);
  if (instance === undefined) throw refuse.instanceNotFound();
  if (disk === undefined) throw refuse.diskNotFound();
  checkDisk(call, disk, instanceId);
  const status = instance.status ?? 'Running';
  if (status !== 'Running' && status !== 'Stopped') throw instanceStatusRefusal(403);
  if (instance.lockedForSecurity === true) throw refuse.instanceLocked();
  const endsAtMs = call.nowMs + call.world.durations.attachMs();
  const detached: DiskRecord = {
    ...disk,
    attachments: disk.attachments.filter((a) => a.instanceId !== instanceId),
    detachedAtMs: call.nowMs,
    change: { kind: 'Detaching', endsAtMs, instanceId },
  };
  await call.store.commit(() => call.store.disks.putSync(disk.diskId, detached));
  return {};
}

function checkDisk(call: EcsCall, disk: DiskRecord, instanceId: string): void {
  const status = diskStatus(disk, call.nowMs);
  if (status === 'Detaching' && disk.change?.instanceId === instanceId) {
    throw refuse.denied(
      'InvalidOperation.DiskDetachingFromThisEcs',
      'The specified disk is detaching from this ecs.',
    );
  }
  if (status === 'Available') {
    throw refuse.notFound('InvalidDisk.AlreadyDetached', 'The specified disk has been detached.');
  }
  if (status !== 'In_use') throw refuse.diskStatus();
  if (!disk.attachments.some((a) => a.instanceId === instanceId)) {
    throw refuse.denied(
      'DependencyViolation',
      'The specified disk has not been attached on the specified instance.',
    );
  }
}
