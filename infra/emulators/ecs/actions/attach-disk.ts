import { diskStatus } from '../disk-state.ts';
import type { EcsCall, EcsReply } from '../ecs-call.ts';
import { instanceStatusRefusal, refuse } from '../errors.ts';
import { INSTANCES_PER_MULTI_ATTACH_DISK } from '../limits.ts';
import { optional, optionalBoolean, required } from '../parameters.ts';
import type { DiskRecord, EcsInstance } from '../records.ts';

/** Attaches a data disk to an instance of its zone; it is Attaching, then In_use. */
export async function attachDisk(call: EcsCall): Promise<EcsReply> {
  const instanceId = required(call.parameters, 'InstanceId');
  const disk = call.disk(required(call.parameters, 'DiskId'));
  const deleteWithInstance = optionalBoolean(call.parameters, 'DeleteWithInstance') ?? false;
  const instance = call.instance(instanceId);
  if (instance === undefined) throw refuse.instanceNotFound();
  if (disk === undefined) throw refuse.diskNotFound();
  checkDisk(call, disk, instanceId);
  checkInstance(call, disk, instance);
  if (disk.multiAttach && deleteWithInstance) {
    throw refuse.denied(
      'DeleteWithInstance.Conflict',
      'Multi attach disk cannot be set to DeleteWithInstance attribute.',
    );
  }
  const device = chooseDevice(call, instanceId);
  const { nowMs } = call;
  const attached: DiskRecord = {
    ...disk,
    attachments: [
      ...disk.attachments,
      { instanceId, device, attachedAtMs: nowMs, deleteWithInstance },
    ],
    attachedAtMs: nowMs,
    change: { kind: 'Attaching', endsAtMs: nowMs + call.world.durations.attachMs() },
  };
  await call.store.commit(() => call.store.disks.putSync(disk.diskId, attached));
  return {};
}

function checkDisk(call: EcsCall, disk: DiskRecord, instanceId: string): void {
  const status = diskStatus(disk, call.nowMs);
  if (disk.attachments.some((a) => a.instanceId === instanceId) && disk.multiAttach) {
    throw refuse.notFound('InvalidDisk.InUse', 'The specified disk has been occupied.');
  }
  if (status !== 'Available' && !(disk.multiAttach && status === 'In_use')) {
    throw refuse.denied(
      'IncorrectDiskStatus',
      'The current status of the disk does not support this operation. ' +
        'The expected disk status is Available.',
    );
  }
  if (disk.attachments.length >= INSTANCES_PER_MULTI_ATTACH_DISK) {
    throw refuse.denied(
      'DiskAttachedNumberExceeded',
      'The attaching times of the specified disk exceeded.',
    );
  }
}

function checkInstance(call: EcsCall, disk: DiskRecord, instance: EcsInstance): void {
  const { regionId } = call.world;
  const sameRegion = (instance.regionId ?? regionId) === disk.regionId;
  if (!sameRegion || (disk.zoneId !== '' && instance.zoneId !== disk.zoneId)) {
    throw refuse.denied(
      'ResourcesNotInSameZone',
      'The specified instance and disk are not in the same zone.',
    );
  }
  const status = instance.status ?? 'Running';
  if (status !== 'Running' && status !== 'Stopped') throw instanceStatusRefusal(400);
  if (instance.lockedForSecurity === true) throw refuse.instanceLocked();
  if (disksOn(call, instance.instanceId).length >= call.world.quotas.disksPerInstance) {
    throw refuse.denied(
      'InstanceDiskLimitExceeded',
      'The amount of the disk on instance in question reach its limits.',
    );
  }
}

function disksOn(call: EcsCall, instanceId: string): DiskRecord[] {
  return call.store
    .allDisks()
    .filter((d) => d.attachments.some((a) => a.instanceId === instanceId));
}

/** The device asked for, or the first free one from /dev/xvdb on. */
function chooseDevice(call: EcsCall, instanceId: string): string {
  const taken = disksOn(call, instanceId).flatMap((disk) =>
    disk.attachments.filter((a) => a.instanceId === instanceId).map((a) => a.device),
  );
  const asked = optional(call.parameters, 'Device');
  if (asked !== undefined) {
    if (!/^\/dev\/x?vd[b-z]{1,2}$/.test(asked)) {
      throw refuse.badRequest('InvalidDevice.Malformed', 'The specified device is not valid.');
    }
    if (taken.includes(asked)) {
      throw refuse.denied('InvalidDevice.InUse', 'The specified device has been occupied.');
    }
    return asked;
  }
  for (let n = 0; ; n += 1) {
    const first = n < 25 ? '' : String.fromCharCode(97 + Math.floor(n / 25) - 1);
    const device = `/dev/xvd${first}${String.fromCharCode(98 + (n % 25))}`;
    if (!taken.includes(device)) return device;
  }
}
