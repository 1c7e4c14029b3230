import type { PersistentVolume } from '../controllers/engine/storage-objects.ts';
import { clientToken } from './client-token.ts';
import {
  type DiskKind,
  type DiskParameters,
  diskParameters,
  kindText,
  sizeGiBMin,
} from './disk-parameters.ts';
import { DriverError, StillWorkingError, textOf } from './driver-error.ts';
import { type Disk, type EcsClient, EcsError, ecsTags } from './ecs-client.ts';
import {
  DISK_DRIVER,
  type MadeVolume,
  type VolumeDriver,
  type VolumeRequest,
} from './volume-driver.ts';

const GIB = 2 ** 30;
/** The tag by which the driver finds the disk of a PV again. */
const VOLUME_NAME_TAG = 'csi.alibabacloud.com/volume-name';
const CLUSTER_TAG = 'ack.aliyun.com';

/** The disk driver's CreateVolume and DeleteVolume, as driver 1.36 calls ECS. */
export class DiskDriver implements VolumeDriver {
  readonly name = DISK_DRIVER;
  readonly namePrefix = 'disk';
  readonly hasTopology = true;
  readonly hasSnapshots = true;
  readonly #ecs: EcsClient;
  readonly #clusterId: string;

  constructor(ecs: EcsClient, clusterId: string) {
    this.#ecs = ecs;
    this.#clusterId = clusterId;
  }

  async make(request: VolumeRequest): Promise<MadeVolume> {
    const parameters = diskParameters(request);
    const refusals: string[] = [];
    for (const kind of parameters.kinds) {
      const least = sizeGiBMin(kind);
      if (parameters.sizeGiB < least) {
        refusals.push(
          `${kindText(kind)}: requested size ${parameters.sizeGiB}GiB is less than minimum ${least}GiB`,
        );
        continue;
      }
      const made = await this.#attempt(request, parameters, kind);
      if ('refusal' in made) refusals.push(`${kindText(kind)}: ${made.refusal}`);
      else return volumeFrom(request, parameters, made);
    }
    throw new DriverError('Internal', `all attempts failed: ${refusals.join('; ')}`);
  }

  async remove(volume: PersistentVolume): Promise<void> {
    await this.#delete(volume.spec.csi?.volumeHandle ?? '');
  }

  async removeUnused(name: string): Promise<void> {
    for (const disk of await this.#madeFor(name)) await this.#delete(disk.id);
  }

  /** A disk of this kind, or why another kind is to be tried. */
  async #attempt(
    request: VolumeRequest,
    parameters: DiskParameters,
    kind: DiskKind,
  ): Promise<{ id: string; kind: DiskKind } | { refusal: string }> {
    try {
      const id = await this.#ecs.createDisk(this.#createDiskCall(request, parameters, kind));
      return { id, kind };
    } catch (error) {
      if (!(error instanceof EcsError)) throw error;
      if (error.code === 'IdempotentParameterMismatch') return this.#earlier(request, parameters);
      if (error.code === 'InvalidSnapshotId.NotFound') {
        throw new DriverError('NotFound', `snapshot ${request.snapshotHandle} not found`);
      }
      const refusal = kindRefusal(error, parameters);
      if (refusal !== undefined) return { refusal };
      if (error.transient) throw error;
      const code = error.code.startsWith('QuotaExceed') ? 'ResourceExhausted' : 'Internal';
      throw new DriverError(code, error.message);
    }
  }

  #createDiskCall(
    request: VolumeRequest,
    parameters: DiskParameters,
    kind: DiskKind,
  ): Readonly<Record<string, unknown>> {
    const { claim, name } = request;
    const tags = {
      'k8s.aliyun.com': 'true',
      createdby: 'alibabacloud-csi-plugin',
      [CLUSTER_TAG]: this.#clusterId,
      ...parameters.tags,
      'kubernetes.io/created-for/pv/name': name,
      'kubernetes.io/created-for/pvc/name': claim.name,
      'kubernetes.io/created-for/pvc/namespace': claim.namespace,
      [VOLUME_NAME_TAG]: name,
    };
    return {
      ZoneId: parameters.zone,
      Size: parameters.sizeGiB,
      DiskCategory: kind.category,
      ...(kind.performanceLevel === '' ? {} : { PerformanceLevel: kind.performanceLevel }),
      ...(request.snapshotHandle === undefined ? {} : { SnapshotId: request.snapshotHandle }),
      ...(parameters.kmsKeyId === undefined ? {} : { KMSKeyId: parameters.kmsKeyId }),
      ...(parameters.multiAttach ? { MultiAttach: 'Enabled' } : {}),
      DiskName: name,
      Encrypted: parameters.encrypted,
      ClientToken: clientToken(name),
      Tag: ecsTags(tags),
    };
  }

  /** The disk that an earlier call with other parameters made under the same token. */
  async #earlier(
    request: VolumeRequest,
    parameters: DiskParameters,
  ): Promise<{ id: string; kind: DiskKind }> {
    const [disk] = await this.#madeFor(request.name);
    const found = disk === undefined ? 'it is not to be found' : mismatch(disk, parameters);
    if (disk === undefined || found !== undefined) {
      const text = `volume ${request.name} already created but parameter mismatch: ${found}`;
      throw new DriverError('AlreadyExists', text);
    }
    const { category, performanceLevel } = disk;
    return { id: disk.id, kind: { category, performanceLevel } };
  }

  #madeFor(name: string): Promise<Disk[]> {
    return this.#ecs.findDisksByTags({ [VOLUME_NAME_TAG]: name, [CLUSTER_TAG]: this.#clusterId });
  }

  async #delete(diskId: string): Promise<void> {
    const disk = await this.#ecs.findDisk(diskId);
    if (disk === undefined) return;
    if (disk.status === 'In_use') await this.#ecs.detachDisk(diskId, disk.instanceId);
    try {
      await this.#ecs.deleteDisk(diskId);
    } catch (error) {
      if (!(error instanceof EcsError)) throw error;
      if (error.code === 'InvalidDiskId.NotFound') return;
      if (error.code.startsWith('IncorrectDiskStatus') && disk.status !== 'Available') {
        throw new StillWorkingError(`disk ${diskId} is ${disk.status}`);
      }
      if (error.transient) throw error;
      throw new DriverError('Internal', `DeleteVolume: Delete disk with error: ${textOf(error)}`);
    }
  }
}

/** What ECS says when it has no such disk in the zone: the driver then tries the next kind. */
function kindRefusal(error: EcsError, parameters: DiskParameters): string | undefined {
  const { code } = error;
  if (code.startsWith('InvalidDataDiskCategory') || code.startsWith('InvalidDiskCategory')) {
    return `not supported in zone: ${parameters.zone}`;
  }
  const size = ['InvalidDiskSize.NotSupported', 'InvalidDataDiskSize.ValueNotSupported'];
  if (size.includes(code) || code === 'OperationDenied.PerformanceLevelNotMatch') {
    return `invalid disk size: ${parameters.sizeGiB}`;
  }
  return undefined;
}

function mismatch(disk: Disk, parameters: DiskParameters): string | undefined {
  const { sizeGiB, zone, kinds } = parameters;
  if (disk.sizeGiB !== sizeGiB) return `${disk.sizeGiB}GiB != requested ${sizeGiB}GiB`;
  if (disk.zone !== zone) return `zoneId: ${disk.zone} != requested ${zone}`;
  if (kinds.some((kind) => kind.category === disk.category)) return undefined;
  return `category: ${disk.category} not in requested ${kinds.map(kindText).join(',')}`;
}

function volumeFrom(
  request: VolumeRequest,
  parameters: DiskParameters,
  made: { id: string; kind: DiskKind },
): MadeVolume {
  const { category, performanceLevel } = made.kind;
  return {
    handle: made.id,
    sizeBytes: parameters.sizeGiB * GIB,
    zone: parameters.zone,
    attributes: {
      ...request.parameters,
      type: category,
      ...(performanceLevel === '' ? {} : { performanceLevel }),
    },
  };
}
